"""The client against the real daemon: from names to weights, errors, data, keys, retries."""

import io
import itertools
import os
import signal
import subprocess
import sys
import threading
import time

import client_service
import numpy as np
import pytest

import qlstm
import qlstm.tables
from qlstm.command import main
from qlstm.data import encode
from qlstm.progress import Progress

ENDLESS = {"hidden_size": 5, "n_qubits": 6, "depth": 8, "epochs": 100000}


def rows(table):
    return qlstm.tables.rows_of(table)


@pytest.fixture(scope="module")
def run(client):
    return client.train(
        name="first", hidden_size=5, n_qubits=3, num_epochs=4, data="sine", optimizer="adam", learning_rate=0.02,
        split=0.8, window=5, seed=7).wait(timeout=300, progress=False)  # fmt: skip


def test_names_find_their_places(run):
    layer, training = run.spec["model"]["layers"][0], run.spec["training"]
    assert (layer["hidden_size"], layer["n_qubits"], run.spec["name"]) == (5, 3, "first")
    assert (training["epochs"], training["seed"], training["optimizer"]["type"]) == (4, 7, "adam")
    assert training["optimizer"]["learning_rate"] == 0.02
    assert (run.spec["data"]["dataset"], run.spec["data"]["window"], run.spec["data"]["split"]) == (
        "sine",
        5,
        {"train": 0.8, "validation": 0, "shuffle": False},
    )


def test_what_a_run_leaves(client, run):
    assert (run.status, run.reason) == ("succeeded", None)
    metrics = rows(run.metrics)
    assert [row["epoch"] for row in metrics] == [1, 2, 3, 4]
    assert run.results["test_loss"] == metrics[-1]["test_loss"] == run.report()["results"]["test_loss"]
    weights = run.weights()
    assert (
        weights.spec == run.spec
        and sum(np.size(tensor) for tensor in weights.values()) == run.row["model"]["parameters"]
    )
    last = rows(run.predictions())[-1]
    assert last["part"] == "test" and isinstance(last["value_predicted"], float)
    series = [row["value"] for row in rows(client.values("sine"))]
    i = next(i for i, value in enumerate(series) if value == last["value"])
    assert run.predict(series[i - 5 : i])[0][0] == last["value_predicted"]
    assert run.predict([series[:5], series[1:6]]).shape == (2, 1)
    assert [event["type"] for event in run.events()].count("epoch") == 4
    assert client.run(run.id).row == run.row and any(found.id == run.id for found in client.runs(limit=300))
    assert client.check(**run.spec)["spec"] == run.spec


def test_a_name_of_two_parts_is_that_nearer_to_the_top(client):
    spec = client.experiment(patience=9, shuffle=True, schedule="cosine")
    assert spec == {"training": {"patience": 9, "shuffle": True, "schedule": {"type": "cosine"}}}
    inner = client.experiment(schedule={"type": "plateau", "patience": 3}, split={"shuffle": True}, patience=9)
    assert inner["training"] == {"schedule": {"type": "plateau", "patience": 3}, "patience": 9}
    assert inner["data"] == {"split": {"shuffle": True}}


def test_predictions_over_a_data_set(client, run):
    known = run.predict_dataset("sine", name="again").wait(timeout=300, progress=False)
    assert known.spec["kind"] == "prediction" and known.row["spec"]["name"] == "again"
    ours, theirs = rows(known.predictions()), rows(run.predictions())
    assert [row["value_predicted"] for row in ours[: len(theirs)]] == [row["value_predicted"] for row in theirs]
    assert known.report()["metrics"]["test"][0]["rmse"] > 0
    more = run.predict_dataset({"value": [0.1 * i for i in range(9)]}).wait(timeout=300, progress=False)
    assert len(rows(more.predictions())) == 5
    assert {found.id for found in client.runs(kind="prediction")} >= {known.id, more.id}


