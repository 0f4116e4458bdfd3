"""What is sent to the API, and what it answers with."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from softfactory.config import Budget, OptionalGate, Price, RoleKey, Settings
from softfactory.models.costs import Cost
from softfactory.models.presets import PRESETS
from softfactory.persistence.events import LoggedEvent
from softfactory.persistence.runs import Run, Status
from softfactory.state.documents import PRD, Dependencies, Design, Layout, Plan, Research
from softfactory.state.events import EventKind, RoleName
from softfactory.state.gates import Action
from softfactory.state.testing import Delivery, RunRecipe, TestReport, Verdict

ModelName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[ -~]+$")
]
RunName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Money = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class Sent(BaseModel):
    """A body of a request: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NewPrice(Sent):
    """Price of a million tokens, in US dollars."""

    input: Money
    output: Money
    cached: Money | None = None


class NewBudget(Sent):
    """What a run may use up."""

    amount: Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]
    unit: Literal["dollars", "tokens"]


class Change(Sent):
    """With what a run goes on; what is left out stays as it was."""

    model: ModelName | None = Field(default=None, description="NAME, or PROVIDER:NAME")
    base_url: str | None = Field(
        default=None,
        max_length=500,
        description="an OpenAI-compatible endpoint; only where no token is needed",
    )
    roles: dict[RoleKey, ModelName] | None = Field(default=None, description="a role's own model")
    budget: NewBudget | None = Field(default=None, description="a run that reaches it asks")

    def changes(self) -> dict[str, Any]:
        """The settings that are given."""
        given = {name: getattr(self, name) for name in ("model", "base_url", "roles")}
        given["budget"] = Budget(**self.budget.model_dump()) if self.budget else None
        return {name: value for name, value in given.items() if value is not None}


class NewRun(Change):
    """An idea, and how it is to be worked on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"idea": "A habit tracker for the command line", "model": "gpt-4.1"},
                {"demo": "habits", "gates": ["prd"]},
            ]
        }
    )

    idea: str = Field(default="", max_length=60_000, description="left out only with `demo`")
    demo: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,40}$")] = Field(
        default="", description="replay this recorded run (see /v1/models) instead of a model"
    )
    price: NewPrice | None = Field(default=None, description="of every model of the run")
    gates: tuple[OptionalGate, ...] = Field(
        default=("prd",), max_length=4, description="where the run waits for a human"
    )
    thorough: bool = Field(default=False, description="second readings for small products too")
    speak: bool = Field(default=False, description="a spoken summary at delivery")

    def settings(self, defaults: Settings) -> Settings:
        """What the request says, and the server's defaults for the rest."""
        given: dict[str, Any] = {
            "gates": tuple(dict.fromkeys(self.gates)),
            "thorough": self.thorough,
            "speak": self.speak,
            "price": Price(**self.price.model_dump()) if self.price else defaults.price,
        }
        if "model" in self.changes() and "base_url" not in self.changes():
            names_provider = str(self.model).partition(":")[0] in PRESETS
            given["base_url"] = "" if names_provider else defaults.base_url
        return defaults.model_copy(update=given | self.changes())


class ForkAt(Change):
    """Where a new run branches off, and what is to be different in it."""

    at: str = Field(
        default="prd",
        pattern=r"^(prd|design|plan|delivery|[0-9]{1,6})$",
        description="a gate that the run has come to, or the number of a step",
    )
    edit: dict[OptionalGate, dict[str, Any]] = Field(
        default_factory=dict, description="a whole document by its gate, as under /documents"
    )
    hint: str = Field(default="", max_length=8000, description="a word to the company")


class Words(Sent):
    """What a human says to the company."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"words": "use SQLite"}]})

    words: str = Field(min_length=1, max_length=8000, pattern=r"\S")
    to: RoleKey | None = Field(default=None, description="null: to everybody")


class StepView(BaseModel):
    """A place in a run to which one can go back."""

    number: int = Field(description="counts from 0, the beginning")
    by: tuple[str, ...] = Field(description="the nodes that worked, or human")
    next: tuple[str, ...] = Field(description="the nodes whose turn it is; none at the end")
    time: float = Field(description="in seconds since 1970")


class Steps(BaseModel):
    """The steps that led to where a run stands."""

    steps: list[StepView]


class Answer(Sent):
    """A human's answer to the question with this id."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"gate": "6e0f9c2b7a3d4c51", "action": "approve"},
                {"gate": "6e0f9c2b7a3d4c51", "action": "revise", "feedback": "no accounts"},
            ]
        }
    )

    gate: str = Field(min_length=1, max_length=100, description="`id` of the question")
    action: Action = Field(description="one of the question's `actions`")
    feedback: str = Field(default="", max_length=8000, description="with revise: what to change")
    answers: dict[str, str] = Field(
        default_factory=dict, max_length=50, description="open question → answer"
    )
    document: dict[str, Any] | None = Field(
        default=None, description="with edit: the whole document, as under /documents"
    )


