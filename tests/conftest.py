import os
import pathlib
import tempfile

import pytest

from api_daemon import BUILD, Daemon, check_sanitizers

SANITIZERS = ("ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")
NO_RACES = pathlib.Path(__file__).with_name("thread.supp")


def pytest_configure(config):
    """Under a sanitizer each process, workers and predictors too, writes its reports to a file of one folder."""
    if not BUILD.name.startswith("san-"):
        return
    folder = tempfile.mkdtemp(prefix="qlstm-reports-")
    os.environ["QLSTM_REPORTS"] = folder
    for name in SANITIZERS:
        words = [word for word in os.environ.get(name, "").split(":") if word and not word.startswith("log_path=")]
        os.environ[name] = ":".join([*words, f"log_path={folder}/report"])
    os.environ["TSAN_OPTIONS"] += f":suppressions={NO_RACES}"


@pytest.fixture(autouse=True)
def no_sanitizer_report():
    """A worker that ends by a report is tried again and may succeed: the report alone tells."""
    yield
    check_sanitizers()


def pytest_make_parametrize_id(val, argname):
    """Bytes and long texts by the name of their argument: readable, and the same in every process, as a gzip's time is
    not."""
    return argname if isinstance(val, bytes) or (isinstance(val, str) and len(val) > 120) else None


@pytest.fixture(scope="session")
def daemon(tmp_path_factory):
    """One for all tests that leave no trace that others would mind."""
    instance = Daemon(tmp_path_factory.mktemp("daemon")).start()
    yield instance
    instance.close()


@pytest.fixture
def make_daemon(tmp_path):
    """Starts one with options of its own; ended after the test."""
    made = []

    def make(*options):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Daemon(folder, *options))
        return made[-1].start()

    yield make
    for instance in made:
        instance.close()