def test_fork_and_labels(client, run):
    more = run.fork(epochs=2, name="more").wait(timeout=300, progress=False)
    assert more.spec["init_from"] == run.id and more.spec["training"]["epochs"] == 2 and more.spec["name"] == "more"
    assert more.spec["model"] == run.spec["model"] and more.weights().spec == more.spec
    assert run.fork(epochs=1).wait(timeout=300, progress=False).spec["data"] == run.spec["data"]
    more.label(name="called", tags=["of the fork"])
    assert (more.row["spec"]["name"], more.row["spec"]["tags"]) == ("called", ["of the fork"])
    assert [found.id for found in client.runs(tag="of the fork")] == [more.id]
    assert client.run(more.label(notes="words").id).spec["notes"] == "words"
    losses = [found.results["test_loss"] for found in client.runs(dataset="sine", sort="test_loss", limit=3)]
    assert losses == sorted(losses) and len(losses) == 3


@pytest.mark.parametrize(("given", "field", "value", "allowed"), [
    ({"n_qubits": 26}, "n_qubits", "26", "1 to 25"),
    ({"epochs": 0}, "training/epochs", "0", "1 to 100000"),
    ({"precision": "float16"}, "simulation/precision", "'float16'", "'float64', 'float32'"),
    ({"epochs": "many"}, "training/epochs", "'many'", "an integer from 1 to 100000"),
    ({"epocs": 3}, "epocs", "", ""),
])  # fmt: skip
def test_errors_say_field_value_and_range(client, given, field, value, allowed):
    with pytest.raises(qlstm.Invalid) as found:
        client.train(**given)
    assert (found.value.field, found.value.value, found.value.allowed) == (field, value, allowed)
    assert found.value.status == 422 and isinstance(found.value, ValueError)


def test_other_errors(client):
    with pytest.raises(qlstm.NotFound):
        client.run("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    with pytest.raises(qlstm.Invalid, match="did you mean 'epochs'"):
        client.train(epocs=3)
    with pytest.raises(qlstm.Invalid, match="learning_rate"):
        client.train(lr=0.1)
    with pytest.raises(qlstm.QlstmError, match="address of a service"):
        qlstm.Client("localhost:8080")
    failing = client.train(
        layers=[
            {"type": "dense", "units": 1},
            {"type": "quantum", "n_qubits": 1, "encoder": "acos", "ansatz": "basic"},
            {"type": "rnn"},
        ],
        scaling="none",
        data=[9.0 * i for i in range(40)],
    )
    with pytest.raises(qlstm.RunFailed) as found:
        failing.wait(progress=False)
    assert (found.value.run, found.value.reason) == (failing, "nan_loss")


def test_nobody_there():
    with qlstm.serve() as service:
        url = service.url
    with pytest.raises(qlstm.Unreachable):
        qlstm.Client(url, retries=1).version()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_daemon_ends_with_a_program_that_is_killed(end):
    code = "import qlstm, time; s = qlstm.serve(); print(s.url, flush=True); time.sleep(600)"
    environment = {**os.environ, "PYTHONPATH": str(client_service.PACKAGE)}
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    client = qlstm.Client(child.stdout.readline().strip(), retries=0)
    assert client.version()["name"] == "qlstmd"
    child.send_signal(end)
    child.wait(60)
    child.stdout.close()
    deadline = time.monotonic() + 60
    with pytest.raises(qlstm.Unreachable):
        while time.monotonic() < deadline:
            client.version()
            time.sleep(0.02)


def test_a_daemon_that_does_not_start(monkeypatch, tmp_path):
    with pytest.raises(qlstm.QlstmError, match="does not start: .*no-such-option"):
        qlstm.serve("--no-such-option")
    monkeypatch.setenv("QLSTMD", str(tmp_path / "nothing"))
    with pytest.raises(qlstm.QlstmError, match="does not start: .*not found"):
        qlstm.serve()


def test_one_life(client):
    run = client.train(**ENDLESS)
    assert run.pause().row["status"] in ("paused", "running")
    for event in run.events():
        if event.get("to") == "paused":
            break
    assert run.resume().status in ("queued", "running")
    for event in run.events():
        if event["type"] == "epoch":
            break
    run.cancel()
    with pytest.raises(qlstm.RunFailed, match="cancelled"):
        run.wait(progress=False)
    assert run.reason == "user_cancelled"
    assert run.retry().status in ("queued", "running")
    with pytest.raises(TimeoutError):
        run.wait(timeout=0.05, progress=False)
    assert run.cancel().wait(progress=False, check=False).status == "cancelled"
    run.delete()
    with pytest.raises(qlstm.NotFound):
        run.refresh()


def test_made_once_under_one_key(client):
    spec = client.experiment(epochs=1, hidden_size=2)
    first = client.submit(spec, idempotency_key="once")
    assert client.submit(spec, idempotency_key="once").id == first.id != client.submit(spec).id


@pytest.mark.parametrize("data", [
    np.sin(np.arange(60) / 5), np.sin(np.arange(60) / 5).tolist(), (np.arange(60) / 9).reshape(30, 2),
    [[1, 2.5], [2, 0.1]] * 20,
], ids=["array", "list", "two columns", "rows"])  # fmt: skip
def test_arrays_become_data_sets(client, data):
    stored = client.upload(data)
    content = np.load(io.BytesIO(client.download(stored["id"])))
    assert content.tobytes() == np.asarray(data, dtype=float).tobytes() and content.shape == np.shape(data)
    assert client.upload(data)["id"] == stored["id"], "the same numbers are stored once"


def test_weights_of_the_best_epoch(client):
    kept = client.train(type="lstm", hidden_size=3, epochs=40, learning_rate=0.1, keep="best").wait(progress=False)
    assert kept.results["best_epoch"] < 40
    assert kept.weights().content == kept.weights("best").content != kept.weights("last").content


def test_tables_and_files_become_data_sets(client, tmp_path):
    stored = client.upload({"day": [1, 2, 3], "level": [0.1, 1 / 3, 2e-9]}, name="levels")
    assert [column["name"] for column in stored["columns"]] == ["day", "level"] and stored["name"] == "levels"
    assert [row["level"] for row in rows(client.values("levels"))] == [0.1, 1 / 3, 2e-9]
    (tmp_path / "two.csv").write_text("a;b\n1;2,5\n")
    stored = client.upload(tmp_path / "two.csv", "two", separator=";", decimal=",", header=True)
    assert (stored["rows"], stored["name"], [column["numeric"] for column in stored["columns"]]) == (
        1,
        "two",
        [True] * 2,
    )
    with pytest.raises(qlstm.Invalid):
        client.upload(tmp_path / "two.csv", "three", separator="word")
    assert any(found["name"] == "levels" for found in client.datasets())
    client.delete_dataset("levels")
    with pytest.raises(qlstm.NotFound):
        client.dataset("levels")


def test_frames_become_data_sets():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"day": [1, 2], "level": [0.1, 1 / 3]})
    assert encode(frame).content == b"day,level\n1,0.1\n2,0.3333333333333333\n"


