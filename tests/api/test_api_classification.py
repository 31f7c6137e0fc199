"""Rows as samples: digits of 8 x 8 pixels as sequences of 8 steps, from POST to accuracies; regression; refusals."""
import csv
import gzip
import io
import json
import pathlib
import threading

import numpy as np
import pytest

from api_daemon import Daemon, read_safetensors

DIGITS = pathlib.Path(__file__).with_name("digits_500.csv")
PIXELS, STEPS, CLASSES = 64, 8, 10
TASK = {"task": "classification", "steps": STEPS, "classes": CLASSES}
TRAINING = {"epochs": 12, "batch_size": 10, "shuffle": True, "optimizer": {"type": "adam", "learning_rate": 0.01}}


@pytest.fixture(scope="module")
def digits(daemon):
    upload = daemon.post("/datasets?name=digits", DIGITS.read_bytes(), headers={"Content-Type": "text/csv"})
    assert upload.status_code in (200, 201), upload.text
    return "digits"


def table():
    return np.loadtxt(DIGITS, delimiter=",")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_logits(weights, x):
    """torch.nn.LSTM's equations and a linear map of the last step; x [samples][steps][features]."""
    hidden = weights["layers.0.weight_hh"].shape[1]
    h, c = np.zeros((len(x), hidden)), np.zeros((len(x), hidden))
    for t in range(x.shape[1]):
        a = (x[:, t] @ weights["layers.0.weight_ih"].T + weights["layers.0.bias_ih"]
             + h @ weights["layers.0.weight_hh"].T + weights["layers.0.bias_hh"])
        i, f, g, o = np.split(a, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return h @ weights["layers.1.weight"].T + weights["layers.1.bias"]


def scaled(pixels, n_train):
    """minmax to [-1, 1] on the training part; a constant column is moved to 0."""
    low, high = pixels[:n_train].min(axis=0), pixels[:n_train].max(axis=0)
    return (pixels - (low + high) / 2) / np.where(high > low, (high - low) / 2, 1)


def predictions(daemon, row):
    return list(csv.DictReader(io.StringIO(daemon.get(row["links"]["predictions"]).text)))


def test_digits(daemon, digits):
    row = daemon.train({"data": {"dataset": digits, **TASK}, "training": TRAINING,
                        "model": {"layers": [{"type": "lstm", "hidden_size": 16}]}})
    data = row["spec"]["data"]
    assert data["inputs"] == [f"column_{k}" for k in range(PIXELS)] and data["targets"] == ["column_64"]
    assert data["steps"] == STEPS and data["classes"] == CLASSES
    assert not {"window", "horizon", "drop_last_window"} & set(data)
    assert row["spec"]["training"]["loss"] == "cross_entropy"
    assert row["spec"]["model"]["layers"][-1] == {"type": "dense", "units": CLASSES, "bias": True}
    assert row["data"]["train"] == 335 and row["data"]["test"] == 165

    metrics = daemon.get(row["links"]["metrics"]).json()["metrics"]
    assert list(metrics[0]) == ["epoch", "train_loss", "test_loss", "gradient_norm", "train_accuracy", "test_accuracy",
                                "seconds"]
    assert metrics[0]["train_loss"] < 1.2 * np.log(CLASSES) and metrics[-1]["test_accuracy"] > 0.7
    assert row["results"]["test_accuracy"] == metrics[-1]["test_accuracy"]
    assert row["results"]["train_accuracy"] == metrics[-1]["train_accuracy"]
    header, first = daemon.get(row["links"]["metrics"], params={"format": "csv"}).text.split("\n")[:2]
    assert header == "epoch,train_loss,test_loss,gradient_norm,train_accuracy,test_accuracy,seconds"
    assert float(first.split(",")[5]) == metrics[0]["test_accuracy"]
    epochs = [event for event in daemon.get(row["links"]["events"]).json()["events"] if event["type"] == "epoch"]
    assert [{name: event[name] for name in metrics[0]} for event in epochs] == metrics
    stream = daemon.get(row["links"]["events"], headers={"Accept": "text/event-stream"}).text
    told = [json.loads(line[6:]) for line in stream.split("\n") if line.startswith("data: {")]
    assert [event["test_accuracy"] for event in told if event.get("type") == "epoch"] == [
        line["test_accuracy"] for line in metrics]

    # What the weights say of the raw values, by NumPy.
    raw = table()
    weights = {name: np.array(values).reshape(shape) for name, (shape, values) in
               read_safetensors(daemon.get(row["links"]["weights"]).content)[0].items()}
    logits = lstm_logits(weights, scaled(raw[:, :PIXELS], 335).reshape(-1, STEPS, PIXELS // STEPS))
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    lines = predictions(daemon, row)
    assert [line["part"] for line in lines] == ["train"] * 335 + ["test"] * 165
    found = np.array([[float(line[f"column_64_probability_{k}"]) for k in range(CLASSES)] for line in lines])
    assert np.abs(found - shares).max() < 1e-12
    predicted = np.array([int(line["column_64_predicted"]) for line in lines])
    truth = np.array([int(line["column_64"]) for line in lines])
    assert (truth == raw[:, PIXELS]).all() and (predicted == shares.argmax(axis=1)).all()
    report = daemon.get(row["links"]["report"]).json()
    for part, rows in (("train", slice(0, 335)), ("test", slice(335, None))):
        accuracy = np.mean(predicted[rows] == truth[rows])
        told = report["metrics"][part][0]
        assert told["target"] == "column_64" and told["accuracy"] == pytest.approx(accuracy, abs=1e-15)
        entropy = -np.mean(np.log(shares[rows][np.arange(len(truth[rows])), truth[rows]]))
        assert told["cross_entropy"] == pytest.approx(entropy, rel=1e-10)
        counts = [entry[part] for entry in report["data"]["classes"]]
        assert counts == np.bincount(truth[rows], minlength=CLASSES).tolist()
    assert metrics[-1]["test_accuracy"] == pytest.approx(np.mean(predicted[335:] == truth[335:]), abs=1e-15)
    assert metrics[-1]["test_loss"] == pytest.approx(report["metrics"]["test"][0]["cross_entropy"], rel=1e-12)
    assert report["results"]["test_accuracy"] == metrics[-1]["test_accuracy"]

    again = daemon.train(row["spec"])  # the resolved spec is the same experiment
    assert read_safetensors(daemon.get(again["links"]["weights"]).content)[0] == read_safetensors(
        daemon.get(row["links"]["weights"]).content)[0]


def test_a_quantum_cell(daemon, digits):
    row = daemon.train({
        "data": {"dataset": digits, **TASK}, "training": {**TRAINING, "epochs": 15},
        "model": {"layers": [{"type": "qlstm", "variant": "linear", "hidden_size": 10, "n_qubits": 4}]}})
    assert row["model"]["quantum"] > 0 and row["results"]["test_accuracy"] > 0.3


def test_regression_on_rows(daemon):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 4))
    text = "a,b,c,d,y\n" + "".join(",".join(f"{v:.17g}" for v in [*row, 3 * row.mean() + 7]) + "\n" for row in x)
    daemon.post("/datasets?name=rows", text, headers={"Content-Type": "text/csv"})
    row = daemon.train({"data": {"dataset": "rows", "task": "regression", "steps": 2}, "training": {
        **TRAINING, "epochs": 40}, "model": {"layers": [{"type": "lstm", "hidden_size": 6}]}})
    assert row["spec"]["data"]["inputs"] == ["a", "b", "c", "d"] and row["spec"]["data"]["targets"] == ["y"]
    assert row["spec"]["training"]["loss"] == "mse" and "test_accuracy" not in row["results"]
    report = daemon.get(row["links"]["report"]).json()
    assert report["metrics"]["test"][0]["r2"] > 0.9
    lines = predictions(daemon, row)
    assert float(lines[5]["y"]) == 3 * x[5].mean() + 7 and len(lines) == 200


@pytest.mark.parametrize("data, training, pointer, words", [
    ({"task": "classification"}, {}, "/data/classes", "classes is missing"),
    ({**TASK, "window": 4}, {}, "/data/window", "belongs to task 'forecasting'"),
    ({**TASK, "steps": 7}, {}, "/data/steps", "64 inputs are no multiple"),
    ({**TASK, "inputs": ["column_63", "column_64"], "steps": 2}, {}, "/data/inputs/1", "which is a target"),
    (TASK, {"loss": "mae"}, "/training/loss", "'cross_entropy'"),
    ({"classes": 3}, {}, "/data/classes", "belongs to task 'classification'"),
])
def test_refused_at_once(daemon, digits, data, training, pointer, words):
    reply = daemon.post("/experiments", {"data": {"dataset": digits, **data}, "training": training, "type": "lstm"})
    assert reply.status_code == 422
    error = reply.json()["errors"][0]
    assert error["pointer"] == pointer and words in error["message"], error


@pytest.mark.parametrize("labels, words", [
    ([0, 1, 2, 0, 1, 2], "holds 2 in row 2 (from 0); its classes are the whole numbers from 0 to 1"),
    ([0, 1, 0, 1.5, 1, 0], "holds 1.5 in row 3"),
    ([0, -1, 0, 1, 1, 0], "holds -1 in row 1"),
    ([0, 0, 0, 0, 1, 0], "class 1 of column 'label' is in row 4 (from 0) of the test part, and nowhere in the training part"),
])
def test_labels_that_are_none(daemon, labels, words):
    name = f"labels-{abs(hash(words)) % 10**9}"
    text = "x,label\n" + "".join(f"{k / 7},{label}\n" for k, label in enumerate(labels))
    daemon.post(f"/datasets?name={name}", text, headers={"Content-Type": "text/csv"})
    reply = daemon.post("/experiments", {"data": {"dataset": name, "task": "classification", "classes": 2},
                                         "training": {"epochs": 1}, "type": "lstm"})
    assert reply.status_code == 422
    error = reply.json()["errors"][0]
    assert error["pointer"] == "/data/targets/0" and words in error["message"], error


def peak(pid):
    """The most memory that the process has had, in MiB."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) >> 10


def test_labels_of_many_at_once_take_the_memory_of_one(tmp_path):
    """16 MiB of pixels are 128 MiB of numbers."""
    own = Daemon(tmp_path).start()
    try:
        packed = io.BytesIO()
        np.save(packed, np.zeros((1 << 14, 1024), np.uint8))
        packed = gzip.compress(packed.getvalue(), 1)
        assert own.post("/datasets?name=dark", packed, headers={"Content-Type": "application/gzip"}).status_code == 201
        spec = {"data": {"dataset": "dark", "task": "classification", "classes": 2}, "type": "lstm", "hidden_size": 1}
        statuses = []

        def call():
            statuses.append(own.post("/experiments?validate_only=true", spec).status_code)

        call()
        alone = peak(own.process.pid)
        callers = [threading.Thread(target=call) for _ in range(12)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert statuses == [200] * 13
        assert peak(own.process.pid) < alone + 640  # 12 x 144 more where they do not wait
    finally:
        own.close()
