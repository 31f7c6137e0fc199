"""The one fixture of all tests here."""

from client_service import client  # noqa: F401
