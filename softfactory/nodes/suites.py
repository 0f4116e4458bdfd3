"""How products of each kind are tested: which programs run which files, and what they need."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from softfactory.errors import EnvironmentFailed
from softfactory.nodes.harness import HarnessName, harness
from softfactory.sandbox import (
    BROWSER_LIMITS,
    Browser,
    Checkout,
    Environments,
    Limits,
    ProductEnvironment,
    installed,
)
from softfactory.state.company import CompanyState, Tree
from softfactory.state.documents import Kind, ProgrammingLanguage
from softfactory.state.testing import RunRecipe

PICTURES = ".softfactory-pictures"
JAVASCRIPT_TESTS = re.compile(r"tests/.*\.test\.[cm]?js$")
PAGE_LIMITS = replace(BROWSER_LIMITS, wall_s=300, cpu_s=300)
WITHOUT_WINDOW = "--ignore=tests/test_window_opens.py"
HARNESSES: dict[Kind, HarnessName] = {
    "web_page": "page",
    "http_service": "service",
    "desktop": "window",
}


@dataclass(frozen=True)
class Subject:
    """What is to be tried."""

    tree: Tree
    kind: Kind
    language: ProgrammingLanguage
    packages: tuple[str, ...] = ()
    entry: str = ""
    start: tuple[str, ...] = ()
    recipe: RunRecipe | None = None
    required: tuple[str, ...] = ()
    """Requirements of which a test must speak."""

    def harness(self) -> dict[str, str]:
        """The files that are put beside the product's tests, by path."""
        name = HARNESSES.get(self.kind)
        return harness(name, self.entry, self.start) if name else {}


def subject_of(state: CompanyState, tree: Tree, recipe: RunRecipe | None) -> Subject:
    """A run's product, with these files, as it is to be tried."""
    design, layout = state["design"], state["layout"]
    return Subject(
        tree=tree,
        kind=design.kind,
        language=design.programming_language,
        packages=tuple(package.name for package in state["dependencies"].packages),
        entry=layout.entry,
        start=tuple(layout.start),
        recipe=recipe,
        required=tuple(r.id for r in state["prd"].requirements if r.priority == "P0"),
    )


@dataclass(frozen=True)
class Suite:
    """A test program and the tests it runs."""

    command: str
    """What a person types for it."""
    argv: Callable[[Checkout, str], tuple[str, ...]]
    """What runs it in a checkout with its report in a file of this name."""
    environment: ProductEnvironment
    limits: Limits
    variables: Mapping[str, str] = field(default_factory=dict)
    in_a_hurry: tuple[str, ...] = ()
    """Arguments that end it at the first failure."""


@dataclass(frozen=True)
class Facilities:
    """What tests can be run with on this machine."""

    environments: Environments
    limits: Limits
    browser: Browser | None
    has_loopback: bool


async def suites_of(subject: Subject, facilities: Facilities) -> tuple[list[Suite], list[str]]:
    """The test programs of a product, the fastest first, and what can't be tried here.

    What is missing is named by its entry in the headings, or in a sentence.
    """
    environment = await facilities.environments.prepare(subject.packages)
    suites, missing = [], []
    named = HARNESSES.get(subject.kind, subject.language)
    files = sorted(path for path in subject.tree if JAVASCRIPT_TESTS.match(path))
    if files or named == "javascript":
        node = await installed("node")
        if node:
            suites.append(_node(node, files, environment, facilities.limits))
        else:
            missing.append("no_node")
    if named == "page":
        page = await _page(subject, facilities)
        if isinstance(page, str):
            missing.append(page)
        else:
            suites.append(page)
    elif named == "service" and not facilities.has_loopback:
        missing.append("no_loopback")
    elif named != "javascript":
        has_screen = named != "window" or await _has_screen(facilities)
        if not has_screen:
            missing.append("no_screen")
        options = () if has_screen else (WITHOUT_WINDOW,)
        suites.append(_pytest(environment, facilities.limits, options))
    return suites, missing


async def _page(subject: Subject, facilities: Facilities) -> Suite | str:
    """The tests that open the page in a browser, or why there are none."""
    browser = facilities.browser
    if browser is None:
        return "no_browser"
    try:
        environment = await facilities.environments.prepare((*subject.packages, "playwright"))
    except EnvironmentFailed as error:
        return f"the page was not opened: {error}"
    seen = ProductEnvironment(environment.python, (*environment.readable, *browser.readable))
    variables = {"CHROMIUM": browser.executable, "PICTURES": PICTURES}
    return replace(_pytest(seen, PAGE_LIMITS), variables=variables)


async def _has_screen(facilities: Facilities) -> bool:
    """A virtual screen needs sockets that only a network of its own makes harmless."""
    return facilities.has_loopback and bool(await installed("Xvfb"))


def _pytest(
    environment: ProductEnvironment, limits: Limits, options: tuple[str, ...] = ()
) -> Suite:
    def argv(made: Checkout, report: str) -> tuple[str, ...]:
        return (*environment.pytest(made.folder, report), *options)

    return Suite("python -m pytest tests", argv, environment, limits, in_a_hurry=("-x",))


def _node(
    node: str, files: Sequence[str], environment: ProductEnvironment, limits: Limits
) -> Suite:
    def argv(_: Checkout, report: str) -> tuple[str, ...]:
        kept = ("--test-reporter=junit", f"--test-reporter-destination={report}")
        spoken = ("--test-reporter=spec", "--test-reporter-destination=stdout")
        return (node, "--test", *kept, *spoken, *files)

    return Suite("node --test", argv, environment, limits)
