"""From POST to weights, and everything else one can do with an experiment."""
import csv
import io
import json
import re
import subprocess

import numpy as np
import pytest

from api_daemon import ENDLESS, flatten, poll, problem, read_safetensors

SHORT = {"hidden_size": 2, "n_qubits": 2, "training": {"epochs": 3}}


@pytest.fixture(scope="module")
def trained(daemon):
    return daemon.train({"training": {"epochs": 4}, "project": "trained", "tags": ["a", "b"], "name": "größer"})


def test_create_answers_with_the_queued_resource(daemon):
    reply = daemon.post("/experiments", SHORT)
    assert reply.status_code == 202
    row = reply.json()
    assert re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", row["id"])
    assert reply.headers["Location"] == f"/experiments/{row['id']}" == row["links"]["self"]
    assert reply.headers["Retry-After"] == "1"
    assert reply.headers["Cache-Control"] == "no-store"
    assert row["progress"]["epochs"] == 3
    assert row["spec"]["model"]["layers"][0]["hidden_size"] == 2
    assert row["spec"]["model"]["layers"][-1] == {"type": "dense", "units": 1, "bias": True}
    assert row["data"]["train"] == 157 and row["data"]["test"] == 78 and row["data"]["rows"] == 240
    assert row["model"]["parameters"] == row["model"]["quantum"] + row["model"]["classical"]
    daemon.wait(row["id"])


def test_results_of_a_run(daemon, trained):
    assert trained["status"] == "succeeded" and trained["reason"] is None and trained["attempt"] == 1
    assert trained["progress"] == {"epoch": 4, "epochs": 4, "eta_seconds": None, "queue_position": None}
    history = daemon.get(trained["links"]["metrics"]).json()
    assert history["experiment"] == trained["id"]
    rows = history["metrics"]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert trained["results"]["train_loss"] == rows[-1]["train_loss"]
    assert trained["results"]["test_loss"] == rows[-1]["test_loss"]
    best = min(rows, key=lambda row: row["test_loss"])
    results = trained["results"]
    assert (results["best_epoch"], results["best_test_loss"]) == (best["epoch"], best["test_loss"])
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]


def test_history_as_csv_reads_back_to_the_same_numbers(daemon, trained):
    rows = daemon.get(trained["links"]["metrics"]).json()["metrics"]
    by_query = daemon.get(trained["links"]["metrics"], params={"format": "csv"})
    by_accept = daemon.get(trained["links"]["metrics"], headers={"Accept": "text/csv"})
    assert by_query.headers["Content-Type"].startswith("text/csv")
    assert by_query.text == by_accept.text
    table = list(csv.DictReader(io.StringIO(by_query.text)))
    assert [{key: float(value) for key, value in row.items()} for row in table] == rows


def test_history_after_an_epoch(daemon, trained):
    rows = daemon.get(trained["links"]["metrics"], params={"after": 2}).json()["metrics"]
    assert [row["epoch"] for row in rows] == [3, 4]
    assert daemon.get(trained["links"]["metrics"], params={"after": 4}).json()["metrics"] == []
    problem(daemon.get(trained["links"]["metrics"], params={"after": -1}), 400, "out_of_range")
    problem(daemon.get(trained["links"]["metrics"], params={"format": "xml"}), 400, "invalid")


def test_weights_as_safetensors_and_as_json_are_the_same(daemon, trained):
    binary = daemon.get(trained["links"]["weights"])
    assert binary.status_code == 200
    assert binary.headers["Content-Type"] == "application/octet-stream"
    assert binary.headers["Content-Disposition"] == f'attachment; filename="{trained["id"]}.safetensors"'
    tensors, metadata = read_safetensors(binary.content)
    assert sum(len(values) for _, values in tensors.values()) == trained["model"]["parameters"]
    text = daemon.get(trained["links"]["weights"], params={"format": "json"}).json()
    assert text["metadata"] == metadata
    assert set(text["tensors"]) == set(tensors)
    for name, (shape, values) in tensors.items():
        assert text["tensors"][name]["shape"] == shape
        assert tuple(flatten(text["tensors"][name]["values"])) == values


