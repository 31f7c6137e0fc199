"""The package as it stands here, and one private daemon for all its tests."""

import os
import pathlib
import sys

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parents[1]
BUILD = ROOT / os.environ.get("QLSTM_BUILD", "build")

sys.path.insert(0, str(PACKAGE))
os.environ.setdefault("QLSTMD", str(BUILD / "qlstmd"))
for name in ("QLSTM_URL", "QLSTM_KEY"):
    os.environ.pop(name, None)

import qlstm  # noqa: E402


@pytest.fixture(scope="session")
def client():
    with qlstm.serve() as service:
        yield service
        log = service.log()
    assert service.process.returncode == 0, log[-4000:]
    assert "AddressSanitizer" not in log and "runtime error" not in log and "ThreadSanitizer" not in log, log[-8000:]
