"""The tests here need packages from PyPI (`make test-peers`); their daemon and models are those of ../tests."""

import importlib.util
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))
spec = importlib.util.spec_from_file_location("client_conftest", TESTS / "conftest.py")
shared = importlib.util.module_from_spec(spec)
sys.modules["client_conftest"] = shared
spec.loader.exec_module(shared)
client = shared.client
