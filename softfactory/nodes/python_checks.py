"""Checks of Python files: they parse, hold no stubs, and import what exists."""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from softfactory.state.documents import Finding

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Surroundings:
    """What a file may refer to."""

    files: Mapping[str, str]
    """Contents of the files that are written together."""
    modules: frozenset[str]
    """Third-party modules that may be imported."""
    product: frozenset[str]
    """Every path that the finished product will have."""


def problem(where: str, what: str, fix: str) -> Finding:
    """A finding that stops the work."""
    return Finding(severity="blocking", where=where[:600], problem=what, fix=fix)


def check_python(path: str, text: str, around: Surroundings) -> Iterator[Finding]:
    """What is wrong with a Python file."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        yield problem(f"{path}:{line}", f"does not parse: {error}", "correct the syntax")
        return
    for node in ast.walk(tree):
        where = f"{path}:{getattr(node, 'lineno', 1)}"
        if isinstance(node, Function) and _is_stub(node):
            yield problem(where, f"{node.name} has no body", "write the function")
        for module, names in _imported(node, path):
            unresolved = _unresolved(module, names, around)
            if unresolved:
                yield problem(where, unresolved, "import what exists")


def _is_stub(node: Function) -> bool:
    """A body of nothing but `...` or NotImplementedError, where nothing says it is abstract."""
    marks = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
    if "abstract" in marks or "overload" in marks:
        return False
    body = node.body[1:] if ast.get_docstring(node) else node.body
    if len(body) != 1:
        return False
    source = ast.unparse(body[0])
    return source == "..." or source.startswith("raise NotImplementedError")


def _imported(node: ast.AST, path: str) -> Iterator[tuple[str, list[str]]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, []
    elif isinstance(node, ast.ImportFrom):
        package = PurePosixPath(path).parts[: -node.level] if node.level else ()
        module = ".".join([*package, *filter(None, [node.module])])
        yield module, [alias.name for alias in node.names]


def _unresolved(module: str, names: list[str], around: Surroundings) -> str:
    base = module.replace(".", "/")
    here = [p for p in (f"{base}.py", f"{base}/__init__.py") if p in around.product]
    if here:
        return _absent(here[0], base, names, around)
    top = module.split(".", maxsplit=1)[0]
    is_folder = any(path.startswith(f"{base}/") for path in around.product)
    if is_folder or not module or top in sys.stdlib_module_names or top in around.modules:
        return ""
    return f"module {module!r} is neither in the product nor among its packages"


def _absent(path: str, base: str, names: list[str], around: Surroundings) -> str:
    """Names that a module of the same package does not define, as far as can be told."""
    known = _names(around.files.get(path, ""))
    if not known or known & {"*", "__getattr__"}:
        return ""
    absent = [
        name
        for name in names
        if name not in known and f"{base}/{name}.py" not in around.product and name != "*"
    ]
    return f"{path} defines no {', '.join(absent)}" if absent else ""


def _names(text: str) -> set[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names
