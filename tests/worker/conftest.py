import pytest

from qlstm_worker import WORKER


def pytest_configure(config):
    if not WORKER.exists():
        raise pytest.UsageError(f"{WORKER} is not there: build it first (make), or set QLSTM_BUILD")
