"""Uploads, built-in series, and experiments on both."""
import hashlib
import math
import struct

import pytest

from api_daemon import ENDLESS, problem

WORDS = ["input", "target", "scored"]
WAVE = "t,value,label\n" + "".join(f"{i},{math.sin(i / 5):.6f},x{i}\n" for i in range(60))


def train_on(daemon, dataset):
    return daemon.train({"hidden_size": 2, "n_qubits": 2, "data": {"dataset": dataset}, "training": {"epochs": 1}})


def test_built_in_series_come_first(daemon):
    rows = daemon.get("/datasets").json()["datasets"]
    names = [row["name"] for row in rows if row["builtin"]]
    assert names == [row["name"] for row in rows][:len(names)] and "damped_shm" in names
    for name in names:
        row = daemon.get(f"/datasets/{name}").json()
        columns = [column["name"] for column in row["columns"]]
        assert row["id"] == name and (columns in (["value"], WORDS) or name.startswith(("copying_", "adding_")))
        lines = daemon.get(row["links"]["content"]).text.splitlines()
        assert lines[0] == ",".join(column["name"] for column in row["columns"]) and len(lines) == row["rows"] + 1
        columns = zip(*(map(float, line.split(",")) for line in lines[1:]))
        values = b"".join(struct.pack(f"<{row['rows']}d", *column) for column in columns)
        assert hashlib.sha256(values).hexdigest() == row["sha256"] and len(values) == row["bytes"]
        problem(daemon.request("DELETE", f"/datasets/{name}"), 409, "conflict")


def test_upload_and_use_by_name_and_id(daemon):
    reply = daemon.upload("wave", WAVE)
    assert reply.status_code == 201
    row = reply.json()
    assert reply.headers["Location"] == f"/datasets/{row['id']}" == row["links"]["self"]
    assert row["sha256"] == hashlib.sha256(WAVE.encode()).hexdigest()
    assert (row["name"], row["rows"], row["bytes"], row["builtin"]) == ("wave", 60, len(WAVE), False)
    number = {"numeric": True, "type": "number", "missing": 0, "constant": False}
    assert row["columns"] == [
        {"name": "t", **number, "minimum": 0.0, "maximum": 59.0},
        {"name": "value", **number, "minimum": pytest.approx(-1, abs=0.01), "maximum": pytest.approx(1, abs=0.01)},
        {"name": "label", "numeric": False, "type": "text", "missing": 0, "bad_line": 2, "bad_text": "x0"}]
    assert daemon.get("/datasets/wave").json() == row == daemon.get(row["links"]["self"]).json()
    assert row in daemon.get("/datasets").json()["datasets"]
    for dataset in ("wave", row["id"]):
        done = train_on(daemon, dataset)
        assert done["spec"]["data"]["dataset"] == row["id"]
        assert done["data"]["dataset"] == "wave" and done["data"]["sha256"] == row["sha256"]
        assert done["spec"]["data"]["inputs"] == ["value"]
    reply = daemon.post("/experiments", {"data": {"dataset": "wave", "inputs": ["label"]}})
    words = "column 'label' is not numeric: line 2 holds 'x0'"
    assert words in problem(reply, 422, "invalid", "/data/inputs/0")
    reply = daemon.post("/experiments", {"data": {"dataset": "wav"}})
    assert "'wave'" in problem(reply, 422, "not_found", "/data/dataset")


@pytest.mark.parametrize("cell", ["", "NaN"])
def test_a_gap_does_not_train_on_another_column(daemon, cell):
    rows = "".join(f"{i},{'' if i != 55 else cell}{'' if i == 55 else i % 7}\n" for i in range(80))
    row = daemon.upload(f"gap {cell}", "time,value\n" + rows).json()
    assert row["columns"][1] == {"name": "value", "numeric": True, "type": "number", "missing": 1, "missing_line": 57,
                                 "missing_text": cell, "minimum": 0, "maximum": 6, "constant": False}
    words = f"column 'value' has no value in 1 row, first in line 57, which holds '{cell}'"
    for data, pointer in (({}, "/data/inputs"), ({"targets": ["value"]}, "/data/targets/0"),
                          ({"inputs": ["time"], "targets": ["value"]}, "/data/targets/0"), ({"inputs": [1]}, "/data/inputs/0")):
        reply = daemon.post("/experiments?validate_only=true", {"data": {"dataset": row["id"], **data}})
        assert words in problem(reply, 422, "invalid", pointer)
    data = {"dataset": row["id"], "inputs": ["time"], "targets": ["time"]}
    assert daemon.post("/experiments?validate_only=true", {"data": data}).status_code == 200


def test_columns_are_named_once(daemon):
    daemon.upload("wave twice", WAVE)
    reply = daemon.post("/experiments", {"data": {"dataset": "wave twice", "inputs": ["t", "value", 0]}})
    assert "'t'" in problem(reply, 422, "invalid", "/data/inputs/2")


