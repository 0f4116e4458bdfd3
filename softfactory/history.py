"""The history of a run: its steps, what they changed, going back, and other runs from there."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from softfactory.config import OptionalGate, Settings
from softfactory.errors import UsageError
from softfactory.graph.company import GRAPH_VERSION, UNFINISHED
from softfactory.graph.steps import Place, Step, numbered
from softfactory.nodes.gates import decided
from softfactory.persistence.runs import Run
from softfactory.product.repository import Change, tree_id
from softfactory.state.company import CompanyState, Tree, Update
from softfactory.state.gates import Decision
from softfactory.undoing import Undoing
from softfactory.workplace import Workplace

GATES: tuple[OptionalGate, ...] = ("prd", "design", "plan", "delivery")


@dataclass(frozen=True)
class ForkChange:
    """What is to be different in a fork."""

    edit: Mapping[OptionalGate, Mapping[str, Any]] = field(default_factory=dict)
    """A whole document by its gate: the gate counts as passed with it."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    hint: str = ""
    """A word to the company."""


@dataclass(frozen=True)
class History:
    """Reads and changes where runs stand."""

    workplace: Workplace

    async def steps(self, run: Run) -> list[Step]:
        """The steps of the line that the run is on."""
        return [step for step, _ in await self._numbered(run)]

    async def fork(self, parent: Run, at: str, change: ForkChange) -> Run:
        """A new run from a gate or a step of another one, with its product as it was there."""
        gate = next((gate for gate in GATES if gate == at), None)
        if unfit := [edited for edited in change.edit if edited != gate]:
            raise UsageError(f"an edited {unfit[0]} goes with --at {unfit[0]}")
        places = [] if at == "0" else await self.workplace.thread(parent).places()
        place = await self._place(parent, places, at)
        update: Update = _edited(gate, change) if gate and change.edit else {}
        settings = _settings(parent.settings, change, asked=None if update else gate)
        records = self.workplace.records
        run = await records.runs.add(parent.idea, settings, UNFINISHED, parent.id)
        where = f"at {at}" if gate else f"at step {at}"
        await self.workplace.tell(run.id, "run", f"run {run.id}: fork of {parent.id} {where}")
        if change.hint:
            await records.words.say(run.id, change.hint)
        if place:
            await self._copy_product(parent, run, places[: places.index(place) + 1])
            await self._begin(run, place, gate, update)
        await records.runs.set_graph(run.id, GRAPH_VERSION)
        return await records.runs.get(run.id)

    async def _begin(
        self, run: Run, place: Place, gate: OptionalGate | None, update: Update
    ) -> None:
        """Put a fork's thread where its parent was."""
        thread = self.workplace.thread(run)
        if update:
            await thread.begin_after(f"approve_{gate}", cast(CompanyState, place.state | update))
        else:
            await thread.begin_at(place)
        prd = place.state.get("prd")
        if prd:
            await self.workplace.place(run, prd.name, prd.title)

    async def undo(self, run: Run) -> Step:
        """Go one step back; the step at which the run stands then.

        Raises:
            UsageError: it stands at its beginning.
        """
        thread, records = self.workplace.thread(run), self.workplace.records
        undoing = Undoing(self.workplace, run, thread)
        await undoing.complete()
        places = await thread.places()
        steps = numbered(places, _open(run))
        if len(steps) < 2:
            raise UsageError(f"run {run.id} stands at its beginning: there is nothing to undo")
        undone, place = steps[-1]
        target = places[places.index(place) - 1]
        summary = f"Undo step {undone.number} ({', '.join(undone.by)})"
        await undoing.go_back(target, summary)
        await self.workplace.publishing.now(run.id)
        waiting = await thread.question()
        reason = waiting.title if waiting else "a step was undone"
        await records.runs.set_status(run.id, "waiting" if waiting else "stopped", reason)
        return steps[-2][0]

    async def diff(self, run: Run, first: int | None, second: int | None) -> str:
        """What steps changed in the product, as a unified diff."""
        steps = await self._numbered(run)
        last = len(steps) - 1
        end = second if second is not None else last if first is None else first
        begin = first if second is not None and first is not None else max(0, end - 1)
        for number in (begin, end):
            if not 0 <= number <= last:
                raise UsageError(f"run {run.id} has no step {number}; its last is {last}")
        trees = [steps[number][1].state.get("tree", {}) for number in (begin, end)]
        return await self._difference(run, trees[0], trees[1])

    async def _difference(self, run: Run, old: Tree, new: Tree) -> str:
        changed = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
        product = self.workplace.product(run)
        before = await product.texts({path: old[path] for path in changed if path in old})
        after = await product.texts({path: new[path] for path in changed if path in new})
        lines: list[str] = []
        for path in changed:
            names = (f"a/{path}" if path in old else "/dev/null"), f"b/{path}"
            texts = [side.get(path, "").splitlines() for side in (before, after)]
            target = names[1] if path in new else "/dev/null"
            lines += difflib.unified_diff(texts[0], texts[1], names[0], target, lineterm="")
        return "".join(f"{line}\n" for line in lines)

    async def _numbered(self, run: Run) -> list[tuple[Step, Place]]:
        return numbered(await self.workplace.thread(run).places(), _open(run))

    async def _place(self, run: Run, places: list[Place], at: str) -> Place | None:
        """Where a fork begins; None for the very beginning."""
        if at == "0":
            return None
        if at in GATES:
            gates = [p for p in places if p.snapshot.next == (f"approve_{at}",)]
            if not gates:
                raise UsageError(f"run {run.id} has not come to the {at} gate")
            return gates[-1]
        steps = numbered(places, _open(run))
        if not at.isdigit() or int(at) >= len(steps):
            raise UsageError(
                f"--at {at!r} is no gate ({', '.join(GATES)}) and no step of run {run.id}; "
                f"`softfactory log {run.id}` numbers them"
            )
        place = steps[int(at)][1]
        if not place.snapshot.tasks:
            raise UsageError(f"after step {at} there is nothing left to do; fork it before that")
        return place

    async def _copy_product(self, parent: Run, run: Run, places: list[Place]) -> None:
        """Give a fork the product, and the history that led to it, as its parent had them."""
        source, target = self.workplace.product(parent), self.workplace.product(run)
        state = places[-1].state
        commit = _commit_of(places, await source.history())
        if commit:
            await source.give(target, commit)
        else:
            files = await source.contents(state.get("tree", {}))
            await target.commit(Change("Human", f"Fork of {parent.id}", files))
        if dossier := state.get("dossier"):
            await target.put(await source.text(dossier))


def _commit_of(places: list[Place], history: list[tuple[str, str]]) -> str | None:
    """The commit at which the product was what it is at the last of the places.

    Commits and places come in the same order, so each place is looked for behind the one before.
    """
    at, found = 0, None
    for place in places:
        wanted = tree_id(place.state.get("tree", {}))
        later = (n for n in range(at, len(history)) if history[n][1] == wanted)
        position = next(later, None)
        found = None if position is None else history[position][0]
        at = at if position is None else position
    return found


def _open(run: Run) -> set[str]:
    return {gate for gate in GATES if gate not in run.settings.gates}


def _edited(gate: OptionalGate, change: ForkChange) -> Update:
    try:
        return decided(gate, Decision(action="edit", document=dict(change.edit[gate])))
    except ValueError as error:
        raise UsageError(f"this is no {gate}: {error}") from error


def _settings(old: Settings, change: ForkChange, asked: OptionalGate | None) -> Settings:
    gates = tuple(dict.fromkeys((*old.gates, asked))) if asked else old.gates
    return old.model_copy(update={**change.settings, "gates": gates, "out": ""})