class RunView(BaseModel):
    """A run as it stands."""

    id: str = Field(examples=["k7m2qd"])
    parent: str | None = Field(description="the run that it was forked from")
    idea: str
    title: str = Field(description="of the product; empty until it has one")
    status: Status = Field(
        description="working: somebody is at it, or died (see `at_work`); waiting: at a gate; "
        "limit: rounds or budget are used up, a human is asked; stopped: by a human; paused: the "
        "model can't be reached; failed: see `reason`; delivered"
    )
    reason: str
    at_work: bool = Field(description="whether somebody works on it now")
    created: float = Field(description="in seconds since 1970")
    worked_s: float = Field(description="seconds of work, without waiting for a human")
    model: str
    gates: tuple[OptionalGate, ...]
    budget: Budget | None

    @classmethod
    def of(cls, run: Run, *, at_work: bool) -> Self:
        """What is told of a run."""
        own = {name: getattr(run, name) for name in cls.model_fields if hasattr(run, name)}
        kept = {name: getattr(run.settings, name) for name in ("gates", "budget")}
        model = run.settings.model
        model = "recording" if model.startswith("recording:") else model
        return cls(**own, **kept, model=model, at_work=at_work or run.owned)


class Wanted(Sent):
    """Which runs a list shall show."""

    status: Status | None = Field(default=None, description="only runs that stand like this")
    q: str | None = Field(default=None, max_length=200, description="in the idea or the title")
    after: str | None = Field(
        default=None,
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,9})?_[A-Za-z0-9-]{1,64}$",
        description="`next` of a page",
    )
    limit: int = Field(default=50, ge=1, le=200)


class RunPage(BaseModel):
    """Some runs, the newest first."""

    runs: list[RunView]
    next: str | None = Field(description="`after` of the next page; null: this is the last one")


class EventView(BaseModel):
    """A line of a run's log, as the event stream carries it in `data`."""

    seq: int = Field(description="counts from 1; the `id` in the stream")
    time: float = Field(description="in seconds since 1970")
    kind: EventKind
    role: RoleName
    text: str
    data: dict[str, Any]

    @classmethod
    def of(cls, logged: LoggedEvent) -> Self:
        """An event with its place in the log."""
        told = logged.event.model_dump()
        told["data"].pop("traceback", None)  # of use to who runs the server: it is in the log
        return cls(seq=logged.seq, time=logged.time, **told)


class End(BaseModel):
    """The end of an event stream: nobody works on the run any more."""

    status: Status


class Documents(BaseModel):
    """What the roles have written so far; null: not yet."""

    research: Research | None = None
    prd: PRD | None = None
    design: Design | None = None
    layout: Layout | None = None
    dependencies: Dependencies | None = None
    plan: Plan | None = None
    recipe: RunRecipe | None = None
    report: TestReport | None = None
    verdict: Verdict | None = None
    delivery: Delivery | None = None


class FileEntry(BaseModel):
    """A file of a product."""

    path: str
    blob: str = Field(description="git's id of the contents")


class Files(BaseModel):
    """The files of a product at its newest commit."""

    files: list[FileEntry]


class CommitView(BaseModel):
    """A step of a role, as committed."""

    id: str
    role: str
    time: int = Field(description="in seconds since 1970")
    summary: str
    files: list[str]


class Commits(BaseModel):
    """A product's history, the newest commit first."""

    commits: list[CommitView]


class Bill(BaseModel):
    """What a run has cost."""

    lines: list[Cost] = Field(description="by role and skill")
    total: Cost


class Preview(BaseModel):
    """Where a product that is a web page can be looked at."""

    url: str = Field(description="path on this server; it needs no token, and ends with the server")
