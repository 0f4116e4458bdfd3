"""One run's thread through the graph: where it stands, what it waits for, and the next stretch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, StateSnapshot

from softfactory.state.company import CompanyState
from softfactory.state.gates import Decision, GateQuestion

STEP_LIMIT = 500
"""Steps of one stretch: far above what the bounds of the loops allow."""
PARALLEL_PACKAGES = 8


@dataclass(frozen=True)
class Thread:
    """The graph of a run at its newest checkpoint."""

    graph: CompiledStateGraph[Any, Any, Any, Any]
    run: str

    async def question(self) -> GateQuestion | None:
        """What the run waits for an answer to."""
        snapshot = await self._snapshot()
        if not snapshot.interrupts:
            return None
        return GateQuestion.model_validate(snapshot.interrupts[0].value)

    async def state(self) -> CompanyState:
        """What has been written so far; keys without a value yet are missing."""
        return cast(CompanyState, (await self._snapshot()).values)

    async def advance(self, idea: str, decision: Decision | None) -> GateQuestion | None:
        """Go on to the next gate or the end; the question asked there.

        A thread without a checkpoint begins with the idea; one that waits needs a decision; any
        other goes on where it was, so that nothing ever starts over.
        """
        snapshot = await self._snapshot()
        step: Command[Any] | Mapping[str, str] | None = None
        if not snapshot.values:
            step = {"idea": idea}
        elif snapshot.interrupts and decision:
            step = Command(resume={snapshot.interrupts[0].id: decision.model_dump()})
        await self.graph.ainvoke(step, self._config, durability="sync", version="v2")
        return await self.question()

    async def reopen(self) -> bool:
        """Go back to the gate at which a human stopped the run; whether there was one."""
        if (await self._snapshot()).next:
            return False
        async for snapshot in self.graph.aget_state_history(self._config, limit=5):
            if snapshot.interrupts:
                await self.graph.ainvoke(None, snapshot.config, durability="sync", version="v2")
                return True
        return False

    @property
    def _config(self) -> RunnableConfig:
        return {
            "configurable": {"thread_id": self.run},
            "recursion_limit": STEP_LIMIT,
            "max_concurrency": PARALLEL_PACKAGES,
        }

    async def _snapshot(self) -> StateSnapshot:
        return await self.graph.aget_state(self._config)