def test_rows_with_classes(client):
    X = np.array([[i % 7, (i * 5) % 11, i % 3, i % 2] for i in range(60)], dtype=float)
    data = {"dataset": (X, [i % 3 for i in range(60)]), "task": "classification", "classes": 3, "steps": 2}
    run = client.train(data=data, type="gru", hidden_size=4, epochs=3).wait(progress=False)
    predicted, chances = run.predict(X), run.predict_proba(X)
    assert predicted.shape == (60,) and chances.shape == (60, 3)
    assert (predicted == chances.argmax(axis=1)).all() and np.allclose(chances.sum(axis=1), 1)
    assert [row["column_4_predicted"] for row in rows(run.predictions())] == list(predicted)
    with pytest.raises(qlstm.QlstmError, match="reads 4 inputs"):
        run.predict(X[:, :3])


def test_seeds_and_the_paired_test(client):
    quantum = client.train_seeds(3, epochs=2, hidden_size=3, data="sine").wait(progress=False)
    classical = client.train_seeds([3, 1, 2], epochs=2, type="lstm", hidden_size=3, data="sine").wait(progress=False)
    losses = quantum.by_seed()
    assert sorted(losses) == [1, 2, 3] and len(set(losses.values())) == 3
    assert quantum.mean() == pytest.approx(np.mean(list(losses.values())))
    assert quantum.deviation() == pytest.approx(np.std(list(losses.values()), ddof=1))
    difference = [losses[seed] - classical.by_seed()[seed] for seed in losses]
    found = quantum.compare(classical)
    assert (found.pairs, found.difference) == (3, pytest.approx(np.mean(difference)))
    assert len(rows(quantum.results)) == 3 and 0 < found.p <= 1


