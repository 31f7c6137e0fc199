"""tq42.exceptions. The error of the service is the `__cause__`: it has the field, the value and what is allowed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from ..errors import AccessDenied, Conflict, Invalid, NotFound, Unreachable

F = TypeVar("F", bound=Callable[..., Any])


class TQ42APIError(Exception):
    """Any error of the shim."""


class AuthenticationError(TQ42APIError):
    """No key, or one that the service does not take."""

    def __str__(self) -> str:
        return "the service takes no such key: set QLSTM_KEY, or TQ42Client(key=...)"


class UnauthenticatedError(TQ42APIError):
    """A request without a key that the service takes."""

    def __str__(self) -> str:
        return "the service wants a key: set QLSTM_KEY, or TQ42Client(key=...)"


class PermissionDeniedError(TQ42APIError):
    """The key lacks the scope."""

    def __str__(self) -> str:
        return f"not with this key: {self.__cause__}"


class InvalidArgumentError(TQ42APIError):
    """Refused, or nothing has this id. `command` is the call, `details` what the service says."""

    def __init__(self, command: str, details: str) -> None:
        self.command, self.details = command, details
        super().__init__(command, details)

    def __str__(self) -> str:
        return f"{self.command}: {self.details}"


class NoDefaultError(TQ42APIError):
    """Nothing was made the default."""

    def __init__(self, command: str) -> None:
        self.command = command
        super().__init__(command)

    def __str__(self) -> str:
        return f"{self.command}: no project was set as the default"


class ExceedRetriesError(TQ42APIError):
    """The run had not ended after so many looks."""

    def __init__(self, tries: int) -> None:
        self.tries = tries
        super().__init__(tries)

    def __str__(self) -> str:
        return f"the run has not ended after {self.tries} looks at it"


class ExperimentRunCancelError(TQ42APIError):
    """It cannot be cancelled."""

    def __str__(self) -> str:
        return f"the run cannot be cancelled: {self.__cause__ or 'it has ended'}"


def as_of_tq42(function: F) -> F:
    """The same function, whose errors have the SDK's names."""

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except AccessDenied as error:
            raise (UnauthenticatedError() if error.status == 401 else PermissionDeniedError()) from error
        except (Invalid, NotFound, Conflict) as error:
            raise InvalidArgumentError(function.__qualname__, str(error)) from error
        except Unreachable as error:
            raise ConnectionError(str(error)) from error

    return cast(F, called)
