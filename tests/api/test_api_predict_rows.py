"""Predictions where each row is a sample: classes with their probabilities, numbers in the units of the data, to the bit
of predictions.csv; the same inputs as JSON and as files of every kind; refusals with their place."""
import csv
import gzip
import io
import pathlib

import numpy as np
import pytest

from api_daemon import problem

DIGITS = pathlib.Path(__file__).with_name("digits_500.csv")
STEPS, CLASSES = 8, 10


def rows_of(daemon, experiment):
    text = daemon.get(f"/experiments/{experiment['id']}/predictions").text
    return list(csv.DictReader(io.StringIO(text)))


def ask(daemon, experiment, inputs):
    return daemon.post(f"/experiments/{experiment['id']}/predict", {"inputs": inputs})


def send(daemon, experiment, body, kind):
    return daemon.post(f"/experiments/{experiment['id']}/predict", body, headers={"Content-Type": kind})


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


@pytest.fixture(scope="module")
def digits(daemon):
    upload = daemon.upload("digits", DIGITS.read_bytes())
    assert upload.status_code in (200, 201), upload.text
    return daemon.train({"data": {"dataset": "digits", "task": "classification", "steps": STEPS, "classes": CLASSES},
                         "model": {"layers": [{"type": "lstm", "hidden_size": 6}]}, "training": {"epochs": 2}})


@pytest.fixture(scope="module")
def pixels():
    return np.loadtxt(DIGITS, delimiter=",")[:, :64]


def test_classes_to_the_bit(daemon, digits, pixels):
    rows = rows_of(daemon, digits)
    expected = [[float(row[f"column_64_probability_{k}"]) for k in range(CLASSES)] for row in rows]
    labels = [[int(row["column_64_predicted"])] for row in rows]
    samples = pixels.reshape(-1, STEPS, 8).tolist()
    body = ask(daemon, digits, samples).json()
    assert list(body) == ["experiment", "weights_sha256", "targets", "outputs", "classes", "probabilities"]
    assert body["targets"] == ["column_64"] and body["classes"] == list(range(CLASSES))
    assert body["probabilities"] == expected and body["outputs"] == labels and len(expected) == 500
    assert len({label for label, in labels}) > 1
    few = ask(daemon, digits, samples[400:403]).json()  # however many come together
    assert few["probabilities"] == expected[400:403] and few["outputs"] == labels[400:403]


@pytest.mark.parametrize("make, kind", [
    (lambda table: DIGITS.read_bytes(), "text/csv"),  # the target's column is not read
    (lambda table: "".join(",".join(map(repr, row)) + "\n" for row in table.tolist()).encode(), "text/plain"),
    (npy, "application/x-npy"),
    (npy, "application/octet-stream"),
    (lambda table: gzip.compress(npy(table.astype("<i2"))), "application/gzip"),
])
def test_files_of_every_kind(daemon, digits, pixels, make, kind):
    expected = ask(daemon, digits, pixels.reshape(-1, STEPS, 8).tolist()).json()
    reply = send(daemon, digits, make(pixels), kind)
    assert reply.status_code == 200, reply.text
    assert reply.json() == expected


@pytest.mark.parametrize("model", [{"type": "qlstm", "hidden_size": 2, "n_qubits": 2}, {"type": "gru", "hidden_size": 3}])
def test_regression_in_the_units_of_the_data(daemon, model):
    lines = [f"{i % 7 * 100},{i * 0.01},{1000 + 3 * i % 50},{i % 11 - 5},{i % 7 + 0.02 * i}" for i in range(90)]
    text = "\n".join(["a,b,far,c,near"] + lines) + "\n"
    assert daemon.upload("curves", text).status_code in (200, 201)
    data = {"dataset": "curves", "task": "regression", "inputs": ["b", "a", "c"], "targets": ["far", "near"],
            "scaling": "standard", "steps": 3}
    done = daemon.train({"model": model, "data": data, "training": {"epochs": 2}})
    expected = [[float(row["far_predicted"]), float(row["near_predicted"])] for row in rows_of(daemon, done)]
    table = list(csv.DictReader(io.StringIO(text)))
    body = ask(daemon, done, [[[float(row[name])] for name in ("b", "a", "c")] for row in table]).json()
    assert body["outputs"] == expected and body["targets"] == ["far", "near"] and "classes" not in body
    assert min(far for far, _ in expected) > 500  # not scaled
    assert send(daemon, done, text, "text/csv").json() == body
    assert [column["column"] for column in daemon.get(f"/experiments/{done['id']}/report").json()["scaling"]["inputs"]
            ] == ["b", "a", "c"]


@pytest.mark.parametrize("inputs, pointer, message", [
    ([[[0] * 8] * 7], "/inputs/0", "7 time steps a sample; the model takes 8"),
    ([[[0] * 64]], "/inputs/0", "1 time steps"),
    ([[[0] * 7] * 8], "/inputs/0/0", "7 features a time step; the model takes 8"),
])
def test_refused_with_the_place(daemon, digits, inputs, pointer, message):
    assert message in problem(ask(daemon, digits, inputs), 422, "invalid", pointer)


@pytest.mark.parametrize("body, kind, status, message", [
    (b"1,2,3\n", "text/csv", 422, "there is no column 'column_3'"),
    (b"1,2,x\n" + b",".join([b"1"] * 64), "text/csv", 400, "line 2"),
    (b"\n".join([b",".join([b"1"] * 64)] * 2 + [b",".join([b"1"] * 63 + [b"x"])]), "text/csv", 422,
     "line 3, column 64 ('column_63'): 'x' is not a number"),
    (npy(np.zeros((2, 3))), "application/x-npy", 422, "there is no column 'column_3'"),
    (npy(np.array([[0.0] * 63 + [np.nan]])), "application/x-npy", 422, "row 0, column 64"),
    (npy(np.zeros((2, 64)))[:300], "application/x-npy", 400, ""),
    (npy(np.zeros((2, 64))), "text/csv", 415, "declared as text/csv"),
    (b"1,2\n", "application/x-npy", 415, "declared as application/x-npy"),
    (npy(np.zeros((20000, 64), "u1")), "application/x-npy", 422, "allowed are 1048576 numbers at once"),
    (gzip.compress(bytes(20 << 20)), "application/gzip", 422, ""),
])
def test_files_refused_with_the_place(daemon, digits, body, kind, status, message):
    reply = send(daemon, digits, body, kind)
    assert reply.status_code == status and message in reply.json()["detail"], reply.text


def test_without_anything(daemon, digits):
    for kind in ("application/json", "text/csv", "application/x-npy"):
        assert send(daemon, digits, b"", kind).status_code == 400
