"""The served contract before independent readers: openapi-spec-validator finds it valid, and schemathesis, which makes
requests of it, finds no answer that it does not describe. $SECONDS (60) is how long."""
import os
import pathlib
import subprocess
import sys

import pytest
from openapi_spec_validator import validate_url

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from api_daemon import Daemon  # noqa: E402
from api_keys import add_key  # noqa: E402


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    served = Daemon(tmp_path_factory.mktemp("contract")).start()
    served.train({"hidden_size": 2, "n_qubits": 2, "training": {"epochs": 1}})
    yield served
    served.close()


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.yaml"])
def test_the_served_contract_is_valid(daemon, path):
    validate_url(daemon.url + path)


def schemathesis(daemon, folder, *options):
    command = ["schemathesis", f"--config-file={HERE / 'schemathesis.toml'}", "run", daemon.url + "/openapi.json",
               "--checks=all", "--seed=7", "--no-color", f"--max-time={os.environ.get('SECONDS', 60)}",
               "--generation-database=none", *options]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    print(done.stdout[-6000:])
    assert done.returncode == 0
    assert daemon.process.poll() is None


def test_every_answer_is_described(daemon, tmp_path):
    schemathesis(daemon, tmp_path, "--phases=examples,coverage,fuzzing,stateful",
                 "--exclude-operation-id=drain")  # nothing would be accepted after it


def test_every_answer_about_keys_is_described(daemon, tmp_path):
    """With a key, which they need; not in the order of the links, for then it would revoke its own."""
    schemathesis(daemon, tmp_path, "--phases=examples,coverage,fuzzing", "--include-path-regex=^/keys",
                 "--header", f"Authorization:Bearer {add_key(daemon, 'reader', 'admin')}")
