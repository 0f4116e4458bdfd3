"""The only place where generated code runs: isolated, limited, watched and gone afterwards."""

from softfactory.sandbox.browser import BROWSER_LIMITS, Browser, find_browser
from softfactory.sandbox.checkout import Checkout, checkout
from softfactory.sandbox.choice import choose_sandbox, installed
from softfactory.sandbox.collect import read_collected, read_pictures
from softfactory.sandbox.environments import Environments, ProductEnvironment
from softfactory.sandbox.interface import Command, Limits, Reason, RunResult, Sandbox
from softfactory.sandbox.scratch import discard
from softfactory.sandbox.turns import Turns

__all__ = [
    "BROWSER_LIMITS",
    "Browser",
    "Checkout",
    "Command",
    "Environments",
    "Limits",
    "ProductEnvironment",
    "Reason",
    "RunResult",
    "Sandbox",
    "Turns",
    "checkout",
    "choose_sandbox",
    "discard",
    "find_browser",
    "installed",
    "read_collected",
    "read_pictures",
]
