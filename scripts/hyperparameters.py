#!/usr/bin/python3
"""Writes schema/HYPERPARAMETERS.md from schema/experiment.schema.json; --check only says whether it is current."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "schema/HYPERPARAMETERS.md"
PARTS = ["data", "training", "simulation", "limits"]  # after the types of layers
HEAD = """# Hyperparameters

Made by `scripts/hyperparameters.py` from [experiment.schema.json](experiment.schema.json), which the daemon serves as
`/schema/experiment`.

Every field has a default, so `{}` is a valid experiment. The hyperparameters of one recurrent layer may stand at the top
level: `{"hidden_size": 5}` is short for `{"model": {"layers": [{"type": "qlstm", "hidden_size": 5}]}}`. The answer always
carries the long form with everything filled in, and posting that again gives the same run.
"""
TABLE = "| field | allowed | default | meaning |\n|---|---|---|---|\n"


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
    if isinstance(field["type"], list):  # a row, or the text of a time
        return " or ".join(allowed({**field, "type": kind}) for kind in field["type"])
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
        return f"by {sibling.rsplit('/', 1)[-1]}: " + ", ".join(f"`{value}` {'/'.join(names)}" for value, names in by_value.items())
    return "see text"


def rows(prefix, part):
    for name, field in part["properties"].items():
        if field.get("type") == "object":
            yield from rows(f"{prefix}{name}.", field)
        elif "const" not in field:
            yield f"| `{prefix}{name}` | {allowed(field)} | {default(field)} | {field['description']} |\n"


def section(title, prefix, part):
    return f"\n## {title}\n\n{part['description']}\n\n{TABLE}" + "".join(rows(prefix, part))


def page(schema):
    parts = schema["$defs"]
    layers = [branch["$ref"].rsplit("/", 1)[1] for branch in parts["layer"]["oneOf"]]
    return (HEAD + "".join(section(f"Layers of type `{name}`", "", parts[name]) for name in layers) +
            "".join(section(f"`{name}`", f"{name}.", parts[name]) for name in PARTS))


def main():
    text = page(json.loads((ROOT / "schema/experiment.schema.json").read_text()))
    if "--check" not in sys.argv:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        sys.exit("schema/HYPERPARAMETERS.md is stale; run scripts/hyperparameters.py")


main()