def test_curl_saves_weights_under_their_name(daemon, trained, tmp_path):
    subprocess.run(["curl", "-sSfOJ", daemon.url + trained["links"]["weights"]], cwd=tmp_path, check=True)
    file = tmp_path / f"{trained['id']}.safetensors"
    assert read_safetensors(file.read_bytes())[0]


def test_predictions_and_report(daemon, trained):
    predictions = daemon.get(trained["links"]["predictions"])
    assert predictions.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(predictions.text)))
    assert [row["part"] for row in rows] == ["train"] * 157 + ["test"] * 78
    assert [int(row["index"]) for row in rows] == list(range(235))
    reply = daemon.get(trained["links"]["report"])
    assert reply.headers["Content-Type"] == "application/json"
    report = reply.json()
    assert report["data"] == {"dataset": "damped_shm", "rows": 240, "train": 157, "test": 78, "completed": 0,
                              "sha256": trained["data"]["sha256"]}
    assert report["model"] == {key: trained["model"][key] for key in ("parameters", "quantum", "classical")}
    assert report["results"] == {**trained["results"], "epochs": 4, "kept_epoch": 4}
    assert report["seed"] == trained["spec"]["training"]["seed"] and report["resumed_from"] == 0
    assert report["history"] == daemon.get(trained["links"]["metrics"]).json()["metrics"]
    for part in ("train", "test"):
        (found,) = report["metrics"][part]
        truth = np.array([float(row["value"]) for row in rows if row["part"] == part])
        off = np.array([float(row["value_predicted"]) for row in rows if row["part"] == part]) - truth
        squares = np.mean(off**2)
        expected = {"mse": squares, "rmse": squares**0.5, "mae": np.mean(np.abs(off)), "r2": 1 - squares / truth.var()}
        assert found["target"] == "value" and found["samples"] == len(truth)
        assert {key: found[key] for key in expected} == pytest.approx(expected, rel=1e-9)
    # A damped oscillation obeys a linear recurrence: two values back say the next one.
    assert report["baselines"]["linear"]["test"][0]["r2"] > 0.999 > report["baselines"]["last_value"]["test"][0]["r2"]


def test_files_have_etag_and_ranges(daemon, trained):
    path = trained["links"]["weights"]
    whole = daemon.get(path)
    etag = whole.headers["ETag"]
    assert "immutable" in whole.headers["Cache-Control"]
    assert daemon.get(path, headers={"If-None-Match": etag}).status_code == 304
    assert daemon.get(path, headers={"If-None-Match": '"other", ' + etag}).status_code == 304
    assert daemon.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    length = len(whole.content)
    for value, first, last in [("bytes=0-7", 0, 7), ("bytes=8-", 8, length - 1), ("bytes=-9", length - 9, length - 1),
                               (f"bytes=5-{length + 100}", 5, length - 1)]:
        part = daemon.get(path, headers={"Range": value})
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{length}"
        assert part.content == whole.content[first:last + 1]
    assert daemon.get(path, headers={"Range": "bytes=0-1,4-5"}).content == whole.content
    assert daemon.get(path, headers={"Range": "bytes=0-7", "If-Range": '"old"'}).content == whole.content
    assert daemon.get(path, headers={"Range": "bytes=0-7", "If-Range": etag}).status_code == 206
    outside = daemon.get(path, headers={"Range": f"bytes={length}-"})
    problem(outside, 416, "range_not_satisfiable")
    assert outside.headers["Content-Range"] == f"bytes */{length}"


