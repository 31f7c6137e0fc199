"""What can go wrong. Every error of this package is a `QlstmError`.

QlstmError
  Unreachable     no service answers at the address
  ServiceError    it answered with a problem: .status, .code, .field, .value, .allowed
    Invalid       a field is unknown, of the wrong type or out of range (400, 415, 422)
    AccessDenied  no key, a wrong key, or one without the scope (401, 403)
    NotFound      nothing has this id or name (404)
    Conflict      the state forbids it (409)
    Busy          full, drained or past a rate or quota (429, 503), after all retries
  RunFailed       a run that was waited for failed or was cancelled: .run, .reason
"""

from __future__ import annotations

import json
import re
from typing import Any

_IS = re.compile(r" is (?P<value>.+?); (?:allowed are|it must be) (?P<allowed>.+?)(?:; did you mean .*)?$", re.DOTALL)


class QlstmError(Exception):
    """Any error of this package."""


class Unreachable(QlstmError):
    """No service answers at the address."""


class ServiceError(QlstmError):
    """The service answered with a problem (RFC 9457).

    `field` is the field as it was sent (`n_qubits`, `training/epochs`), "" where the problem is none of a field;
    `value` what it held and `allowed` what it may hold, as the service words them, "" where it says neither.
    """

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        errors = problem.get("errors") or [{}]
        self.status = status
        self.code: str = errors[0].get("code", "")
        self.pointer: str = errors[0].get("pointer", "")
        self.field = self.pointer.lstrip("/").replace("~1", "/").replace("~0", "~")
        self.problem = problem
        self.message: str = problem.get("detail") or problem.get("title") or f"status {status}"
        found = _IS.search(self.message) if self.field else None
        self.value = found["value"] if found else ""
        self.allowed = found["allowed"] if found else ""
        super().__init__(self.message)


class Invalid(ServiceError, ValueError):
    """A field is unknown, of the wrong type or out of range; or the bytes are not what they are said to be."""


class AccessDenied(ServiceError):
    """No key was shown, it is not in force, or it lacks the scope."""


class NotFound(ServiceError, LookupError):
    """Nothing has this id or name."""


class Conflict(ServiceError):
    """The state forbids it; the message says what to do first."""


class Busy(ServiceError):
    """The service is full, drained, or a rate or quota is used up."""


_BY_STATUS: dict[int, type[ServiceError]] = {
    400: Invalid, 413: Invalid, 415: Invalid, 422: Invalid, 401: AccessDenied, 403: AccessDenied, 404: NotFound,
    409: Conflict, 429: Busy, 503: Busy,
}  # fmt: skip


def service_error(status: int, body: bytes) -> ServiceError:
    """The exception of an answer of status 400 and above."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": f"status {status}: {body[:200].decode(errors='replace')}"}
    return _BY_STATUS.get(status, ServiceError)(status, problem)


class RunFailed(QlstmError):
    """A run that was waited for ended otherwise than with results."""

    def __init__(self, run: Any, row: dict[str, Any]) -> None:
        self.run = run
        self.status: str = row["status"]
        self.reason: str = row.get("reason") or ""
        message = row.get("reason_message") or self.reason or "no reason is given"
        super().__init__(f"run {row['id']} {self.status}: {message}")
