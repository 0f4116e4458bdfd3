"""The shape of a document as a model likes to read it: JSON with remarks, a third of a schema."""

from typing import Any

from softfactory.state.documents import Document

LINE = 600
"""Longest string that is called a string; what may be longer is called a text."""

Schema = dict[str, Any]


def shape(document: type[Document]) -> str:
    """Render the fields of a document, their types, limits and descriptions."""
    schema = document.model_json_schema()
    return _value(schema, schema.get("$defs", {}), "")


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
