"""Documents as Markdown: whole for people and the repository, brief for prompts.

Diagrams are Mermaid, written here from typed fields, so that they are always well-formed.
"""

import re
from collections.abc import Iterable, Mapping

from softfactory.state.documents import (
    PRD,
    Component,
    Dependencies,
    Design,
    Finding,
    Layout,
    Plan,
    Quadrant,
    Requirement,
    Research,
)
from softfactory.state.headings import headings

SIGNATURE = re.compile(
    r"\s*(?:(?:async|def|class|function|const|static)\s+)*(?P<name>[A-Za-z_$][\w.$]*)"
    r"(?:\((?P<arguments>[^)]*)\)?)?"
)


def bullets(lines: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def counted(number: int, noun: str) -> str:
    """A number with its noun: no problems, 1 problem, 2 problems."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def section(title: str, body: str) -> str:
    """A second-level section, or nothing where there is nothing to say."""
    return f"## {title}\n\n{body}\n\n" if body else ""


def requirement_markdown(requirement: Requirement) -> str:
    """One requirement with its acceptance criteria, as terse as a prompt wants it."""
    criteria = "\n".join(f"  - {line}" for line in requirement.acceptance)
    return f"- **{requirement.id}** ({requirement.priority}) {requirement.text}\n{criteria}"


def prd_brief(prd: PRD, answers: Mapping[str, str]) -> str:
    """What every later role needs of the requirements, and no more."""
    parts = [
        f"# Requirements: {prd.title} ({prd.size}, documents and texts in: {prd.language})",
        prd.summary,
        "\n".join(requirement_markdown(requirement) for requirement in prd.requirements),
    ]
    if prd.out_of_scope:
        parts.append("Out of scope:\n" + bullets(prd.out_of_scope))
    if answers:
        parts.append("Decided by the human:\n" + bullets(f"{q} → {a}" for q, a in answers.items()))
    return "\n\n".join(parts)


def prd_markdown(prd: PRD, research: Research | None, answers: Mapping[str, str]) -> str:
    """`docs/prd.md`."""
    words = headings(prd.language)
    found = research.summary + "\n\n" + bullets(research.sources) if research else ""
    decided = bullets(f"{question} → **{answer}**" for question, answer in answers.items())
    left = [question for question in prd.open_questions if question not in answers]
    return (
        f"# {prd.title}\n\n{prd.summary}\n\n"
        + section(words["user_stories"], bullets(prd.user_stories))
        + section(
            words["requirements"], "\n".join(requirement_markdown(r) for r in prd.requirements)
        )
        + section(words["out_of_scope"], bullets(prd.out_of_scope))
        + section(words["answers"], decided)
        + section(words["open_questions"], bullets(left))
        + section(words["research"], found)
        + f"{words['size']}: {prd.size}\n"
    )


def quadrant_markdown(quadrant: Quadrant) -> str:
    """The competitive quadrant with its legend."""
    lines = ["```mermaid", "quadrantChart"]
    for name, axis in (("x-axis", quadrant.x_axis), ("y-axis", quadrant.y_axis)):
        lines.append(f'    {name} "{_plain(axis.low)}" --> "{_plain(axis.high)}"')
    lines += [f'    "{_plain(p.name)}": [{p.x:.2f}, {p.y:.2f}]' for p in quadrant.products]
    legend = bullets(f"**{product.name}**: {product.remark}" for product in quadrant.products)
    return "\n".join([*lines, "```", "", legend])


def class_diagram(design: Design) -> str:
    """The components, what they offer and whom they call."""
    ids = {component.name: f"c{index}" for index, component in enumerate(design.components)}
    lines = ["```mermaid", "classDiagram"]
    for component in design.components:
        lines.append(f'    class {ids[component.name]}["{_plain(component.name)}"] {{')
        lines += [f"        {member}" for member in map(_member, component.interface) if member]
        lines.append("    }")
    for component in design.components:
        lines += [
            f"    {ids[component.name]} ..> {ids[used]}"
            for used in dict.fromkeys(component.uses)
            if used in ids and used != component.name
        ]
    return "\n".join([*lines, "```"])


def sequence_diagram(design: Design) -> str:
    """The central use case, message by message."""
    names = dict.fromkeys(name for m in design.flow for name in (m.sender, m.receiver))
    ids = {name: f"p{index}" for index, name in enumerate(names)}
    lines = ["```mermaid", "sequenceDiagram"]
    lines += [f"    participant {ids[name]} as {_plain(name)}" for name in names]
    lines += [f"    {ids[m.sender]}->>{ids[m.receiver]}: {_message(m.text)}" for m in design.flow]
    return "\n".join([*lines, "```"])


def component_brief(component: Component) -> str:
    """One component with its interface."""
    signatures = "\n".join(f"  - `{signature}`" for signature in component.interface)
    return f"- **{component.name}**: {component.purpose}\n{signatures}".rstrip()


def design_brief(design: Design) -> str:
    """What engineers, reviewers and testers need of the design."""
    parts = "\n".join(component_brief(component) for component in design.components)
    return (
        f"# Design ({design.kind}, {design.programming_language})\n\n{design.approach}\n\n"
        f"{parts}\n\nData and formats: {design.data}"
    )


def layout_brief(layout: Layout, dependencies: Dependencies) -> str:
    """The files, how the product is started, and what it may import."""
    files = bullets(f"`{file.path}`: {file.purpose}" for file in layout.files)
    start = " ".join(layout.start) or f"open {layout.entry}"
    packages = ", ".join(package.name for package in dependencies.packages) or "none"
    return f"# Files\n\n{files}\n\nStart: `{start}`. Third-party packages: {packages}."


def design_markdown(
    prd: PRD, design: Design, layout: Layout | None, dependencies: Dependencies | None
) -> str:
    """`docs/design.md`."""
    words = headings(prd.language)
    listed = "\n".join(component_brief(component) for component in design.components)
    files = bullets(f"`{file.path}`: {file.purpose}" for file in layout.files) if layout else ""
    packages = dependencies.packages if dependencies else []
    stands_on = bullets(f"{package.name}: {package.reason}" for package in packages)
    return (
        f"# {prd.title}: {words['design']}\n\n{words['kind']}: {design.kind}, "
        f"{design.programming_language}\n\n"
        + section(words["approach"], design.approach)
        + section(words["components"], listed + "\n\n" + class_diagram(design))
        + section(words["flow"], sequence_diagram(design))
        + section(words["data"], design.data)
        + section(words["files"], files)
        + section(words["packages"], stands_on or words["none"])
        + section(words["competitors"], quadrant_markdown(prd.quadrant))
    )


def plan_markdown(prd: PRD, plan: Plan) -> str:
    """`docs/plan.md`."""
    words = headings(prd.language)
    packages = "".join(
        f"## {package.id}: {package.title}\n\n"
        + bullets(f"`{path}`" for path in package.files)
        + (f"\n\n{words['needs']}: {', '.join(package.needs)}" if package.needs else "")
        + "\n\n"
        for package in plan.packages
    )
    return f"# {prd.title}: {words['plan']}\n\n{packages}"


def findings_markdown(findings: Iterable[Finding]) -> str:
    """Findings, one paragraph each."""
    return "\n".join(
        f"- [{finding.severity}] {finding.where}: {finding.problem} Fix: {finding.fix}"
        for finding in findings
    )


def _plain(text: str) -> str:
    """Text that no Mermaid grammar trips over."""
    return text.replace("#", "#35;").replace('"', "'").replace("\n", " ")


def _message(text: str) -> str:
    """A message of a sequence diagram, where a semicolon would end it."""
    return _plain(text.replace(";", ","))


def _member(signature: str) -> str:
    """The name and arguments of a signature, in characters that no Mermaid grammar trips over."""
    found = SIGNATURE.match(signature)
    if not found:
        return ""
    name, arguments = found.group("name"), found.group("arguments")
    names = [part.split(":")[0].split("=")[0].strip(" *") for part in (arguments or "").split(",")]
    plain = ", ".join(part for part in names if part.isidentifier())
    return f"{name}({plain})" if arguments is not None else name
