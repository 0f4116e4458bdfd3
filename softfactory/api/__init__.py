"""The HTTP API: the use cases of `service.py` and the desk, for programs."""

from softfactory.api.app import create_app
from softfactory.api.settings import ServerSettings, tokens_from
from softfactory.desk import Limits

__all__ = ["Limits", "ServerSettings", "create_app", "tokens_from"]
