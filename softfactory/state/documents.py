"""What roles hand to one another: frozen, typed, with a sentence on every field.

The sentences are not decoration: they are what the model is told about the field and what a
form shows to a person.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=6000)]


def inside_product(path: str) -> str:
    """Refuse a path that could lead out of the product or into its git directory."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise ValueError(f"{path!r} is not a plain relative path")
    return path


ProductPath = Annotated[
    str,
    StringConstraints(max_length=120, pattern=r"^[\w.\-][\w.\-/ ]*$"),
    AfterValidator(inside_product),
]
RequirementId = Annotated[str, StringConstraints(pattern=r"^R\d{1,2}$")]

Size = Literal["small", "medium", "large"]
Kind = Literal["command_line", "web_page", "http_service", "library", "desktop"]
ProgrammingLanguage = Literal["python", "javascript"]


class Document(BaseModel):
    """The root of all documents: they never change and know all their fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Research(Document):
    """What the web says about the idea (skill search_and_summarize)."""

    summary: Text = Field(description="what is worth knowing for the requirements, in a few lines")
    sources: list[Line] = Field(max_length=8, description="the addresses it rests on")


class Requirement(Document):
    """One thing the product must do."""

    id: RequirementId = Field(description="R1, R2 and so on")
    priority: Literal["P0", "P1", "P2"] = Field(description="P0: useless without it")
    text: Line = Field(description="what the product does, seen from outside")
    acceptance: list[Line] = Field(
        min_length=1, max_length=6, description="checks with concrete inputs and results"
    )


class Competitor(Document):
    """An existing product, placed in the competitive quadrant."""

    name: Label = Field(description="its name; give our own product its title")
    remark: Line = Field(description="what it does well or badly, in one clause")
    x: float = Field(ge=0, le=1, description="place on the x axis")
    y: float = Field(ge=0, le=1, description="place on the y axis")


class Axis(Document):
    """A scale of the quadrant, by the names of its two ends."""

    low: Label = Field(description="the low end in one to three words")
    high: Label = Field(description="the high end in one to three words")


class Quadrant(Document):
    """The competitive quadrant: two independent scales that matter to the user."""

    x_axis: Axis
    y_axis: Axis
    products: list[Competitor] = Field(
        min_length=2, max_length=6, description="real competitors, and our product"
    )


class PRD(Document):
    """The product requirements (skill write_prd)."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,38}$")] = Field(
        description="folder name: lower case ASCII letters, digits, hyphens"
    )
    title: Line = Field(description="the product's name for people")
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-\w+)*$")] = Field(
        description="language of the idea, as en or zh"
    )
    size: Size = Field(
        description="small: one person's afternoon, up to about 600 lines; medium: a week; large"
    )
    summary: Text = Field(description="what it is, for whom, and why, in two or three sentences")
    user_stories: list[Line] = Field(max_length=6, description="As a ..., I ... so that ...")
    requirements: list[Requirement] = Field(min_length=1, max_length=30, description="by weight")
    out_of_scope: list[Line] = Field(max_length=8, description="what it deliberately does not do")
    quadrant: Quadrant = Field(description="the competitive quadrant")
    open_questions: list[Line] = Field(
        max_length=4, description="only what the human must decide; usually none"
    )


class Finding(Document):
    """One thing that a second reading found."""

    severity: Literal["blocking", "minor"] = Field(
        description="blocking: it does not work or breaks a requirement; minor: all else"
    )
    where: Line = Field(description="file and line, or the passage")
    problem: Text = Field(description="what is wrong, and the input that shows it")
    fix: Text = Field(description="what to do about it")


class Review(Document):
    """A second reading (skills write_prd_review, design_api_review, write_code_review)."""

    findings: list[Finding] = Field(max_length=12, description="the worst first; none is fine")

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that must be mended before work goes on."""
        return tuple(finding for finding in self.findings if finding.severity == "blocking")


class Component(Document):
    """A class or module of the design."""

    name: Annotated[str, StringConstraints(pattern=r"^\w[\w.\-]{0,59}$")] = Field(
        description="an identifier, as in the code"
    )
    purpose: Line = Field(description="what it is responsible for")
    interface: list[Line] = Field(
        max_length=16, description="exact signatures with types, which others rely on"
    )
    uses: list[Line] = Field(max_length=8, description="names of components it calls")


class Message(Document):
    """One arrow of the sequence diagram."""

    sender: Label = Field(description="User or a component")
    receiver: Label = Field(description="a component")
    text: Line = Field(description="what is called or handed over, in a few words")


class Design(Document):
    """The architecture (skill design_api)."""

    kind: Kind = Field(description="how people will use it")
    programming_language: ProgrammingLanguage = Field(
        description="a web_page is javascript; else python unless the idea says otherwise"
    )
    approach: Text = Field(description="the decisions that matter and why, in a few sentences")
    components: list[Component] = Field(min_length=1, max_length=16, description="the parts")
    data: Text = Field(description="data and file formats, exact texts, exit codes, edge cases")
    flow: list[Message] = Field(
        min_length=1, max_length=12, description="the central use case, step by step"
    )
    third_party: list[Line] = Field(
        max_length=6, description="packages worth considering; none if the language suffices"
    )


class PlannedFile(Document):
    """A source file that will be written."""

    path: ProductPath = Field(description="relative path with /; tests and docs are not listed")
    purpose: Line = Field(description="which components it holds")
    requirements: list[RequirementId] = Field(description="the requirements it serves")


class Layout(Document):
    """The files and how the product is started (skill design_filenames)."""

    files: list[PlannedFile] = Field(min_length=1, max_length=40, description="all source files")
    entry: ProductPath = Field(description="the file that the user starts or opens")
    start: list[Line] = Field(
        max_length=8, description='command that starts it, as ["python", "main.py"]; [] if none'
    )
    usage: Text = Field(description="how to start and use it, for its README, in Markdown")


class SmallDesign(Design):
    """The architecture of a small product together with its files (skill design_api)."""

    layout: Layout = Field(description="the files and how the product is started")

    def parts(self) -> tuple[Design, Layout]:
        """Design and layout, as two documents."""
        return Design.model_validate(self.model_dump(exclude={"layout"})), self.layout


class Dependency(Document):
    """A third-party package the product needs."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,60}$")] = Field(
        description="its name in the package index"
    )
    module: Annotated[str, StringConstraints(pattern=r"^\w{1,60}$")] = Field(
        description="the name it is imported by"
    )
    reason: Line = Field(description="what it saves us")


class Dependencies(Document):
    """The packages the product stands on (skill analyze_dep_libs)."""

    packages: list[Dependency] = Field(max_length=10, description="as few as possible")


class WorkPackage(Document):
    """Files that belong together and fit one answer."""

    id: Annotated[str, StringConstraints(pattern=r"^W\d{1,2}$")] = Field(description="W1, W2 ...")
    title: Line = Field(description="what it is")
    files: list[ProductPath] = Field(min_length=1, max_length=40, description="paths of the design")
    needs: list[str] = Field(description="ids of packages that must be written before it")


class Plan(Document):
    """The work, cut into packages (skill project_management)."""

    packages: list[WorkPackage] = Field(min_length=1, max_length=24, description="in order")


class Spoken(Document):
    """The text that is spoken at delivery (skill azure_tts)."""

    text: Text = Field(description="three or four sentences for the ear, no symbols or code")
