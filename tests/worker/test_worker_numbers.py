"""`train` recomputed: order, optimiser, curves, predictions and metrics in numpy alone, from the data and the spec."""

import csv
import hashlib
import json
import math
import time

import numpy as np
import pytest

from qlstm_worker import dump, lines, of_type, read_safetensors, run

ROWS, WINDOW, HORIZON, TRAIN = 30, 3, 2, 0.6
COLUMNS = {
    "t": [float(i) for i in range(ROWS)],
    "small": [math.sin(i) for i in range(ROWS)],
    "large": [1000 * math.cos(0.7 * i) + 5000 for i in range(ROWS)],
}
INPUTS, TARGETS = ["t", "small"], ["small", "large"]
COUNT = ROWS - WINDOW - HORIZON + 1
N_TRAIN = int(TRAIN * COUNT)
INIT, SHUFFLE = 1, 2  # purposes of a stream


# Philox4x32-10, as philox.h describes the streams


def philox_block(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [p1 >> 32 ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, p0 >> 32 ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def words(seed, purpose, stream):
    block = 0
    while True:
        yield from philox_block([block, 0, stream, purpose], [seed & 0xFFFFFFFF, seed >> 32])
        block += 1


def permutation(seed, epoch, n):
    source, order = words(seed, SHUFFLE, epoch), list(range(n))
    for i in range(n, 1, -1):
        while (word := next(source)) < 2**32 % i:
            pass
        order[i - 1], order[word % i] = order[word % i], order[i - 1]
    return order


def test_random_numbers_are_the_published_ones():
    """Random123's kat_vectors."""
    assert philox_block([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def uniform(seed, index, n, scale):
    source = words(seed, INIT, index)
    drawn = [((next(source) >> 5) << 26 | next(source) >> 6) * 2.0**-53 for _ in range(n)]
    return scale * (2 * np.array(drawn) - 1)


# The model: an LSTM of hidden size 2 and a head, on all windows of a batch at once

HIDDEN = 2
SHAPES = {
    "layers.0.weight_ih": (4 * HIDDEN, len(INPUTS)),
    "layers.0.weight_hh": (4 * HIDDEN, HIDDEN),
    "layers.0.bias_ih": (4 * HIDDEN,),
    "layers.0.bias_hh": (4 * HIDDEN,),
    "layers.1.weight": (len(TARGETS), HIDDEN),
    "layers.1.bias": (len(TARGETS),),
}


def initial(seed):
    """1 / sqrt(hidden size) for all of torch.nn.LSTM, 1 / sqrt(inputs) for torch.nn.Linear: the same here."""
    drawn = [uniform(seed, i, math.prod(shape), 1 / math.sqrt(HIDDEN)) for i, shape in enumerate(SHAPES.values())]
    return np.concatenate(drawn)


def tensors(values):
    found, at = {}, 0
    for name, shape in SHAPES.items():
        found[name] = values[at : at + math.prod(shape)].reshape(shape)
        at += math.prod(shape)
    return found


def outputs(values, x):
    """[window][target] of x [window][step][input]."""
    w = tensors(values)
    h = c = np.zeros((len(x), HIDDEN))
    for step in range(x.shape[1]):
        rows = x[:, step] @ w["layers.0.weight_ih"].T + h @ w["layers.0.weight_hh"].T
        i, f, g, o = np.split(rows + w["layers.0.bias_ih"] + w["layers.0.bias_hh"], 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    return h @ w["layers.1.weight"].T + w["layers.1.bias"]


def loss(name, values, x, y):
    off = outputs(values, x) - y
    return float(np.mean(off**2 if name == "mse" else np.abs(off)))


def gradient(name, values, x, y, h=1e-3):
    """By central differences of fourth order."""
    found = np.zeros_like(values)
    for k in range(len(values)):
        at = lambda step: loss(name, values + step * (np.arange(len(values)) == k), x, y)
        found[k] = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    return found


# What the spec asks for


def scaler(scaling, fit, column):
    rows = np.array(COLUMNS[column][: N_TRAIN - 1 + WINDOW + HORIZON] if fit == "train" else COLUMNS[column])
    if scaling == "standard":
        return rows.mean(), rows.std()
    return (rows.max() + rows.min()) / 2, (rows.max() - rows.min()) / 2


def windows(scaling, fit):
    """x [window][step][input] and y [window][target], scaled."""
    scaled = {}
    for column, values in COLUMNS.items():
        offset, factor = scaler(scaling, fit, column)
        scaled[column] = (np.array(values) - offset) / factor
    x = [[[scaled[c][i + t] for c in INPUTS] for t in range(WINDOW)] for i in range(COUNT)]
    y = [[scaled[c][i + WINDOW + HORIZON - 1] for c in TARGETS] for i in range(COUNT)]
    return np.array(x), np.array(y)


def step(config, state, n, values, g):
    """The algorithm boxes of torch.optim.SGD, RMSprop and Adam; n from 1."""
    kind, rate, momentum = config["type"], config["learning_rate"], config.get("momentum", 0)
    g = g + config.get("weight_decay", 0) * values
    if kind == "adam":
        b1, b2 = config["beta1"], config["beta2"]
        state["m"] = b1 * state.get("m", 0) + (1 - b1) * g
        state["v"] = b2 * state.get("v", 0) + (1 - b2) * g * g
        root = np.sqrt(state["v"] / (1 - b2**n)) + config["epsilon"]
        return values - rate * state["m"] / (1 - b1**n) / root
    if kind == "rmsprop":
        state["v"] = config["alpha"] * state.get("v", 0) + (1 - config["alpha"]) * g * g
        g = g / (np.sqrt(state["v"]) + config["epsilon"])
    state["b"] = momentum * state.get("b", 0) + g
    return values - rate * state["b"]


def trained(training, scaling, fit):
    """(history [(train loss, test loss, gradient norm)], final values)"""
    x, y = windows(scaling, fit)
    values, state, history, n = initial(training["seed"]), {}, [], 0
    name, size, clip = training["loss"], training["batch_size"], training.get("clip_norm", 0)
    for epoch in range(1, training["epochs"] + 1):
        order = permutation(training["seed"], epoch, N_TRAIN) if training["shuffle"] else list(range(N_TRAIN))
        losses, norms = [], []
        for first in range(0, N_TRAIN, size):
            batch = order[first : first + size]
            losses.append(loss(name, values, x[batch], y[batch]))
            g = gradient(name, values, x[batch], y[batch])
            norms.append(np.linalg.norm(g))
            if clip and norms[-1] > clip:
                g = g * clip / norms[-1]
            n += 1
            values = step(training["optimizer"], state, n, values, g)
        history.append((np.mean(losses), loss(name, values, x[N_TRAIN:], y[N_TRAIN:]), np.mean(norms)))
    return history, values


RUNS = {
    "sgd": dict(loss="mse", optimizer=dict(type="sgd", learning_rate=0.3, momentum=0.5, weight_decay=0.01)),
    "sgd, clipped, shuffled": dict(loss="mse", optimizer=dict(type="sgd", learning_rate=0.3), clip_norm=0.2, shuffle=True),
    "rmsprop": dict(
        loss="mse",
        optimizer=dict(type="rmsprop", learning_rate=0.01, alpha=0.9, momentum=0.3, epsilon=0.01, weight_decay=0.05),
    ),
    "adam, shuffled": dict(
        loss="mse",
        optimizer=dict(type="adam", learning_rate=0.02, beta1=0.8, beta2=0.95, epsilon=0.01, weight_decay=0.02),
        shuffle=True,
    ),
    "mae": dict(loss="mae", optimizer=dict(type="sgd", learning_rate=0.01)),
    "mae, standard": dict(loss="mae", optimizer=dict(type="sgd", learning_rate=0.01), scaling="standard", fit="all"),
}
SCALING = {"scaling": "minmax", "fit": "train"}


@pytest.fixture(scope="module", params=RUNS)
def finished(request, tmp_path_factory):
    """(what was asked, how scaled, folder, lines, seconds) of a run; batches of 4 leave a last one of 3."""
    folder = tmp_path_factory.mktemp("run")
    training = {"epochs": 4, "batch_size": 4, "seed": 2**33 + 5, "shuffle": False, **RUNS[request.param]}
    scaling = {key: training.pop(key, default) for key, default in SCALING.items()}
    data = {"dataset": "mine", "inputs": INPUTS, "targets": TARGETS, "window": WINDOW, "horizon": HORIZON}
    data |= {"scaling": scaling["scaling"], "scaling_fit": scaling["fit"], "drop_last_window": False}
    data["split"] = {"train": TRAIN}
    spec = {"model": {"layers": [{"type": "lstm", "hidden_size": HIDDEN}]}, "data": data, "training": training}
    with open(folder / "mine.csv", "w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *zip(*COLUMNS.values())])
    begin = time.monotonic()
    done = run("train", dump(folder / "spec.json", spec), "--out", folder, "--data", folder / "mine.csv")
    assert done.returncode == 0, done.stderr
    return training, scaling, folder, lines(done.stdout), time.monotonic() - begin


def test_curves_and_weights(finished):
    training, scaling, folder, said, _ = finished
    history, values = trained(training, **scaling)
    epochs = of_type(said, "epoch")
    assert [line["epoch"] for line in epochs] == [1, 2, 3, 4]
    for line, (train_loss, test_loss, norm) in zip(epochs, history):
        # A step of mae is not smooth where a window's error is zero; none comes near.
        assert line["train_loss"] == pytest.approx(train_loss, rel=1e-7)
        assert line["test_loss"] == pytest.approx(test_loss, rel=1e-7)
        assert line["gradient_norm"] == pytest.approx(norm, rel=1e-6)
    found, _ = read_safetensors(folder / "weights.safetensors")
    assert list(found) == list(SHAPES)
    np.testing.assert_allclose(np.concatenate([found[name].ravel() for name in SHAPES]), values, rtol=0, atol=1e-7)


def predictions(folder):
    with open(folder / "predictions.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_predictions_in_the_units_of_each_target(finished):
    _, scaling, folder, _, _ = finished
    found, _ = read_safetensors(folder / "weights.safetensors")
    x, _ = windows(**scaling)
    expected = outputs(np.concatenate([found[name].ravel() for name in SHAPES]), x)
    rows = predictions(folder)
    assert [row["part"] for row in rows] == ["train"] * N_TRAIN + ["test"] * (COUNT - N_TRAIN)
    assert [int(row["index"]) for row in rows] == list(range(COUNT))
    for k, column in enumerate(TARGETS):
        offset, factor = scaler(scaling["scaling"], scaling["fit"], column)
        predicted = [float(row[f"{column}_predicted"]) for row in rows]
        np.testing.assert_allclose(predicted, expected[:, k] * factor + offset, rtol=0, atol=1e-11 * factor)
        assert [float(row[column]) for row in rows] == COLUMNS[column][WINDOW + HORIZON - 1 :]


def test_metrics_of_each_part_and_target(finished):
    _, _, folder, _, _ = finished
    metrics, rows = json.loads((folder / "report.json").read_text())["metrics"], predictions(folder)
    assert set(metrics) == {"train", "test"}
    for part, found in metrics.items():
        assert [entry["target"] for entry in found] == TARGETS
        for entry in found:
            mine = [row for row in rows if row["part"] == part]
            truth = np.array([float(row[entry["target"]]) for row in mine])
            off = np.array([float(row[entry["target"] + "_predicted"]) for row in mine]) - truth
            first = [i for i, row in enumerate(rows) if row["part"] == part][0]
            known = np.array(COLUMNS[entry["target"]][first + WINDOW - 1 :][: len(truth)])
            steps = np.abs(np.diff(COLUMNS[entry["target"]][: N_TRAIN + WINDOW + HORIZON - 1]))
            assert entry == {
                "target": entry["target"],
                "samples": len(truth),
                "mse": pytest.approx(np.mean(off**2), rel=1e-12),
                "rmse": pytest.approx(np.sqrt(np.mean(off**2)), rel=1e-12),
                "mae": pytest.approx(np.mean(np.abs(off)), rel=1e-12),
                "mape": pytest.approx(100 * np.mean(np.abs(off / truth)), rel=1e-12),
                "smape": pytest.approx(200 * np.mean(np.abs(off) / (np.abs(truth) + np.abs(truth + off))), rel=1e-12),
                "mase": pytest.approx(np.mean(np.abs(off)) / np.mean(steps), rel=1e-12),
                "r2": pytest.approx(1 - np.sum(off**2) / np.sum((truth - truth.mean()) ** 2), rel=1e-9, abs=1e-12),
                "directional_accuracy": np.mean(np.sign(truth + off - known) == np.sign(truth - known)),
            }


def test_baselines_of_each_part_and_target(finished):
    _, _, folder, _, _ = finished
    found = json.loads((folder / "report.json").read_text())["baselines"]
    assert list(found) == ["last_value", "linear"]
    rows = np.arange(COUNT)[:, None] + np.arange(WINDOW)
    x = np.concatenate([np.ones((COUNT, 1)), *(np.array(COLUMNS[column])[rows] for column in INPUTS)], axis=1)
    for k, column in enumerate(TARGETS):
        y = np.array(COLUMNS[column])
        truth, known = y[WINDOW + HORIZON - 1 :], y[WINDOW - 1 : WINDOW - 1 + COUNT]
        line = x @ np.linalg.lstsq(x[:N_TRAIN], truth[:N_TRAIN], rcond=None)[0]
        for part, at in (("train", slice(0, N_TRAIN)), ("test", slice(N_TRAIN, COUNT))):
            for name, values in (("last_value", known), ("linear", line)):
                entry = found[name][part][k]
                assert entry["target"] == column and entry["samples"] == len(truth[at])
                assert entry["rmse"] == pytest.approx(np.sqrt(np.mean((values - truth)[at] ** 2)), rel=1e-6, abs=1e-9)


def test_report_and_its_files(finished):
    training, _, folder, said, wall = finished
    report, done = json.loads((folder / "report.json").read_text()), said[-1]
    epochs = [{key: value for key, value in line.items() if key != "type"} for line in of_type(said, "epoch")]
    assert report["history"] == epochs
    best = min(epochs, key=lambda line: line["test_loss"])
    of_parts = {key: value for key, value in epochs[-1].items() if key.startswith(("train_", "test_"))}
    assert report["results"] == {
        **of_parts,
        "epochs": 4,
        "train_loss": epochs[-1]["train_loss"],
        "test_loss": epochs[-1]["test_loss"],
        "best_epoch": best["epoch"],
        "best_test_loss": best["test_loss"],
        "kept_epoch": 4,
    }
    data = {"dataset": "mine", "rows": ROWS, "train": N_TRAIN, "test": COUNT - N_TRAIN, "completed": 0}
    assert report["data"] == {**data, "sha256": hashlib.sha256((folder / "mine.csv").read_bytes()).hexdigest()}
    assert report["seed"] == training["seed"] and report["resumed_from"] == 0
    count = sum(math.prod(shape) for shape in SHAPES.values())
    assert report["model"] == {"parameters": count, "quantum": 0, "classical": count}
    seconds = report["timings"]
    assert seconds["epochs_seconds"] == pytest.approx(sum(line["seconds"] for line in epochs))
    assert 0 < seconds["epochs_seconds"] <= seconds["train_seconds"] and seconds["threads"] == 1
    assert seconds["load_seconds"] > 0 and seconds["predict_seconds"] > 0
    assert seconds["load_seconds"] + seconds["train_seconds"] + seconds["predict_seconds"] <= wall
    for entry in done["artifacts"]:
        content = (folder / entry["file"]).read_bytes()
        assert entry["bytes"] == len(content) and entry["sha256"] == hashlib.sha256(content).hexdigest()


def test_the_best_epoch_is_not_the_last_where_training_gets_worse(tmp_path):
    """Steps that are too large: the test loss goes down, then up."""
    training = {"epochs": 12, "optimizer": {"type": "rmsprop", "learning_rate": 0.3}, "batch_size": 40}
    spec = dump(tmp_path / "spec.json", {"type": "lstm", "hidden_size": 3, "training": training})
    done = run("train", spec, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    losses = [line["test_loss"] for line in of_type(lines(done.stdout), "epoch")]
    results = json.loads((tmp_path / "report.json").read_text())["results"]
    assert results["best_epoch"] == 1 + losses.index(min(losses)) and results["best_test_loss"] == min(losses)
    assert 1 < results["best_epoch"] < 12, "the data do not test what they should"
