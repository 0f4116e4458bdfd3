"""The only place where generated code runs: isolated, limited, watched and gone afterwards."""

from softfactory.sandbox.browser import BROWSER_LIMITS, Browser, find_browser
from softfactory.sandbox.choice import choose_sandbox
from softfactory.sandbox.collect import read_collected, read_pictures
from softfactory.sandbox.environments import Environments, ProductEnvironment
from softfactory.sandbox.interface import Command, Limits, Reason, RunResult, Sandbox
from softfactory.sandbox.scratch import discard

__all__ = [
    "BROWSER_LIMITS",
    "Browser",
    "Command",
    "Environments",
    "Limits",
    "ProductEnvironment",
    "Reason",
    "RunResult",
    "Sandbox",
    "choose_sandbox",
    "discard",
    "find_browser",
    "read_collected",
    "read_pictures",
]