def test_head_is_get_without_body(daemon, trained):
    for path in [trained["links"]["self"], trained["links"]["weights"], "/experiments", "/healthz", "/openapi.json"]:
        get, head = daemon.get(path), daemon.request("HEAD", path)
        assert head.status_code == 200 and head.content == b""
        if path != "/healthz":
            assert head.headers["Content-Length"] == str(len(get.content))


def test_etag_of_an_experiment(daemon, trained):
    reply = daemon.get(trained["links"]["self"])
    etag = reply.headers["ETag"]
    again = daemon.get(trained["links"]["self"], headers={"If-None-Match": etag})
    assert again.status_code == 304 and again.content == b"" and again.headers["ETag"] == etag


def test_etag_changes_when_the_experiment_does(daemon):
    """From queued to cancelled: a tag that was given out stands for one state of the resource and no other."""
    experiment = daemon.submit(ENDLESS)
    path, seen = f"/experiments/{experiment}", {}

    def look():
        reply = daemon.get(path)
        tag, row = reply.headers["ETag"], reply.json()
        assert seen.setdefault(tag, row) == row
        return row

    def epochs(row):
        return row["progress"]["epoch"]
    first = poll(lambda: row if epochs(row := look()) > 0 else None, "the first epoch")
    poll(lambda: epochs(look()) > epochs(first), "a further epoch")
    old = next(tag for tag, row in seen.items() if row == first)
    changed = daemon.get(path, headers={"If-None-Match": old})
    assert changed.status_code == 200 and changed.headers["ETag"] != old
    daemon.post(path + "/cancel")
    poll(lambda: look()["terminal"], "the end")
    last = daemon.get(path)
    others = ", ".join(tag for tag in seen if tag != last.headers["ETag"])
    assert daemon.get(path, headers={"If-None-Match": others}).status_code == 200
    assert daemon.get(path, headers={"If-None-Match": last.headers["ETag"]}).status_code == 304
    assert len(seen) >= 4


def test_resolved_spec_posted_again_gives_the_same_weights(daemon, trained):
    again = daemon.train(trained["spec"])
    assert again["spec"] == trained["spec"]
    assert daemon.get(again["links"]["weights"]).content == daemon.get(trained["links"]["weights"]).content


@pytest.mark.parametrize("spec, layer", [
    ({"hidden_size": 4, "n_qubits": 3, "n_qlayers": 2, "depth": 1, "inversward": True, "training": {"epochs": 1}},
     {"type": "qlstm", "hidden_size": 4, "n_qubits": 3, "n_qlayers": 2, "depth": 1, "inversward": True}),
    ({"num_qubits": 2, "hidden_size": 2, "training": {"epochs": 1}}, {"type": "qlstm", "n_qubits": 2}),
    ({"model": {"type": "lstm", "hidden_size": 5}, "training": {"epochs": 1}}, {"type": "lstm", "hidden_size": 5}),
    ({"model": {"layers": [{"type": "qlstm", "variant": "chen2020"}]}, "training": {"epochs": 1}},
     {"variant": "chen2020", "hidden_size": 3, "n_qubits": 4, "depth": 2}),
])
def test_shorthand_and_layers_train(daemon, spec, layer):
    row = daemon.train(spec)
    assert layer.items() <= row["spec"]["model"]["layers"][0].items()


def test_content_types_of_a_request(daemon):
    body = json.dumps(SHORT)
    for kind in ["application/json", "application/json; charset=utf-8", "application/x-www-form-urlencoded", ""]:
        reply = daemon.post("/experiments?validate_only=true", body, headers={"Content-Type": kind})
        assert reply.status_code == 200, (kind, reply.text)
    for kind in ["text/plain", "application/jsonx", "multipart/form-data; boundary=x"]:
        problem(daemon.post("/experiments", body, headers={"Content-Type": kind}), 415, "unsupported_media_type")


