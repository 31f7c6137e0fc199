"""POST /experiments/{id}/predict: the bits of predictions.csv, refusals with their place, and a predictor that dies."""
import csv
import io
import os
import pathlib
import signal
import threading
import time

import pytest

from api_daemon import ENDLESS, Daemon, poll, problem

SPEC = {"hidden_size": 2, "n_qubits": 2, "training": {"epochs": 2}}


@pytest.fixture(scope="module")
def trained(daemon):
    return daemon.train(SPEC)


def series(daemon, experiment):
    """The values of the built-in series, by its content."""
    text = daemon.get(f"/datasets/{experiment['spec']['data']['dataset']}/content").text
    return [float(row["value"]) for row in csv.DictReader(io.StringIO(text))]


def predictions(daemon, experiment):
    text = daemon.get(f"/experiments/{experiment['id']}/predictions").text
    return [(row["part"], int(row["index"]), float(row["value_predicted"])) for row in csv.DictReader(io.StringIO(text))]


def windows(values, window, indices):
    return [[[value] for value in values[i:i + window]] for i in indices]


def ask(daemon, experiment, inputs):
    return daemon.post(f"/experiments/{experiment['id']}/predict", {"inputs": inputs})


@pytest.mark.parametrize("model", [
    {"type": "qlstm", "hidden_size": 2, "n_qubits": 2}, {"type": "qlstm", "variant": "chen2020", "hidden_size": 2,
                                                         "n_qubits": 3}, {"type": "lstm", "hidden_size": 5},
    {"type": "gru", "hidden_size": 7}, {"type": "rnn", "hidden_size": 3}, {"type": "qgru", "hidden_size": 2}])
def test_the_test_part_to_the_bit(daemon, model):
    done = daemon.train({"model": model, "data": {"scaling": "standard"}, "training": {"epochs": 1}})
    values, window = series(daemon, done), done["spec"]["data"]["window"]
    rows = [(index, predicted) for part, index, predicted in predictions(daemon, done) if part == "test"]
    expected = [[predicted] for _, predicted in rows]
    inputs = windows(values, window, [index for index, _ in rows])
    reply = ask(daemon, done, inputs)
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert body["outputs"] == expected and len(expected) > 50
    assert body["experiment"] == done["id"] and body["targets"] == ["value"]
    assert ask(daemon, done, inputs[:1]).json()["outputs"] == expected[:1]  # however many come together
    assert ask(daemon, done, inputs[3:14]).json()["outputs"] == expected[3:14]


def test_csv_is_cut_as_the_experiment_cut(daemon, trained):
    values, window = series(daemon, trained), trained["spec"]["data"]["window"]
    text = "other,value\n" + "".join(f"x,{value!r}\n" for value in values)
    reply = daemon.request("POST", f"/experiments/{trained['id']}/predict", data=text,
                           headers={"Content-Type": "text/csv"})
    assert reply.status_code == 200, reply.text
    outputs = [row[0] for row in reply.json()["outputs"]]
    known = [predicted for _, _, predicted in predictions(daemon, trained)]
    assert len(outputs) == len(values) - window + 1 and outputs[:len(known)] == known


def test_the_scaling_is_in_the_report(daemon, trained):
    scaling = daemon.get(f"/experiments/{trained['id']}/report").json()["scaling"]
    values = series(daemon, trained)
    assert [column["column"] for column in scaling["inputs"] + scaling["targets"]] == ["value", "value"]
    assert scaling["inputs"][0]["factor"] > 0 and min(values) < scaling["inputs"][0]["offset"] < max(values)


@pytest.mark.parametrize("body, status, code, pointer", [
    ({}, 422, "missing", "/inputs"),
    ([], 422, "wrong_type", ""),
    ({"inputs": []}, 422, "invalid", "/inputs"),
    ({"inputs": 1}, 422, "wrong_type", "/inputs"),
    ({"inputs": [[[1, 2]]]}, 422, "invalid", "/inputs/0/0"),
    ({"inputs": [[[1]], [["x"]]]}, 422, "wrong_type", "/inputs/1/0/0"),
    ({"inputs": [[[1], [2]], [[1]]]}, 422, "invalid", "/inputs/1"),
    ({"inputs": [[[1], [2, 3]]]}, 422, "invalid", "/inputs/0/1"),
    ({"inputs": [[[1]], [[None]]]}, 422, "wrong_type", "/inputs/1/0/0"),
    ({"inputs": [[[[1]]]]}, 422, "wrong_type", "/inputs/0/0/0"),
    ({"inputs": [[[1]]], "extra": 1}, 422, "unknown_field", "/extra"),
    ({"inputs": [[[1]] * (1 << 20), [[1]] * (1 << 20)]}, 422, "too_large", "/inputs"),
])
def test_refused_with_the_place(daemon, trained, body, status, code, pointer):
    problem(daemon.post(f"/experiments/{trained['id']}/predict", body), status, code, pointer)


