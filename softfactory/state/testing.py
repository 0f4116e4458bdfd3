"""Documents of quality assurance: how a product is tried, what came out, whose fault it is."""

from typing import Literal

from pydantic import Field

from softfactory.state.documents import Document, Line, ProductPath, RequirementId, Text


class Trial(Document):
    """One start of the product as its user would start it."""

    command: list[Line] = Field(
        min_length=1, max_length=12, description='argument vector, as ["python", "main.py", "add"]'
    )
    variables: list[Line] = Field(
        max_length=6, description="environment variables it is given, as HOME=. ; usually none"
    )
    stdin: str = Field(max_length=2000, description="what is typed into it; empty if nothing")
    exit_code: int = Field(ge=0, le=255, description="the exit code it must end with")
    shows: list[Line] = Field(
        max_length=5, description="short texts that must appear in its output, letter by letter"
    )
    requirements: list[RequirementId] = Field(description="what it shows when it succeeds")


class RunRecipe(Document):
    """How the finished product is run and how the result is read (skill run_code)."""

    trials: list[Trial] = Field(
        min_length=1, max_length=4, description="run one after another in the same folder"
    )


class Case(Document):
    """One test or trial and what became of it."""

    name: str
    file: str
    outcome: Literal["passed", "failed", "skipped"]
    message: str
    requirements: list[str]


class Probe(Document):
    """Whether the tests notice a small defect that is put in on purpose."""

    noticed: str = Field(default="", description="the defect that made a test fail")
    missed: list[str] = Field(default=[], description="defects that no test noticed")

    @property
    def blunt(self) -> bool:
        """Defects were put in and no test noticed any."""
        return bool(self.missed) and not self.noticed


class TestReport(Document):
    """What the sandbox showed. Written by the program, never by a model."""

    __test__ = False  # not a test class, whatever its name makes pytest think

    status: Literal["passed", "failed", "not_run"]
    reason: str
    command: str
    isolation: str
    cases: list[Case]
    output: str
    missing: list[str] = Field(default=[], description="what could not be tried here, and why")
    probe: Probe = Field(default=Probe(), description="what the tests are worth")
    pictures: list[str] = Field(default=[], description="screenshots, by their path in the product")
    repeats: bool = Field(default=False, description="the same failures as in the round before")

    def outcomes(self, requirement: str) -> list[str]:
        """Outcomes of every case that speaks for a requirement."""
        return [case.outcome for case in self.cases if requirement in case.requirements]


class Verdict(Document):
    """Whose fault a failure is (skill debug_error)."""

    fault: Literal["code", "test"] = Field(
        description="test: it asks for what no requirement says, or is itself wrong; else code"
    )
    files: list[ProductPath] = Field(min_length=1, max_length=12, description="files to change")
    cause: Text = Field(description="why it fails")
    evidence: Line = Field(description="the line of the output that proves it")
    fix: Text = Field(description="what to change")


class Delivery(Document):
    """What was handed over. Written by the program."""

    verified: list[str]
    not_shown: list[str]
    tag: str
    spoken: Literal["no", "yes", "skipped"] = Field(default="no")
