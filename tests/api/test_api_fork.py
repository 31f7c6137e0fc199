"""Experiments that go on from the weights of others, or from a file of weights."""
import json

import pytest

from api_daemon import ENDLESS, problem, read_safetensors

NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
SGD = {"type": "sgd", "learning_rate": 0.05}


@pytest.fixture(scope="module")
def parent(daemon):
    return daemon.train({"hidden_size": 3, "n_qubits": 3, "name": "parent", "tags": ["a"],
                         "training": {"epochs": 3, "optimizer": SGD}})


def fork(daemon, run, changes=None, **more):
    return daemon.post(f"/experiments/{run['id']}/fork", changes, **more)


def weights(daemon, run):
    return daemon.get(run["links"]["weights"]).content


def tensors(data):
    return read_safetensors(data)[0]


def test_more_epochs(daemon, parent):
    """Plain gradient descent has no state: three epochs and two more are five."""
    reply = fork(daemon, parent, {"training": {"epochs": 2}, "tags": ["more"]})
    assert reply.status_code == 202 and reply.headers["Location"] == f"/experiments/{reply.json()['id']}"
    done = daemon.wait(reply.json()["id"])
    assert done["status"] == "succeeded" and done["name"] == "parent" and done["tags"] == ["more"]
    assert done["spec"]["init_from"] == parent["id"]
    whole = daemon.train({**parent["spec"], "training": {**parent["spec"]["training"], "epochs": 5}})
    assert tensors(weights(daemon, done)) == tensors(weights(daemon, whole))
    report = daemon.get(done["links"]["report"]).json()
    assert len(report["init_sha256"]) == 64 and "init_sha256" not in daemon.get(whole["links"]["report"]).json()
    again = daemon.wait(daemon.submit(done["spec"]))
    assert weights(daemon, again) == weights(daemon, done)
    assert daemon.wait(fork(daemon, done).json()["id"])["spec"]["init_from"] == done["id"]


ADAM = {"type": "adam", "learning_rate": 0.05}


@pytest.fixture(scope="module")
def adam(daemon):
    """With moments that matter: three epochs."""
    return daemon.train({"type": "lstm", "hidden_size": 2, "training": {"epochs": 3, "optimizer": ADAM}})


def resumes(daemon, run, changes, **more):
    reply = fork(daemon, run, changes, **more)
    assert reply.status_code in (200, 202), reply.text
    return reply.json()["spec"]["training"]["optimizer"]["resume"]


def test_the_optimiser_goes_on(daemon, adam):
    """Three epochs and two more are five, with the moments and steps of Adam; without them they are not."""
    whole = daemon.train({**adam["spec"], "training": {**adam["spec"]["training"], "epochs": 5}})
    done = daemon.wait(fork(daemon, adam, {"training": {"epochs": 2}}).json()["id"])
    assert done["spec"]["training"]["optimizer"]["resume"] is True
    assert tensors(weights(daemon, done)) == tensors(weights(daemon, whole))
    anew = {"training": {"epochs": 2, "optimizer": {"resume": False}}}
    fresh = daemon.wait(fork(daemon, adam, anew).json()["id"])
    assert tensors(weights(daemon, fresh)) != tensors(weights(daemon, whole))
    # Another rate and batch, and on from there.
    other = {"training": {"batch_size": 3, "optimizer": {"learning_rate": 0.01}}}
    assert daemon.wait(fork(daemon, done, other).json()["id"])["status"] == "succeeded"


def test_when_the_optimiser_goes_on(daemon, adam):
    preview = {"params": {"validate_only": "true"}}
    assert resumes(daemon, adam, {"training": {"batch_size": 2}}, **preview)
    assert not resumes(daemon, adam, {"training": {"optimizer": {"type": "sgd"}}}, **preview)
    assert not resumes(daemon, adam, {"init_from": None}, **preview)
    best = daemon.train({**adam["spec"], "training": {**adam["spec"]["training"], "keep": "best"}})
    assert not resumes(daemon, best, {}, **preview)
    assert resumes(daemon, best, {"training": {"optimizer": {"resume": True}}}, **preview)


@pytest.mark.parametrize("changes, words", [
    ({"training": {"optimizer": {"type": "sgd", "resume": True}}}, "has the state of adam, not of sgd"),
    ({"init_from": None, "training": {"optimizer": {"resume": True}}}, "init_from names nothing"),
    ({"init_from": "weights alone", "training": {"optimizer": {"resume": True}}}, "has the state of no optimiser"),
])
def test_no_state_to_go_on_with(daemon, adam, changes, words):
    assert daemon.upload("weights alone", weights(daemon, adam), headers={}).status_code in (200, 201)
    said = problem(fork(daemon, adam, changes), 422, "invalid", "/training/optimizer/resume")
    assert words in said


