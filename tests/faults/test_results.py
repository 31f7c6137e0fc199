"""Result files that are gone, cut or have other bytes are never handed out as what they were; small things of the door."""
import os
import pathlib

import pytest

from api_daemon import problem


@pytest.fixture
def trained(make_daemon):
    daemon = make_daemon()
    row = daemon.train({"hidden_size": 1, "n_qubits": 1, "training": {"epochs": 1}})
    (weights,) = pathlib.Path(daemon.data, "runs", row["id"]).glob("attempt-*/weights.safetensors")
    return daemon, f"/experiments/{row['id']}", weights


def test_a_file_that_is_gone(trained):
    daemon, path, file = trained
    assert daemon.get(path + "/weights").status_code == 200
    file.unlink()
    problem(daemon.get(path + "/weights"), 500, "io")
    assert daemon.get(path + "/predictions").status_code == 200


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_file_that_is_cut(trained, seen_before):
    daemon, path, file = trained
    if seen_before:
        assert daemon.get(path + "/weights").status_code == 200
    os.truncate(file, file.stat().st_size - 3)
    problem(daemon.get(path + "/weights"), 500, "corrupt")
    problem(daemon.get(path + "/weights?format=json"), 500, "corrupt")
    problem(daemon.get(path + "/weights", headers={"Range": "bytes=0-9"}), 500, "corrupt")


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_file_with_other_bytes(trained, seen_before):
    """The same size, one bit: never under the old ETag."""
    daemon, path, file = trained
    if seen_before:
        assert daemon.get(path + "/weights").status_code == 200
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "SHA-256" in problem(daemon.get(path + "/weights"), 500, "corrupt")
    problem(daemon.get(path + "/weights?format=json"), 500, "corrupt")
    problem(daemon.post(path + "/predict", {"inputs": [[[0.1]] * 4]}), 500, "corrupt")


def test_the_key_of_a_deleted_experiment(make_daemon):
    daemon = make_daemon()
    key = {"Idempotency-Key": "once"}
    first = daemon.post("/experiments", {"training": {"epochs": 1}}, headers=key)
    assert first.status_code == 202
    daemon.wait(first.json()["id"])
    again = daemon.post("/experiments", {"training": {"epochs": 1}}, headers=key)
    assert again.status_code == 202 and again.headers["Idempotent-Replayed"] == "true"
    assert daemon.request("DELETE", first.headers["Location"]).status_code == 204
    gone = daemon.post("/experiments", {"training": {"epochs": 1}}, headers=key)
    assert "has been deleted" in problem(gone, 404, "not_found")
    assert "Location" not in gone.headers and "Idempotent-Replayed" not in gone.headers


@pytest.mark.parametrize("text", ["+5", "%205", " 5", "5%20", "0x5", "5.0", "--5", "-", "%0a5", "5%0a", "٥"])
def test_integers_are_digits(daemon, text):
    problem(daemon.get(f"/experiments?limit={text}"), 400, "wrong_type")


def test_what_is_not_accepted_is_not_sent(daemon):
    row = daemon.train({"hidden_size": 1, "n_qubits": 1, "training": {"epochs": 1}})
    for accept, kind in [("text/csv", "text/csv"), ("text/csv;q=0", "application/json"),
                         ("text/csv; Q=0.000, application/json", "application/json"),
                         ("text/csv;header=absent;q=0", "application/json"), ("text/csv;q=0.5", "text/csv"),
                         ("text/csv;q=0, text/csv", "text/csv"), ("application/json;q=0, text/csv", "text/csv")]:
        reply = daemon.get(f"/experiments/{row['id']}/metrics", headers={"Accept": accept})
        assert reply.headers["Content-Type"].split(";")[0] == kind, accept