@pytest.mark.parametrize("text, status, message", [
    ("value\n1\nx\n2\n3\n4\n", 422, "line 3, column 1 ('value'): 'x' is not a number"),
    ("a,b\n1,2\n1,2\n1,2\n1,2\n", 422, "no column 'value'"),
    ("value\n1\n", 422, "1 rows; a window takes 4"),
    ("value\n1,2,3\n", 400, "line 2"),
    ("", 400, ""),
])
def test_csv_refused_with_the_place(daemon, trained, text, status, message):
    reply = daemon.request("POST", f"/experiments/{trained['id']}/predict", data=text,
                           headers={"Content-Type": "text/csv"})
    assert reply.status_code == status and message in reply.json()["detail"], reply.text


def test_other_refusals(daemon, trained):
    path = f"/experiments/{trained['id']}/predict"
    assert daemon.request("POST", path, data="{").status_code == 400
    assert daemon.request("POST", path, data="").status_code == 400
    assert daemon.request("POST", path, data="a", headers={"Content-Type": "image/png"}).status_code == 415
    assert daemon.request("POST", path, data=b"[" + b" " * (17 << 20)).status_code == 413
    problem(daemon.post("/experiments/01ARZ3NDEKTSV4RRFFQ69G5FAV/predict", {"inputs": [[[1]]]}), 404, "not_found")
    long = daemon.submit(ENDLESS)
    daemon.wait(long, lambda row: row["status"] == "running")
    problem(daemon.post(f"/experiments/{long}/predict", {"inputs": [[[1]]]}), 409, "conflict")
    daemon.post(f"/experiments/{long}/cancel")
    daemon.wait(long)
    problem(daemon.post(f"/experiments/{long}/predict", {"inputs": [[[1]]]}), 404, "not_found")


