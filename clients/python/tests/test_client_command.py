"""The command line against the real daemon: what it prints, its exit statuses, pipes, a terminal, completion."""

import csv
import io
import json
import os
import pty
import subprocess
import sys

import client_service
import pytest

import qlstm
from qlstm.command import main

DAMPED = client_service.ROOT / "schema/recipes/damped_shm_lstm.json"


@pytest.fixture
def say(client, monkeypatch, capsys):
    """Runs a command here; returns status and what it printed."""
    monkeypatch.setenv("QLSTM_URL", client.url)

    def run(*words):
        capsys.readouterr()
        status = main(words)
        return status, capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def trained(client):
    return client.train(epochs=3, hidden_size=2, name="trained", type="lstm").wait(progress=False)


def as_json(say, *words):
    status, said = say(*words, "--json")
    assert status == 0, said.err
    return json.loads(said.out)


def environment(client):
    return {**os.environ, "QLSTM_URL": client.url, "PYTHONPATH": str(client_service.PACKAGE)}


def pipe(client, line):
    command = f'qlstm() {{ "{sys.executable}" -m qlstm "$@"; }}; set -o pipefail; {line}'
    return subprocess.run(["bash", "-c", command], env=environment(client), capture_output=True, text=True, timeout=300)


def test_run_a_recipe_with_changes(say):
    status, said = say("run", str(DAMPED), "epochs=2", "name=shorter")
    assert status == 0 and " succeeded  train_loss " in said.out and "shorter  epoch 2/2" in said.err
    row = as_json(say, "show", said.out.split()[0])
    assert row["spec"]["training"]["epochs"] == 2 and row["spec"]["project"] == "papers"
    assert as_json(say, "run", "epochs=2", "--check")["spec"]["training"]["epochs"] == 2


def test_run_a_file(say, tmp_path):
    (tmp_path / "waves.csv").write_text("value\n" + "\n".join(str(i % 9) for i in range(60)))
    row = as_json(say, "run", f"data=@{tmp_path / 'waves.csv'}", "epochs=1", "hidden_size=2", "-q")
    assert row["data"]["rows"] == 60 and row["status"] == "succeeded"


def test_what_a_run_leaves(say, trained, tmp_path):
    _, said = say("metrics", trained.id)
    assert [int(row["epoch"]) for row in csv.DictReader(io.StringIO(said.out))] == [1, 2, 3]
    assert as_json(say, "metrics", trained.id)[-1]["test_loss"] == trained.results["test_loss"]
    _, said = say("predictions", trained.id)
    assert said.out.startswith("part,index,value,value_predicted")
    status, said = say("weights", trained.id, "--out", str(tmp_path / "w.safetensors"))
    assert set(qlstm.Weights.load(tmp_path / "w.safetensors")) == set(as_json(say, "weights", trained.id)["tensors"])
    assert as_json(say, "report", trained.id)["seed"] == 1
    (tmp_path / "x.csv").write_text("value\n0.1\n0.2\n0.3\n0.4\n0.5\n")
    (tmp_path / "x.json").write_text("[[0.1, 0.2, 0.3, 0.4], [0.2, 0.3, 0.4, 0.5]]")
    for name in ("x.csv", "x.json"):
        assert as_json(say, "predict", trained.id, str(tmp_path / name))["outputs"] == trained.predict(
            [[0.1, 0.2, 0.3, 0.4], [0.2, 0.3, 0.4, 0.5]]).tolist()  # fmt: skip
    _, said = say("watch", trained.id)
    assert said.out.splitlines()[2].startswith("epoch 3/3  train_loss ") and "succeeded" in said.out.splitlines()[3]


def test_lists_and_comparison(say, trained, client):
    other = client.train(epochs=3, hidden_size=3, n_qubits=2, name="other").wait(progress=False)
    _, said = say("ls", "--limit", "200")
    line = next(line for line in said.out.splitlines() if trained.id in line)
    assert line.split()[1:3] == ["succeeded", "3/3"] and "lstm 2" in line
    assert other.id in [row["id"] for row in as_json(say, "ls", "--limit", "200")]
    found = as_json(say, "compare", trained.id, other.id)
    assert found["name"] == {trained.id: "trained", other.id: "other"} and "training.epochs" not in found
    assert found["test_loss"][other.id] == other.results["test_loss"]
    _, said = say("compare", trained.id, other.id)
    assert said.out.splitlines()[0].split() == [trained.id, other.id]


