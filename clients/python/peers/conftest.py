"""The tests here need packages from PyPI (`make test-peers`); their daemon and models are those of ../tests."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))
from client_service import client  # noqa: E402, F401
