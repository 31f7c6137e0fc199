"""Values of a program as the bytes of a data set: arrays and lists as .npy, tables with column names as CSV."""

from __future__ import annotations

import array
import csv
import hashlib
import io
import os
import pathlib
import struct
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from .errors import QlstmError

TYPES = {".csv": "text/csv", ".npy": "application/x-npy", ".idx": "application/x-idx", ".gz": "application/gzip"}


class Upload(NamedTuple):
    """What is sent to `POST /datasets`."""

    content: bytes
    media_type: str

    @property
    def name(self) -> str:
        """A name of the content alone: the same numbers are stored once."""
        return "data-" + hashlib.sha256(self.content).hexdigest()[:16]


def is_frame(value: Any) -> bool:
    """Whether it is a table with names, as those of pandas are."""
    return hasattr(value, "columns") and hasattr(value, "itertuples")


def nested(value: Any) -> Any:
    """Lists of lists, of whatever an array, a table or a sequence is."""
    if is_frame(value) or hasattr(value, "to_numpy"):
        value = value.to_numpy()
    return value.tolist() if hasattr(value, "tolist") else value


def _matrix(values: Any) -> tuple[list[float], tuple[int, ...]]:
    """Numbers of one or two dimensions, row by row, and their shape."""
    rows = nested(values)
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        raise QlstmError("data are an array or a list of one or two dimensions, with something in it")
    if not isinstance(rows[0], Sequence):
        return [float(x) for x in rows], (len(rows),)
    width = len(rows[0])
    if width == 0 or any(len(row) != width for row in rows):
        raise QlstmError("the rows of the data have different lengths, or none")
    return [float(x) for row in rows for x in row], (len(rows), width)


def npy(values: Any) -> bytes:
    """NumPy's format 1.0, float64; made without NumPy."""
    flat, shape = _matrix(values)
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    body = array.array("d", flat)
    if sys.byteorder == "big":
        body.byteswap()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body.tobytes()


def csv_bytes(columns: Sequence[Any], rows: Any) -> bytes:
    """A CSV with a header; reals with all their digits."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([str(name) for name in columns])
    writer.writerows([cell.item() if hasattr(cell, "item") else cell for cell in row] for row in rows)
    return out.getvalue().encode()


def encode(value: Any) -> Upload:
    """What to upload of a path, bytes, a table with names, a dict of columns, an array or lists; or of (X, y), whose
    columns stand side by side, y at the end."""
    if isinstance(value, os.PathLike):
        path = pathlib.Path(value)
        if path.suffix == ".parquet":
            return _parquet(path)
        return Upload(path.read_bytes(), TYPES.get(path.suffix, "application/octet-stream"))
    if isinstance(value, bytes):
        return Upload(value, "application/octet-stream")
    if is_frame(value):
        return Upload(csv_bytes(list(value.columns), value.itertuples(index=False)), "text/csv")
    if isinstance(value, dict):
        columns = [nested(column) for column in value.values()]
        if not columns or len({len(column) for column in columns}) != 1:
            raise QlstmError("the columns of the data have different lengths, or there is none")
        return Upload(csv_bytes(list(value), zip(*columns)), "text/csv")
    if isinstance(value, tuple) and len(value) == 2:
        left, right = nested(value[0]), nested(value[1])
        if len(left) != len(right):
            raise QlstmError(f"X has {len(left)} rows and y {len(right)}")
        value = [_row(a) + _row(b) for a, b in zip(left, right)]
    return Upload(npy(value), "application/x-npy")


def _parquet(path: pathlib.Path) -> Upload:
    """As CSV; needs pyarrow."""
    from pyarrow import parquet

    columns = parquet.read_table(path).to_pydict()
    return Upload(csv_bytes(list(columns), zip(*columns.values())), "text/csv")


def _row(value: Any) -> list[float]:
    return list(value) if isinstance(value, Sequence) else [value]