def test_data_without_numbers_are_refused(daemon):
    said = problem(daemon.upload("words", "a,b\nx,y\n"), 422, "invalid")
    assert "column 'a' is not numeric: line 2 holds 'x'" in said
    problem(daemon.get("/datasets/words"), 404, "not_found")


def test_content_comes_back_byte_for_byte(daemon):
    text = "a;b\r\n1;2\r\n3;4\r\n"
    row = daemon.upload("semicolons", text).json()
    content = daemon.get(row["links"]["content"])
    assert content.content == text.encode() and content.headers["ETag"] == f'"{row["sha256"]}"'
    assert daemon.get(row["links"]["content"], headers={"Range": "bytes=0-2"}).content == b"a;b"


def test_same_name(daemon):
    first = daemon.upload("twice", "1\n2\n3\n")
    again = daemon.upload("twice", "1\n2\n3\n")
    assert (first.status_code, again.status_code) == (201, 200) and first.json() == again.json()
    problem(daemon.upload("twice", "1\n2\n4\n"), 409, "conflict")
    assert len(list((daemon.data / "datasets").glob(hashlib.sha256(b"1\n2\n4\n").hexdigest() + "*"))) == 0
    other = daemon.upload("thrice", "1\n2\n3\n").json()
    assert other["id"] != first.json()["id"] and other["sha256"] == first.json()["sha256"]
    file = daemon.data / "datasets" / f"{other['sha256']}.csv"
    assert daemon.request("DELETE", f"/datasets/{other['id']}").status_code == 204
    assert file.exists()
    assert daemon.request("DELETE", "/datasets/twice").status_code == 204
    assert not file.exists()
    problem(daemon.get("/datasets/twice"), 404, "not_found")
    problem(daemon.request("DELETE", "/datasets/twice"), 404, "not_found")


@pytest.mark.parametrize("text, words", [
    ("a,b\n1,2\n3\n", "line 3"),
    ('a,b\n1,"2\n', "line 2"),
    ("", ""),
    ("a,b\n", ""),
    ("a\n1\n\0\n", "line 3"),
])
def test_bad_csv_is_refused_whole(daemon, text, words):
    assert words in problem(daemon.upload("bad", text), 400, "syntax")
    problem(daemon.get("/datasets/bad"), 404, "not_found")


@pytest.mark.parametrize("name, code", [
    ("", "out_of_range"), ("x" * 201, "out_of_range"), ("a/b", "invalid"), ("a\nb", "invalid"),
    ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "invalid"), (".", "invalid"), ("..", "invalid"),
])
def test_bad_names(daemon, name, code):
    problem(daemon.upload(name, "1\n2\n"), 400, code)


def test_names_of_columns(daemon):
    message = problem(daemon.upload("escape", 'a,"b\x1b[2J"\n1,2\n'), 422, "invalid")
    assert message == "the name of column 2 holds a control character"
    problem(daemon.upload("escape", 'a,"b\u009b"\n1,2\n'.encode()), 422, "invalid")
    assert daemon.upload("line break", 'a,"Load\n(MW)"\n1,2\n').status_code == 201


def test_name_rules(daemon):
    problem(daemon.post("/datasets", "1\n2\n", headers={"Content-Type": "text/csv"}), 400, "missing")
    problem(daemon.upload("sine", "1\n2\n"), 409, "conflict")
    row = daemon.upload("Größe, gemessen", "1\n2\n")
    assert row.status_code == 201 and row.json()["name"] == "Größe, gemessen"
    assert daemon.get("/datasets/Gr%C3%B6%C3%9Fe%2C%20gemessen").json() == row.json()
    problem(daemon.upload("json", "1\n2\n", headers={"Content-Type": "application/json"}), 415,
            "unsupported_media_type")


def test_name_reused_after_delete_means_other_data(daemon):
    old = daemon.upload("moving", WAVE).json()
    done = train_on(daemon, "moving")
    assert daemon.request("DELETE", "/datasets/moving").status_code == 204
    new = daemon.upload("moving", WAVE.replace("0.0", "0.1")).json()
    assert new["id"] != old["id"]
    problem(daemon.post("/experiments", done["spec"]), 422, "not_found", "/data/dataset")
    assert daemon.get(done["links"]["self"]).json()["data"]["sha256"] == old["sha256"]


def test_data_in_use_cannot_be_deleted(make_daemon):
    daemon = make_daemon("--slots", "1")
    row = daemon.upload("used", WAVE).json()
    experiment = daemon.submit({**ENDLESS, "data": {"dataset": "used"}})
    problem(daemon.request("DELETE", row["links"]["self"]), 409, "conflict")
    daemon.post(f"/experiments/{experiment}/cancel")
    daemon.wait(experiment)
    assert daemon.request("DELETE", row["links"]["self"]).status_code == 204


def test_a_large_upload(daemon):
    text = "value\n" + "0.123456789\n" * 400000
    row = daemon.upload("large", text).json()
    assert row["rows"] == 400000
    assert daemon.get(row["links"]["content"]).text == text
