"""What the resources of the SDK have in common: an id, the data, how they print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.json_format import MessageToJson

if TYPE_CHECKING:
    from .client import TQ42Client

T = TypeVar("T")


class PrettyList(list[T]):
    """A list that prints one item a line."""

    def __repr__(self) -> str:
        if not self:
            return "[]"
        items = "\n  ".join(repr(item) for item in self)
        return f"{type(self[0]).__name__}List: [\n  {items}\n]"

    __str__ = __repr__


class Resource:
    """`data` is the SDK's message; asked for where it is not given."""

    def __init__(self, client: TQ42Client, id: str, data: Any = None) -> None:
        self._client, self.id = client, id
        self.data = self._get() if data is None else data

    def _get(self) -> Any:
        raise NotImplementedError

    def _refresh(self) -> None:
        self.data = self._get()

    def __repr__(self) -> str:
        name = f" Name={self.data.name}" if hasattr(self.data, "name") else ""
        return f"<{type(self).__name__} Id={self.id}{name}>"

    def __str__(self) -> str:
        return f"{type(self).__name__}: {MessageToJson(self.data, preserving_proto_field_name=True)}"
