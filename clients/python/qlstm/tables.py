"""Rows as a DataFrame where pandas is there, else as a list of dicts."""

from __future__ import annotations

import csv
import io
from typing import Any


def table(rows: list[dict[str, Any]]) -> Any:
    """A DataFrame, or the rows themselves."""
    try:
        import pandas
    except ImportError:
        return rows
    return pandas.DataFrame(rows)


def rows_of(values: Any) -> list[dict[str, Any]]:
    """The rows of either."""
    return values.to_dict("records") if hasattr(values, "to_dict") else list(values)


def read_csv(text: str) -> list[dict[str, Any]]:
    """Rows of a CSV; whole numbers, reals and words as what they are."""
    return [{name: _value(cell) for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]


def _value(cell: str) -> Any:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            pass
    return cell


def as_array(values: Any) -> Any:
    """An array where NumPy is there, else the lists."""
    try:
        import numpy
    except ImportError:
        return values
    return numpy.asarray(values)
