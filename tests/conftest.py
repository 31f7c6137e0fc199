import pytest

from api_daemon import Daemon


def pytest_make_parametrize_id(val):
    """Bytes by their length: tests have the same names in every process that lists them (gzip writes the time)."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


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
