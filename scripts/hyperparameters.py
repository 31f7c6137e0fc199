#!/usr/bin/python3
"""Writes the README's table of hyperparameters from schema/experiment.schema.json; --check only says whether it is current."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- hyperparameters: made by scripts/hyperparameters.py -->\n", "<!-- end -->\n"
PARTS = ["data", "training", "simulation", "limits"]  # after the types of layers


def limits(field):
    low, high = field.get("minimum"), field.get("maximum")
    above, below = field.get("exclusiveMinimum"), field.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"{low} .. {high}"
    words = [f">= {low}" if low is not None else f"> {above}" if above is not None else "",
             f"<= {high}" if high is not None else f"< {below}" if below is not None else ""]
    return ", ".join(word for word in words if word)


def allowed(field):
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    return {"boolean": lambda: "true, false", "integer": lambda: limits(field), "number": lambda: limits(field),
            "string": lambda: f"text, at most {field['maxLength']}",
            "array": lambda: f"list, at most {field['maxItems']}"}[field["type"]]()


def default(field):
    if "default" in field:
        return f"`{json.dumps(field['default'])}`"
    by_value = {}
    for sibling, values in field.get("x-default-by", {}).items():
        for name, value in values.items():
            by_value.setdefault(json.dumps(value), []).append(name)
        return f"by {sibling}: " + ", ".join(f"`{value}` {'/'.join(names)}" for value, names in by_value.items())
    return "see text"


def rows(prefix, part):
    for name, field in part["properties"].items():
        if field.get("type") == "object":
            yield from rows(f"{prefix}.{name}", field)
        elif "const" not in field:
            yield f"| `{prefix}.{name}` | {allowed(field)} | {default(field)} | {field['description']} |\n"


def main():
    schema = json.loads((ROOT / "schema/experiment.schema.json").read_text())
    table = "| field | allowed | default | meaning |\n|---|---|---|---|\n"
    layers = [branch["$ref"].rsplit("/", 1)[1] for branch in schema["$defs"]["layer"]["oneOf"]]
    table += "".join(row for part in layers + PARTS for row in rows(part, schema["$defs"][part]))
    readme = ROOT / "README.md"
    text = readme.read_text()
    head, rest = text.split(BEGIN)
    new = head + BEGIN + table + END + rest.split(END, 1)[1]
    if "--check" in sys.argv:
        sys.exit(0 if new == text else "README.md: the table of hyperparameters is stale; run scripts/hyperparameters.py")
    readme.write_text(new)


main()
