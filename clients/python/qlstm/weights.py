"""Trained tensors, as the service hands them out: a safetensors file (https://github.com/huggingface/safetensors)."""

from __future__ import annotations

import array
import json
import os
import pathlib
import struct
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Union

from .errors import QlstmError
from .tables import as_array

Source = Union["Weights", bytes, "os.PathLike[str]", str]


class Weights(Mapping[str, Any]):
    """Tensors by name: arrays where NumPy is there, else nested lists. The whole file is `content`.

    `spec` is the experiment in its long form, `scaling` how raw values were scaled: raw = scaled * factor + offset.
    Names, shapes and axes: engine/README.md.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        try:
            (length,) = struct.unpack_from("<Q", content)
            header = json.loads(content[8 : 8 + length])
            self.metadata: dict[str, str] = header.pop("__metadata__", {})
            self.spec: dict[str, Any] = json.loads(self.metadata["spec"])
            self.scaling: dict[str, list[dict[str, Any]]] = json.loads(self.metadata["scaling"])
            self._tensors = {name: _tensor(entry, content[8 + length :]) for name, entry in header.items()}
        except (struct.error, ValueError, KeyError, TypeError) as problem:
            raise QlstmError(f"these bytes are no weights of this service: {problem!r}") from problem

    @classmethod
    def load(cls, source: Source) -> Weights:
        """Of a file, its bytes, or weights as they are."""
        if isinstance(source, Weights):
            return source
        return cls(source if isinstance(source, bytes) else pathlib.Path(source).read_bytes())

    def save(self, path: str | os.PathLike[str]) -> None:
        """As a .safetensors file."""
        pathlib.Path(path).write_bytes(self.content)

    def __getitem__(self, name: str) -> Any:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        return f"<Weights of {len(self)} tensors: {', '.join(self)}>"


COMPUTED = {"qlstm", "lstm", "gru", "rnn", "qgru", "quantum", "dense", "dropout", "activation"} | {
    "embedding", "batch_norm", "layer_norm", "hqrnn", "circuit",
}  # fmt: skip


def network(source: Source) -> Weights:
    """Weights of a network whose layers are all of the types that this package computes by itself."""
    weights = Weights.load(source)
    written = json.loads(weights.metadata.get("circuits", "{}"))
    if written:  # circuits of users, gate by gate
        weights = Weights(weights.content)
        for index, circuit in written.items():
            weights.spec["model"]["layers"][int(index)].update(circuit)
    for layer in weights.spec["model"]["layers"]:
        if layer["type"] not in COMPUTED:
            raise QlstmError(f"layers of type {layer['type']} are computed by the service alone")
        if layer.get("reading", "expectation") != "expectation":
            raise QlstmError(f"readouts that are drawn (reading {layer['reading']}) are the service's alone")
    return weights


def _tensor(entry: dict[str, Any], body: bytes) -> Any:
    kind = {"F64": "d", "F32": "f"}[entry["dtype"]]
    first, last = entry["data_offsets"]
    values = array.array(kind, body[first:last])
    if sys.byteorder == "big":
        values.byteswap()
    return as_array(_shaped(values.tolist(), entry["shape"]))


def _shaped(flat: list[Any], shape: list[int]) -> Any:
    """Nested lists of the shape."""
    for size in reversed(shape[1:]):
        flat = [flat[i : i + size] for i in range(0, len(flat), size)]
    return flat
