"""Hyperparameters by name. Where a name belongs is read from the schema that the service serves; no field is listed
here."""

from __future__ import annotations

import difflib
import json
from typing import Any

from .errors import Invalid

Schema = dict[str, Any]


class Places:
    """Where in an experiment each name stands."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.parts: dict[str, tuple[str, ...]] = {}  # a part with fields: its path
        self.fields: dict[str, tuple[str, ...]] = {}  # a field: its path
        self.layer: set[str] = set()  # fields of recurrent layers, which may stand at the top
        for kind in self._resolve({"$ref": "#/$defs/layer"})["oneOf"]:
            properties = self._resolve(kind)["properties"]
            if "batch_first" in properties:
                self.layer.update(properties)
                self.layer.update(a for field in properties.values() for a in field.get("x-aliases", []))
        self._walk()

    def _resolve(self, node: Schema) -> Schema:
        reference = node.get("$ref")
        return self.schema["$defs"][reference.rsplit("/", 1)[1]] if reference else node

    def _walk(self) -> None:
        """Of two with one name the one nearer to the top is meant: `shuffle` is that of training, not of the split."""
        level: list[tuple[Schema, tuple[str, ...]]] = [(self.schema, ())]
        while level:
            below: list[tuple[Schema, tuple[str, ...]]] = []
            for node, path in level:
                for name, entry in self._resolve(node).get("properties", {}).items():
                    field = self._resolve(entry)
                    if "properties" in field:
                        self.parts.setdefault(name, (*path, name))
                        below.append((field, (*path, name)))
                        continue
                    for known in (name, *field.get("x-aliases", [])):
                        if known not in self.layer:
                            self.fields.setdefault(known, (*path, known))
            level = below

    def first_field(self, part: str) -> str:
        """What a plain value for a part means: optimizer="adam", split=0.8, data="sunspots"."""
        node: Schema = self.schema
        for step in self.parts[part]:
            node = self._resolve(self._resolve(node)["properties"][step])
        return str(node.get("x-short") or next(iter(node["properties"])))

    def rows(self) -> list[list[str]]:
        """Name, the part it belongs to, what is allowed, default; layer fields by type of layer."""
        rows = []
        for kind in self._resolve({"$ref": "#/$defs/layer"})["oneOf"]:
            properties = self._resolve(kind)["properties"]
            kind_name = properties["type"]["const"]
            rows += [[n, f"layer {kind_name}", allowed(f), default(f)] for n, f in properties.items() if n != "type"]
        seen = set()
        for path in self.fields.values():
            field = self.schema
            for step in path:
                field = self._resolve(self._resolve(field).get("properties", {}).get(step, {}))
            if field and path not in seen:
                seen.add(path)
                rows.append([path[-1], ".".join(path[:-1]), allowed(field), default(field)])
        return rows

    def experiment(self, values: dict[str, Any]) -> dict[str, Any]:
        """The request that these values by name mean."""
        body: dict[str, Any] = {}
        for name, value in values.items():
            if name in self.parts:
                path = self.parts[name]
                if isinstance(value, dict):
                    for key, inner in value.items():
                        _put(body, (*path, key), inner)
                else:
                    _put(body, (*path, self.first_field(name)), value)
            elif name in self.layer:
                body[name] = value
            else:
                _put(body, self.fields.get(name) or self._unknown(name), value)
        return body

    def _unknown(self, name: str) -> tuple[str, ...]:
        """The place of a name that the schema does not have: at the top, where the service refuses it and says what
        others mean by it. What is close to a name of any part is refused here with that name."""
        if any(name in synonym["names"] for synonym in self.schema.get("x-synonyms", [])):
            return (name,)
        near = difflib.get_close_matches(name, [*self.layer, *self.fields, *self.parts], n=1, cutoff=0.75)
        if near:
            message = f"unknown hyperparameter '{name}'; did you mean '{near[0]}'?"
            error = {"pointer": f"/{name}", "code": "unknown_field", "message": message}
            raise Invalid(422, {"detail": message, "errors": [error]})
        return (name,)


def allowed(field: Schema) -> str:
    """As 1 .. 25, or the choices."""
    if "enum" in field:
        return ", ".join(field["enum"])
    if field.get("type") == "boolean":
        return "true, false"
    low = field.get("minimum", f"> {field['exclusiveMinimum']}" if "exclusiveMinimum" in field else None)
    high = field.get("maximum", f"< {field['exclusiveMaximum']}" if "exclusiveMaximum" in field else None)
    return f"{low} .. {high}" if low is not None else str(field.get("type", ""))


def default(field: Schema) -> str:
    """As 17, or by what it is chosen."""
    for by, values in field.get("x-default-by", {}).items():
        return ", ".join(f"{value} ({key})" for key, value in values.items()) + f" by {by.rsplit('/', 1)[-1]}"
    value = field.get("default", "")
    return value if isinstance(value, str) else json.dumps(value)


def _put(body: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for step in path[:-1]:
        body = body.setdefault(step, {})
    if isinstance(value, dict) and isinstance(body.get(path[-1]), dict):
        body[path[-1]].update(value)
    else:
        body[path[-1]] = value
