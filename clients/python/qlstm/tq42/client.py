"""tq42.client: the service at an address, in place of a login."""

from __future__ import annotations

from typing import Any

from ..client import Client
from ..errors import AccessDenied
from .exceptions import AuthenticationError, as_of_tq42

DEFAULT_PROJECT = "default"
defaults: dict[str, str] = {}  # what `set` chose: "proj"; for this program


class TQ42Client:
    """`url` and `key` are those of $QLSTM_URL and $QLSTM_KEY where absent, as for `qlstm.Client`."""

    def __init__(self, url: str | None = None, key: str | None = None, **options: Any) -> None:
        self.service = Client(url, key, **options)

    def __enter__(self) -> TQ42Client:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    @as_of_tq42
    def login(self) -> None:
        """Asks the service whether it takes the key; nothing is stored and no browser opens."""
        try:
            owner = self.owner()
        except AccessDenied as error:
            raise AuthenticationError() from error
        print(f"{self.service.url} answers{f' to {owner}' if owner else ''}.")

    def owner(self) -> str:
        """Who the key belongs to; "" where the service asks for none."""
        session = self.service.transport.json("GET", "/session")
        return session.get("owner") or ""
