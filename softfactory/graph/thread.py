"""One run's thread through the graph: where it stands, what it waits for, and the next stretch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, Checkpoint, copy_checkpoint
from langgraph.checkpoint.base.id import uuid6
from langgraph.config import get_config
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Overwrite, StateSnapshot

from softfactory.graph.staff import Staff
from softfactory.graph.steps import AFTER, UNDONE, Place, Undone, line_of
from softfactory.state.company import CompanyState, Tree, Update
from softfactory.state.gates import Decision, GateQuestion
from softfactory.state.testing import TestReport

STEP_LIMIT = 500
"""Steps of one stretch: far above what the bounds of the loops allow."""
PARALLEL_PACKAGES = 8


@dataclass(frozen=True)
class Thread:
    """The graph of a run at its newest checkpoint."""

    graph: CompiledStateGraph[Any, Any, Any, Any]
    run: str
    staff: Staff

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
        if step or snapshot.tasks:  # `next` leaves out tasks that ended before a crash
            await self._go(step)
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
        await self._update(dict(update), "qa_engineer")
        return True

    async def places(self) -> list[Place]:
        """The line of checkpoints that led to where the run is."""
        return await line_of(self.graph.aget_state_history(self._config))

    async def begin_at(self, place: Place) -> None:
        """Put a new thread where another one was."""
        await self._update(dict(place.state), place.after)

    async def begin_after(self, node: str, state: CompanyState) -> None:
        """Put a new thread behind a node, as if it had just written the state."""
        await self._update(dict(state), node)

    async def take_in(self, tree: Tree) -> None:
        """Have the next step work on these files of the product, and on no others."""
        place = (await self.places())[-1]
        await self._update({"tree": Overwrite(tree)}, place.after)
        await self._ask_again(place)

    async def finish_step(self) -> None:
        """End the step that was interrupted, and go no further."""
        await self._go(interrupt_after="*")

    async def go_back(self, place: Place, undone: Undone) -> None:
        """Stand again where the thread was; what came after stays stored, but off the line."""
        saved = await self.saver.aget_tuple(place.snapshot.config)
        if saved is None:
            raise LookupError("a place of the line has a checkpoint")
        now = datetime.now(UTC).isoformat()
        again: Checkpoint = {**copy_checkpoint(saved.checkpoint), "id": str(uuid6()), "ts": now}
        metadata: Any = {**saved.metadata, "source": "fork", UNDONE: undone.mark}
        beginning: RunnableConfig = {"configurable": {"thread_id": self.run, "checkpoint_ns": ""}}
        await self.saver.aput(saved.parent_config or beginning, again, metadata, {})
        await self._ask_again(place)

    async def undone(self) -> Undone | None:
        """What was undone to come to where the thread stands; None if that is not how it came."""
        mark = dict((await self._snapshot()).metadata or {}).get(UNDONE)
        return Undone.of(str(mark)) if mark else None

    async def reopen(self) -> bool:
        """Go back to the gate at which a human stopped the run; whether there was one."""
        if (await self._snapshot()).tasks:
            return False
        async for snapshot in self.graph.aget_state_history(self._config, limit=5):
            if snapshot.interrupts:
                await self._go(config=snapshot.config)
                return True
        return False

    async def _ask_again(self, place: Place) -> None:
        """Come to the gate again at which the thread was waiting."""
        if place.snapshot.interrupts:
            await self._go()

    async def _go(
        self, step: Any = None, config: RunnableConfig | None = None, interrupt_after: Any = None
    ) -> None:
        """Have the staff work until the next gate or the end."""
        await self.graph.ainvoke(
            step,
            config or self._config,
            context=self.staff,
            interrupt_after=interrupt_after,
            durability="sync",
            version="v2",
        )

    async def _update(self, values: Mapping[str, Any], after: str) -> None:
        config: RunnableConfig = {**self._config, "metadata": {AFTER: after}}
        await self.graph.aupdate_state(config, dict(values), as_node=after)

    @property
    def saver(self) -> BaseCheckpointSaver[str]:
        """The checkpoints, knowing the types of our state."""
        if not isinstance(self.graph.checkpointer, BaseCheckpointSaver):
            raise TypeError("a thread has checkpoints")
        return self.graph.checkpointer

    @property
    def _config(self) -> RunnableConfig:
        return {
            "configurable": {"thread_id": self.run},
            "recursion_limit": STEP_LIMIT,
            "max_concurrency": PARALLEL_PACKAGES,
        }

    async def _snapshot(self) -> StateSnapshot:
        return await self.graph.aget_state(self._config)


def step_key() -> str:
    """What the node at work here is known by: the same when it is repeated after a crash."""
    return str(get_config()["configurable"].get("checkpoint_ns", ""))
