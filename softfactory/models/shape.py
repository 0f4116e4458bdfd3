"""The shape of a document as a model likes to read it: JSON with remarks, a third of a schema.

And the schema as endpoints understand it.
"""

import re
from functools import cache
from typing import Any

from softfactory.state.documents import Document

LINE = 600
"""Longest string that is called a string; what may be longer is called a text."""

CLASS = re.compile(r"\[[^\]]*\]|\\[dw]")
"""In a pattern: characters in brackets, or an escape that stands for some."""
HYPHEN = r"\-"

Schema = dict[str, Any]


@cache
def schema_of(document: type[Document]) -> Schema:
    """A document's schema as endpoints understand it: one for all who ask, not to be changed."""
    schema: Schema = portable(document.model_json_schema())
    return schema


@cache
def shape(document: type[Document]) -> str:
    """Render the fields of a document, their types, limits and descriptions."""
    schema = document.model_json_schema()
    return _value(schema, schema.get("$defs", {}), "")


def portable(schema: Any) -> Any:
    r"""A schema whose patterns hold nothing but characters and ranges.

    llama.cpp takes any string for a pattern with an escape that its grammars do not know:
    "unsupported escape: \d" (its log, 2026).
    """
    if isinstance(schema, list):
        return [portable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: CLASS.sub(_spelt_out, value)
        if name == "pattern" and isinstance(value, str)
        else portable(value)
        for name, value in schema.items()
    }


def _spelt_out(found: re.Match[str]) -> str:
    """A class of characters without escapes; a hyphen goes to its end, where it is itself."""
    ranges = found.group().strip("[]").replace(r"\d", "0-9").replace(r"\w", "A-Za-z0-9_")
    return f"[{ranges.replace(HYPHEN, '')}{'-' if HYPHEN in ranges else ''}]"


def _value(schema: Schema, definitions: dict[str, Schema], indent: str) -> str:
    schema = _resolved(schema, definitions)
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if "const" in schema:
        return f'"{schema["const"]}"'
    if "properties" in schema:
        return _object(schema, definitions, indent)
    if schema.get("type") == "array":
        return f"[{_value(schema['items'], definitions, indent)}, ...]"
    if schema.get("type") in ("number", "integer") and "maximum" in schema:
        return f"{schema['type']} {schema.get('minimum', 0):g} to {schema['maximum']:g}"
    longest = schema.get("maxLength", LINE)
    if longest != LINE:
        return "text" if longest > LINE else f"string of at most {longest} characters"
    return str(schema.get("type", "string"))


def _object(schema: Schema, definitions: dict[str, Schema], indent: str) -> str:
    inner = indent + "  "
    lines = []
    for name, field in schema["properties"].items():
        value = _value(field, definitions, inner)
        remark = ", ".join(filter(None, [field.get("description", ""), _limit(field)]))
        head, newline, rest = value.partition("\n")
        said = f"  // {remark}" if remark else ""
        lines.append(f'{inner}"{name}": {head}{said}{newline}{rest}')
    return "{\n" + "\n".join(lines) + f"\n{indent}}}"


def _limit(schema: Schema) -> str:
    if schema.get("type") != "array":
        return ""
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least and most:
        return f"{least} to {most}"
    return f"at most {most}" if most else ""


def _resolved(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    reference = schema.get("$ref")
    return definitions[reference.rsplit("/", 1)[1]] if reference else schema