def predictors(pid):
    """Processes of that daemon that predict."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            continue
        if parent == pid and b"predict" in words:
            found.append(int(entry.name))
    return found


@pytest.fixture
def own(tmp_path):
    daemon = Daemon(tmp_path)
    daemon.start()
    yield daemon
    daemon.close()


def test_one_process_for_many_answers_and_another_after_its_death(own):
    done = own.train(SPEC)
    expected = ask(own, done, [[[0.5]] * 4]).json()["outputs"]
    first = predictors(own.process.pid)
    assert len(first) == 1
    for _ in range(20):
        assert ask(own, done, [[[0.5]] * 4]).json()["outputs"] == expected
    assert predictors(own.process.pid) == first
    os.kill(first[0], signal.SIGKILL)
    reply = ask(own, done, [[[0.5]] * 4])
    assert reply.status_code == 200 and reply.json()["outputs"] == expected
    assert first[0] not in predictors(own.process.pid)


def test_killed_in_the_middle(own):
    """Requests meet the death of their process again and again: each is answered, right or with a 5xx, and the daemon
    goes on."""
    done = own.train({"hidden_size": 4, "n_qubits": 6, "depth": 3, "training": {"epochs": 1}})
    inputs = [[[0.01 * i]] * 4 for i in range(400)]
    expected = ask(own, done, inputs).json()["outputs"]
    over, statuses = threading.Event(), []

    def call():
        while not over.is_set():
            reply = ask(own, done, inputs)
            statuses.append(reply.status_code)
            assert reply.status_code >= 500 or reply.json()["outputs"] == expected

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    kills = 0
    while kills < 8:
        for pid in predictors(own.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                pass
        answered = len(statuses)
        poll(lambda: len(statuses) > answered, "another answer")
    over.set()
    for thread in threads:
        thread.join()
    assert ask(own, done, inputs).json()["outputs"] == expected
    assert own.get("/healthz").status_code == 200 and 200 in statuses


def test_a_hundred_at_once_while_training(own):
    """Predictions change nothing of what is trained beside them, and GETs are answered meanwhile."""
    done = own.train(SPEC)
    spec = {**SPEC, "training": {"epochs": 30, "seed": 3}}
    alone = own.get(f"/experiments/{own.train(spec)['id']}/weights").content
    beside = own.submit(spec)
    inputs = [[[0.01 * i]] * 4 for i in range(50)]
    expected, wrong = ask(own, done, inputs).json()["outputs"], []

    def call():
        reply = ask(own, done, inputs)
        if reply.status_code != 200 or reply.json()["outputs"] != expected:
            wrong.append(reply.text)

    threads = [threading.Thread(target=call) for _ in range(100)]
    for thread in threads:
        thread.start()
    assert own.get("/healthz").status_code == 200
    for thread in threads:
        thread.join()
    assert not wrong
    own.wait(beside)
    assert own.get(f"/experiments/{beside}/weights").content == alone


def test_after_a_restart(own):
    done = own.train(SPEC)
    before = ask(own, done, [[[0.25]] * 4]).json()
    pids = predictors(own.process.pid)
    own.process.kill()
    own.process.wait()
    poll(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), "the predictor ends with its daemon")
    own.start()
    assert ask(own, done, [[[0.25]] * 4]).json() == before


def test_a_stop_ends_the_predictors(own):
    done = own.train(SPEC)
    assert ask(own, done, [[[0.25]] * 4]).status_code == 200
    pids = predictors(own.process.pid)
    assert pids
    own.stop()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_predictions_that_hang_leave_threads_for_others(own):
    """More predictions than the pool has threads, and no predictor that answers: reads and writes go on."""
    done = own.train(SPEC)
    over, answered = threading.Event(), []

    def call():
        while not over.is_set():
            answered.append(ask(own, done, [[[0.5]] * 4]).status_code)

    callers = [threading.Thread(target=call) for _ in range(60)]
    for caller in callers:
        caller.start()
    stopped = set()

    def all_stopped():
        for pid in predictors(own.process.pid):
            os.kill(pid, signal.SIGSTOP)
            stopped.add(pid)
        return len(stopped) == 2

    poll(all_stopped, "two predictors, stopped")
    before = []

    def nothing_moves():
        still = before == [len(answered)]
        before[:] = [len(answered)]
        time.sleep(0.3)
        return still

    try:
        poll(nothing_moves, "every caller waits")
        count = len(answered)
        for _ in range(5):
            assert own.get("/healthz").status_code == 200
            assert own.get(f"/experiments/{done['id']}").status_code == 200
        assert len(answered) == count, "the predictions went on: nothing was tried"
        own.train(SPEC)
    finally:
        over.set()
        for pid in predictors(own.process.pid):
            os.kill(pid, signal.SIGCONT)
        for caller in callers:
            caller.join()
    assert ask(own, done, [[[0.5]] * 4]).status_code == 200


@pytest.fixture(scope="module")
def tiny(daemon):
    """Trained on numbers so small that 1e308, scaled as they were, is infinite."""
    text = "v\n" + "".join(f"{1e-4 * ((7 * i) % 11)}\n" for i in range(60))
    assert daemon.upload("tiny", text).status_code == 201
    return daemon.train({**SPEC, "data": {"dataset": "tiny"}})


def test_an_output_that_is_no_number_is_refused(daemon, tiny):
    message = problem(ask(daemon, tiny, [[[1e-4]], [[1e-4]], [[1e308]]]), 422, "invalid", "/inputs/2")
    assert "sample 2" in message
    text = "v\n" + "0.0001\n" * 4 + "1e308\n"
    reply = daemon.request("POST", f"/experiments/{tiny['id']}/predict", data=text, headers={"Content-Type": "text/csv"})
    assert "sample 1" in problem(reply, 422, "invalid", "")
    assert ask(daemon, tiny, [[[1e-4]]]).status_code == 200


def test_weights_that_are_lost_are_a_fault_of_the_service(own):
    done = own.train(SPEC)
    (own.data / "runs" / done["id"]).rename(own.data / "lost")
    message = problem(ask(own, done, [[[0.5]]]), 500, "io")
    assert str(own.data) not in message
    assert problem(own.get(f"/experiments/{done['id']}/weights"), 500, "io") == message
    (own.data / "lost").rename(own.data / "runs" / done["id"])
    assert ask(own, done, [[[0.5]]]).status_code == 200