def test_validate_only_stores_nothing(daemon):
    before = daemon.get("/experiments", params={"limit": 1}).json()["experiments"][:1]
    reply = daemon.post("/experiments?validate_only=true", {"hidden_size": 6})
    assert reply.status_code == 200 and "Location" not in reply.headers
    body = reply.json()
    assert set(body) == {"spec", "model", "data", "engine"}
    assert body["spec"]["model"]["layers"][0]["hidden_size"] == 6
    after = daemon.get("/experiments", params={"limit": 1}).json()["experiments"][:1]
    assert [row["id"] for row in before] == [row["id"] for row in after]
    problem(daemon.post("/experiments?validate_only=yes", {}), 400, "invalid")
    problem(daemon.post("/experiments?validate_only=true", {"hidden_size": 0}), 422, "out_of_range")


def test_idempotency_key(daemon):
    key = {"Idempotency-Key": "k-1"}
    first = daemon.post("/experiments", SHORT, headers=key)
    again = daemon.post("/experiments", SHORT, headers=key)
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"] and again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    problem(daemon.post("/experiments", ENDLESS, headers=key), 422, "conflict")
    for bad in ["x" * 256, "two words"]:
        problem(daemon.post("/experiments", SHORT, headers={"Idempotency-Key": bad}), 400, "invalid")
    daemon.wait(first.json()["id"])


