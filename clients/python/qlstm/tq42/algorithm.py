"""tq42.algorithm: what a request is made of."""

from __future__ import annotations

from typing import Any

from . import messages
from .messages import __all__  # noqa: F401 # all of them: `from qlstm.tq42.algorithm import *`


def __getattr__(name: str) -> Any:
    try:
        return getattr(messages, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
