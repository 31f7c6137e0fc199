"""Requests to one service: address, key, retries. Standard library only."""

from __future__ import annotations

import http.client
import ipaddress
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from .errors import Busy, QlstmError, ServiceError, Unreachable, service_error

RETRIED = (429, 503)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The service never redirects; a key is not carried to where somebody else points."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Transport:
    """Sends requests; safe to use from several threads. One connection a request."""

    def __init__(self, url: str, key: str | None, timeout: float, retries: int, ca: str | None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise QlstmError(f"{url!r} is no address of a service; such as http://127.0.0.1:8080 is one")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.key, self.timeout, self.retries, self.ca = key, timeout, retries, ca
        self.longest_pause = 30.0  # seconds between two tries
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if parts.scheme == "https":
            import ssl  # a Python without it reaches http all the same

            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)))
        if _is_loopback(parts.hostname):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def open(
        self, method: str, path: str, *, query: dict[str, Any] | None = None, body: Any = None,
        headers: dict[str, str] | None = None, timeout: float | None = None,
    ) -> http.client.HTTPResponse:  # fmt: skip
        """One request, not retried. `body` is bytes or goes out as JSON. The caller closes the response."""
        target = self.url + path
        if query:
            target += "?" + urllib.parse.urlencode({k: v for k, v in query.items() if v is not None})
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, allow_nan=False).encode()
            sent.setdefault("Content-Type", "application/json")
        if method == "POST" and body is None:
            body = b""
        if self.key:
            sent["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(target, data=body, headers=sent, method=method)
        if body == b"":
            request.add_unredirected_header("Content-Type", "application/json")
        try:
            response: http.client.HTTPResponse = self._opener.open(request, timeout=timeout or self.timeout)
            return response
        except urllib.error.HTTPError as problem:
            with problem:
                error = service_error(problem.code, problem.read())
            error.retry_after = _seconds(problem.headers.get("Retry-After"))  # type: ignore[attr-defined]
            raise error from None
        except (OSError, http.client.HTTPException) as problem:
            reason = getattr(problem, "reason", problem)
            raise Unreachable(f"no answer from {self.url}: {reason}") from problem

    def request(
        self, method: str, path: str, *, query: dict[str, Any] | None = None, body: Any = None,
        headers: dict[str, str] | None = None, repeatable: bool = True,
    ) -> tuple[bytes, Any]:  # fmt: skip
        """The body and the headers of the answer. What is full or drained is asked again after the time that it names;
        a lost connection too, where saying it twice does no harm (`repeatable`)."""
        for attempt in range(self.retries + 1):
            try:
                with self.open(method, path, query=query, body=body, headers=headers) as response:
                    try:
                        return response.read(), response.headers
                    except (OSError, http.client.HTTPException) as problem:
                        raise Unreachable(f"{self.url} broke off its answer: {problem}") from problem
            except (Busy, Unreachable) as error:
                again = repeatable or isinstance(error, Busy)
                if attempt == self.retries or not again:
                    raise
                wait = getattr(error, "retry_after", 0) or 0.1 * 2**attempt
                time.sleep(min(wait, self.longest_pause) * random.uniform(1, 1.1))
        raise AssertionError("unreachable")

    def json(self, method: str, path: str, **arguments: Any) -> Any:
        """The answer as JSON; None where it is empty."""
        body, _ = self.request(method, path, **arguments)
        return json.loads(body) if body else None


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdigit() else 0.0


__all__ = ["ServiceError", "Transport"]