def test_list_pages_and_filters(make_daemon):
    daemon = make_daemon("--slots", "1")
    assert daemon.get("/experiments").json() == {"experiments": [], "next_cursor": None, "has_more": False}
    blocker = daemon.submit({**ENDLESS, "project": "blocker"})
    daemon.wait(blocker, lambda row: row["status"] == "running")
    made = [daemon.submit({**SHORT, "project": f"p{i % 2}"}) for i in range(5)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = daemon.get("/experiments", params=query).json()
        seen += [row["id"] for row in page["experiments"]]
        cursor = page["next_cursor"]
        assert page["has_more"] == (cursor is not None) and len(page["experiments"]) <= 2
        if cursor is None:
            break
    assert seen == (made[::-1] + [blocker])
    queued = daemon.get("/experiments", params={"status": "queued"}).json()["experiments"]
    assert [row["id"] for row in queued] == made[::-1]
    assert [row["progress"]["queue_position"] for row in queued] == [5, 4, 3, 2, 1]
    assert [row["id"] for row in daemon.get("/experiments?project=p1").json()["experiments"]] == [made[3], made[1]]
    assert daemon.get("/experiments?status=running&project=p1").json()["experiments"] == []
    assert "queued" in problem(daemon.get("/experiments?status=queue"), 400, "invalid")
    assert "1 to 200" in problem(daemon.get("/experiments?limit=201"), 400, "out_of_range")
    problem(daemon.get("/experiments?limit=many"), 400, "wrong_type")
    problem(daemon.get("/experiments?cursor=AAAA"), 400, "invalid")
    assert "'status'" in problem(daemon.get("/experiments?statu=queued"), 400, "unknown_field")
    problem(daemon.get("/experiments?limit=1&limit=2"), 400, "invalid")


def test_cancel(make_daemon):
    daemon = make_daemon("--slots", "1")
    running, queued = daemon.submit(ENDLESS), daemon.submit(ENDLESS)
    row = daemon.wait(running, lambda row: row["progress"]["epoch"] > 0)
    assert row["status"] == "running" and row["progress"]["eta_seconds"] > 0

    reply = daemon.post(f"/experiments/{queued}/cancel")
    assert reply.status_code == 202 and reply.json()["status"] == "cancelled" and reply.json()["terminal"]
    assert reply.json()["reason"] == "user_cancelled"
    assert daemon.post(f"/experiments/{queued}/cancel").status_code == 200

    problem(daemon.request("DELETE", f"/experiments/{running}"), 409, "conflict")
    problem(daemon.get(f"/experiments/{running}/weights"), 409, "conflict")
    reply = daemon.post(f"/experiments/{running}/cancel", b"{}")
    assert reply.status_code == 202 and reply.json()["status"] in ("cancelling", "cancelled")
    row = daemon.wait(running)
    assert row["status"] == "cancelled" and row["reason"] == "user_cancelled" and row["finished_at"]
    assert daemon.get(f"/experiments/{running}/weights").status_code == 200
    assert daemon.get(f"/experiments/{running}/metrics").json()["metrics"]
    problem(daemon.get(f"/experiments/{queued}/weights"), 404, "not_found")

    done = daemon.train(SHORT)
    problem(daemon.post(f"/experiments/{done['id']}/cancel"), 409, "conflict")


def test_delete_removes_row_and_files(daemon):
    row = daemon.train(SHORT)
    folder = daemon.data / "runs" / row["id"]
    assert folder.is_dir()
    reply = daemon.request("DELETE", row["links"]["self"])
    assert reply.status_code == 204 and reply.content == b""
    poll(lambda: not folder.exists(), "files removed")
    for path in [row["links"]["self"], row["links"]["metrics"], row["links"]["weights"]]:
        problem(daemon.get(path), 404, "not_found")
    problem(daemon.request("DELETE", row["links"]["self"]), 404, "not_found")


def test_ids_that_are_none(daemon):
    for path in ["/experiments/x", "/experiments/01ARZ3NDEKTSV4RRFFQ69G5FAU",
                 "/experiments/01ARZ3NDEKTSV4RRFFQ69G5FAV/metrics"]:
        problem(daemon.get(path), 404, "not_found")
    problem(daemon.get("/experiments/..%2f..%2fetc"), 400, "syntax")


def test_restart_keeps_results_and_resumes_the_queue(make_daemon):
    """What was done stays as it was; what ran goes on from its checkpoint, before what waited behind it."""
    daemon = make_daemon("--slots", "1")
    done = daemon.train(SHORT)
    weights = daemon.get(done["links"]["weights"]).content
    spec = {"hidden_size": 6, "training": {"epochs": 1500}}
    running, queued = daemon.submit(spec), daemon.submit(SHORT)
    daemon.wait(running, lambda row: row["progress"]["epoch"] > 0)
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.get(f"/experiments/{done['id']}").json() == done
    assert daemon.get(done["links"]["weights"]).content == weights
    first, second = daemon.wait(running), daemon.wait(queued)
    assert (first["status"], first["attempt"]) == (second["status"], second["attempt"] + 1) == ("succeeded", 2)
    assert 0 < daemon.get(first["links"]["report"]).json()["resumed_from"] < 1500
    assert daemon.get(second["links"]["report"]).json()["resumed_from"] == 0
    assert second["started_at"] >= first["finished_at"]
    history = daemon.get(first["links"]["metrics"]).json()["metrics"]
    assert [row["epoch"] for row in history] == list(range(1, 1501))
    undisturbed = daemon.train(spec)
    expected = [row["train_loss"] for row in daemon.get(undisturbed["links"]["metrics"]).json()["metrics"]]
    assert [row["train_loss"] for row in history] == expected
    tensors = [read_safetensors(daemon.get(row["links"]["weights"]).content)[0] for row in (first, undisturbed)]
    assert tensors[0] == tensors[1]


def test_the_smallest_experiments(daemon):
    """Estimates below 1e-4 seconds, whose text is longer than what a fixed number of digits takes."""
    rows = "".join(f"{i},{10 * i},{100 * i}\n" for i in range(14))
    assert daemon.upload("smallest", "load,t,load\n" + rows).status_code == 201
    for window in range(1, 6):
        for layer in [{"hidden_size": 2}, {"type": "lstm", "hidden_size": 1}]:
            spec = {"data": {"dataset": "smallest", "window": window, "targets": [2]}, "training": {"epochs": 1}, **layer}
            row = daemon.train(spec)
            assert row["engine"]["estimated_seconds"] < 0.01 and row["results"]["train_loss"] >= 0
