"""What a server is told when it is started."""

import hashlib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from softfactory.config import Settings
from softfactory.desk import Limits
from softfactory.errors import UsageError

SHORTEST_TOKEN = 16
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class ServerSettings:
    """Who may use a server, for what, and how much of it."""

    tokens: Mapping[str, str] = field(default_factory=dict)
    """Digest of a token → whose runs it opens. Empty: nobody needs one."""
    host: str = "127.0.0.1"
    limits: Limits = field(default_factory=Limits)
    defaults: Settings = field(default_factory=Settings)
    """What a run is worked on with if the request does not say."""
    resume: bool = False
    """Whether runs that were interrupted are taken up at the start."""
    largest_body: int = 1_000_000
    """In bytes."""
    body_seconds: float = 30.0
    """How long a request may take to arrive."""
    still_seconds: float = 15.0
    """After how much silence an event stream says that it is still there."""
    stream_seconds: float = 3600.0
    """After how long an event stream ends; its client comes back for the rest."""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def refuse_open(self) -> None:
        """Refuse to be reached from elsewhere without a token.

        Raises:
            UsageError: the host is not this machine's loopback, and there are no tokens.
        """
        if not self.is_local and not self.tokens:
            raise UsageError(
                f"--host {self.host!r} can be reached from elsewhere: set SOFTFACTORY_TOKENS "
                "(NAME:TOKEN, separated by commas), or leave --host out"
            )


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def tokens_from(text: str) -> dict[str, str]:
    """Tokens as SOFTFACTORY_TOKENS holds them: `NAME:TOKEN`, or `TOKEN`, separated by commas.

    Raises:
        UsageError: one is too short, has odd characters, or stands there twice.
    """
    found: dict[str, str] = {}
    for number, entry in enumerate(filter(None, map(str.strip, text.split(","))), start=1):
        name, colon, token = entry.rpartition(":")
        if colon and not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
            raise UsageError(
                f"SOFTFACTORY_TOKENS: the name of token {number} is not of letters, digits, . _ -"
            )
        if not re.fullmatch(rf"[!-~]{{{SHORTEST_TOKEN},}}", token):
            raise UsageError(
                f"SOFTFACTORY_TOKENS: token {number} is shorter than {SHORTEST_TOKEN} characters "
                "or has a space or no ASCII in it; `openssl rand -hex 24` makes good ones"
            )
        if digest(token) in found:
            raise UsageError(f"SOFTFACTORY_TOKENS: token {number} stands there twice")
        found[digest(token)] = name if colon else digest(token)[:12]
    return found
