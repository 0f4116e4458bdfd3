"""One run's thread through the graph: where it stands, what it waits for, and the next stretch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, StateSnapshot

from softfactory.config import OptionalGate
from softfactory.state.company import CompanyState, Update
from softfactory.state.gates import Decision, GateQuestion
from softfactory.state.testing import TestReport

STEP_LIMIT = 500
"""Steps of one stretch: far above what the bounds of the loops allow."""
PARALLEL_PACKAGES = 8
BEFORE: dict[OptionalGate, str] = {
    "prd": "product_manager",
    "design": "architect",
    "plan": "project_manager",
    "delivery": "qa_engineer",
}
"""The node whose work a gate is about."""


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
        [asked, *_] = snapshot.interrupts
        return GateQuestion.model_validate(asked.value | {"id": asked.id})

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

    async def finish(self) -> bool:
        """Lead the run to its delivery with what there is; whether there is anything."""
        state = dict(await self.state())
        if "plan" not in state:
            return False
        update: Update = {"accepted": True, "verdict": None}
        if "report" not in state:
            update["report"] = TestReport(
                status="not_run",
                reason="the budget was used up before the tests",
                command="",
                isolation="",
                cases=[],
                output="",
            )
        await self.graph.aupdate_state(self._config, dict(update), as_node="qa_engineer")
        return True

    async def state_at(self, gate: OptionalGate) -> CompanyState | None:
        """What was known when the run last came to a gate; None if it never did."""
        async for snapshot in self.graph.aget_state_history(self._config):
            if snapshot.next == (f"approve_{gate}",):
                return cast(CompanyState, snapshot.values)
        return None

    async def begin_at(self, gate: OptionalGate, state: CompanyState) -> None:
        """Put a new thread where another one was when it came to a gate."""
        await self.graph.aupdate_state(self._config, dict(state), as_node=BEFORE[gate])

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