def test_an_uploaded_file(daemon, parent):
    row = daemon.upload("my weights", weights(daemon, parent), headers={}).json()
    assert row["kind"] == "safetensors" and row["rows"] == parent["model"]["parameters"]
    assert daemon.get(row["links"]["content"]).headers["Content-Type"] == "application/x-safetensors"
    changes = {"init_from": "my weights", "training": {"epochs": 1}}
    done = daemon.wait(fork(daemon, parent, changes).json()["id"])
    assert done["spec"]["init_from"] == row["id"]
    other = daemon.wait(fork(daemon, parent, {"training": {"epochs": 1}}).json()["id"])
    assert tensors(weights(daemon, done)) == tensors(weights(daemon, other))
    afresh = daemon.wait(fork(daemon, parent, {"init_from": None, "training": {"epochs": 1}}).json()["id"])
    assert afresh["spec"]["init_from"] == ""
    assert tensors(weights(daemon, afresh)) != tensors(weights(daemon, other))


def test_other_data(daemon, parent):
    preview = fork(daemon, parent, {"data": {"dataset": "sine"}}, params={"validate_only": "true"}).json()
    assert preview["spec"]["data"]["dataset"] == "sine"


@pytest.mark.parametrize("changes, status, code, words", [
    ({"model": {"layers": [{"type": "lstm", "hidden_size": 3}]}}, 422, "invalid", "the weights of init_from do not fit the model"),
    ({"hidden_size": 4}, 422, "unknown_field", "changes are written in its long form"),
    ({"training": {"epochs": -1}}, 422, "out_of_range", "epochs is -1"),
    ({"init_from": NOBODY}, 422, "not_found", "init_from"),
    ({"init_from": "sine"}, 422, "invalid", "weights are a safetensors file"),
    ([], 422, "wrong_type", "the body is no object"),
    (b"{", 400, "syntax", "line 1"),
])
def test_refusals(daemon, parent, changes, status, code, words):
    assert words in problem(fork(daemon, parent, changes), status, code)


def test_what_is_not_there(daemon, parent):
    problem(fork(daemon, {"id": NOBODY}), 404, "not_found")
    running = daemon.submit(ENDLESS)
    assert "has not ended" in problem(fork(daemon, {"id": running}), 409, "conflict")
    daemon.post(f"/experiments/{running}/cancel")
    daemon.wait(running)


def test_who_is_needed_stays(make_daemon):
    daemon = make_daemon("--slots", "1")
    parent = daemon.train({"type": "lstm", "hidden_size": 1, "training": {"epochs": 1}})
    row = daemon.upload("file", weights(daemon, parent), headers={}).json()
    first = daemon.submit(ENDLESS)
    children = [fork(daemon, parent).json()["id"], fork(daemon, parent, {"init_from": "file"}).json()["id"]]
    assert "starts from its weights" in problem(daemon.request("DELETE", f"/experiments/{parent['id']}"), 409, "conflict")
    problem(daemon.request("DELETE", f"/datasets/{row['id']}"), 409, "conflict")
    daemon.post(f"/experiments/{first}/cancel")
    for child in children:
        assert daemon.wait(child)["status"] == "succeeded"
    assert daemon.request("DELETE", f"/experiments/{parent['id']}").status_code == 204
    assert daemon.request("DELETE", f"/datasets/{row['id']}").status_code == 204
    folders = [path.name for path in (daemon.data / "runs").rglob("init.safetensors")]
    assert len(folders) <= 2  # links that the sweep takes once their attempts have ended
    again = daemon.get(f"/experiments/{children[0]}").json()
    assert again["spec"]["init_from"] == parent["id"]
    problem(daemon.post("/experiments", again["spec"]), 422, "not_found", "/init_from")


def test_a_file_that_holds_no_weights(daemon):
    header = json.dumps({"w": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}).encode().ljust(64)
    bad = len(header).to_bytes(8, "little") + header + bytes(8)
    assert "all are F64 or all F32" in problem(daemon.upload("bad weights", bad, headers={}), 422, "invalid")
    cut = (200).to_bytes(8, "little") + b'{"w": '
    assert "does not fit the file" in problem(daemon.upload("bad weights", cut, headers={}), 400, "syntax")