def test_data(say, tmp_path):
    (tmp_path / "levels.csv").write_text("day,level\n1,0.5\n2,0.7\n")
    assert as_json(say, "data", "put", str(tmp_path / "levels.csv"))["name"] == "levels"
    assert say("data", "put", str(tmp_path / "levels.csv"), "separator=,", "--name", "again")[0] == 0
    assert {"damped_shm", "levels", "again"} <= {found["name"] for found in as_json(say, "data", "ls")}
    _, said = say("data", "show", "levels")
    assert said.out.splitlines()[1].split()[:5] == ["levels", "csv", "2", "day,", "level"]
    assert [say("data", "rm", name)[0] for name in ("levels", "again", "again")] == [0, 0, 3]


@pytest.mark.parametrize(("words", "status", "error"), [
    (["run", "n_qubits=26"], 2, "n_qubits is 26; allowed are 1 to 25"),
    (["run", "epocs=3"], 2, "did you mean 'epochs'?"),
    (["run", "nothing.json"], 2, "No such file"),
    (["show", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], 3, "there is no experiment"),
    (["--key-file", "KEY", "ls"], 5, "qlstm: "),
])  # fmt: skip
def test_exit_statuses(say, tmp_path, words, status, error):
    (tmp_path / "key").write_text("qlstmd_nobody\n")
    words = [str(tmp_path / "key") if word == "KEY" else word for word in words]
    found, said = say(*words)
    assert (found, said.out) == (status, "") and error in said.err, said
    if error.startswith("n_qubits"):
        found, said = say("--json", *words)
        assert found == status and json.loads(said.err)["errors"][0]["pointer"] == "/n_qubits"


def test_exit_statuses_of_runs(say, client, tmp_path):
    (tmp_path / "far.csv").write_text("value\n" + "\n".join(str(9 * i) for i in range(40)))
    layers = [{"type": "quantum", "n_qubits": 1, "encoder": "acos", "ansatz": "basic"}, {"type": "rnn"}]
    status, said = say("run", f"layers={json.dumps(layers)}", f"data=@{tmp_path / 'far.csv'}", "scaling=none", "-q")
    assert status == 1 and "  failed  " in said.out
    running = client.train(hidden_size=5, n_qubits=6, depth=8, epochs=100000)
    status, said = say("rm", running.id)
    assert status == 6 and "qlstm: " in said.err
    assert say("cancel", running.id)[0] == 0
    assert say("watch", running.id)[0] == 1


def test_nobody_there(say, monkeypatch):
    monkeypatch.setattr("qlstm.command.RETRIES", 0)
    status, said = say("--url", "http://127.0.0.1:1", "version")
    assert status == 4 and "no answer from http://127.0.0.1:1" in said.err


def test_pipes(client):
    ran = pipe(client, "qlstm run hidden_size=5 n_qubits=6 depth=8 epochs=100000 project=pipes -d | qlstm cancel - && "
                       "qlstm ls --project pipes --ids | wc -l")  # fmt: skip
    lines = ran.stdout.splitlines()
    assert ran.returncode == 0 and lines[0].split()[1] in ("cancelling", "cancelled") and lines[1] == "1", ran
    ran = pipe(client, 'echo \'{"training": {"epochs": 1}}\' | qlstm run - hidden_size=2 -q --json | grep -c succeeded')
    assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
    ran = pipe(client, "qlstm show last --json | true; echo ${PIPESTATUS[0]}")
    assert ran.stdout.strip() in ("0", "141") and "Traceback" not in ran.stderr


def test_a_chart_on_a_terminal(client, trained):
    master, slave = pty.openpty()
    child = subprocess.Popen([sys.executable, "-m", "qlstm", "watch", trained.id], stdout=slave, stderr=slave,
                             stdin=slave, env={**environment(client), "COLUMNS": "80"})  # fmt: skip
    os.close(slave)
    said = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        said += piece
    os.close(master)
    assert child.wait(60) == 0
    lines = said.decode().replace("\x1b[2K", "").splitlines()
    assert any(line.endswith("trained  succeeded  epoch 3/3") for line in lines)
    assert any("|" in line and "+" in line for line in lines) and max(map(len, lines)) <= 85


def test_completion(client, trained):
    script = f"""qlstm() {{ "{sys.executable}" -m qlstm "$@"; }}; source <(qlstm completion bash)
        ask() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _qlstm 2>/dev/null; echo "${{COMPREPLY[@]}}"; }}
        ask qlstm c; ask qlstm data p; ask qlstm show {trained.id[:26]}; ask qlstm run hidden"""
    ran = subprocess.run(["bash", "-c", script], env=environment(client), capture_output=True, text=True, timeout=300)
    assert ran.stdout.splitlines() == ["compare cancel completion", "put", trained.id, "hidden_size="], ran
