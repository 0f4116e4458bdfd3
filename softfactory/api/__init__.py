"""The HTTP API: the use cases of `service.py` and the desk, for programs."""

from softfactory.api.app import create_app
from softfactory.api.settings import ServerSettings, tokens_from

__all__ = ["ServerSettings", "create_app", "tokens_from"]