@pytest.mark.parametrize(("t", "freedom", "p"), [  # quantiles of printed tables of Student's t
    (12.7062, 1, 0.05), (4.30265, 2, 0.05), (3.18245, 3, 0.05), (2.77645, 4, 0.05), (2.26216, 9, 0.05),
    (3.16927, 10, 0.01), (0, 5, 1),
])  # fmt: skip
def test_students_t(t, freedom, p):
    assert qlstm.seeds.student_p(t, freedom) == pytest.approx(p, rel=1e-4)
    assert qlstm.seeds.student_p(-t, freedom) == qlstm.seeds.student_p(t, freedom)


def test_progress_where_there_is_no_terminal(run):
    out = io.StringIO()
    progress = Progress("first", 4, out)
    for event in run.events():
        progress.say(event)
    lines = out.getvalue().splitlines()
    assert lines[:2] == ["first  queued", "first  running"] and lines[-1] == "first  succeeded"
    assert lines[2].startswith("first  epoch 1/4  train_loss ") and "\r" not in out.getvalue()


def test_what_is_odd_about_the_data_is_said(client, capsys):
    client.train(data=[1.5] * 40, epochs=1, hidden_size=2).wait()
    assert "note: " in capsys.readouterr().err


def test_keys(tmp_path, capsys):
    with qlstm.serve("--require-keys", data=str(tmp_path / "data")) as service:
        command = [os.environ["QLSTMD"], "key", "add", "alice", "--data", str(tmp_path / "data")]
        key = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        for wrong in (None, key[:-1] + ("A" if key[-1] != "A" else "B")):
            with pytest.raises(qlstm.AccessDenied):
                next(qlstm.Client(service.url, key=wrong).runs(), None)
        alice = qlstm.Client(service.url, key=key)
        run = alice.train(epochs=1, hidden_size=2).wait(progress=False)
        assert run.row["owner"] == "alice" and list(run.events())[-1]["to"] == "succeeded"
        assert key not in repr(alice) + repr(run)
        (tmp_path / "key").write_text(key + "\n")
        assert main(["--url", service.url, "--key-file", str(tmp_path / "key"), "ls"]) == 0
        assert run.id in capsys.readouterr().out


def test_https(tmp_path):
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*made, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with qlstm.serve("--tls-certificate", certificate, "--tls-key", key, ca=certificate) as service:
        assert service.url.startswith("https://")
        run = service.train(epochs=1, hidden_size=2).wait(progress=False)
        assert list(run.events())[-1]["to"] == "succeeded"
        with pytest.raises(qlstm.Unreachable, match="(?i)certificate"):
            qlstm.Client(service.url, retries=0).version()


def test_waits_while_the_service_is_drained(tmp_path):
    with qlstm.serve(data=str(tmp_path / "data")) as service:
        service.transport.request("POST", "/drain")
        with pytest.raises(qlstm.Busy):
            qlstm.Client(service.url, retries=0).train(epochs=1)
        refused = threading.Event()
        patient = qlstm.Client(service.url, retries=1000)
        patient.transport.longest_pause = 0.05
        open_once = patient.transport.open

        def noticing(*arguments, **named):
            try:
                return open_once(*arguments, **named)
            except qlstm.Busy:
                refused.set()
                raise

        patient.transport.open = noticing
        made = []
        thread = threading.Thread(target=lambda: made.append(patient.train(epochs=1, hidden_size=2)))
        thread.start()
        assert refused.wait(60)
        service.transport.request("DELETE", "/drain")
        thread.join(60)
        assert made[0].wait(progress=False).status == "succeeded"
        assert len(list(service.runs())) == 1


def test_pages(client):
    for _ in range(3):
        client.train(epochs=1, hidden_size=1, project="pages")
    ids = [run.id for run in client.runs(project="pages")]
    assert len(ids) == 3 and ids == sorted(ids, reverse=True)
    assert [run.id for run in itertools.islice(client.runs(project="pages", limit=2), 5)] == ids[:2]
