"""What the page is handed: the desk where runs are worked on, and the server's own doors."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from softfactory.desk import Desk
from softfactory.errors import UnknownRun
from softfactory.persistence.runs import Run
from softfactory.service import Service


class Visit(Protocol):
    """What is known of a request: a part of `gradio.Request`."""

    query_params: Mapping[str, str]
    headers: Mapping[str, str]
    username: str | None


@dataclass(frozen=True)
class Office:
    """Everything the page works with."""

    desk_now: Callable[[], Desk]
    create: Callable[[Mapping[str, Any], str | None], Awaitable[str]]
    """Makes a run of a request as the API takes it, for a holder; its name."""
    address: Callable[[str, str], str]
    """Where the browser finds a file of a run's product, shut off from everything else."""
    default_model: str = ""
    enter: Callable[[str, str], bool] | None = field(default=None)
    """Whether a name and a token belong together; None: nobody needs one."""
    holders: Callable[[str], str] = field(default=str)
    """Whose runs a name opens; that of a token without a name is the token."""

    @property
    def chooses_addresses(self) -> bool:
        """Whether visitors say where models are asked; strangers would have keys sent there."""
        return self.enter is None

    @property
    def desk(self) -> Desk:
        """The desk of the server that is running."""
        return self.desk_now()

    @property
    def service(self) -> Service:
        """The service behind the desk."""
        return self.desk.service

    def holder(self, visit: Visit) -> str | None:
        """Whose runs a visitor may see; None: all of them."""
        return self.holders(visit.username or "") if self.enter else None

    async def run(self, visit: Visit) -> Run:
        """The run in the address of the page.

        Raises:
            UnknownRun: there is none, or it is somebody else's.
        """
        name = visit.query_params.get("run", "")
        run = await self.service.runs.get(name)
        if run.id != name or self.holder(visit) not in (None, run.settings.holder):
            raise UnknownRun(f"{name!r} is no run")
        return run
