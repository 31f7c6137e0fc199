"""`train` from a spec to its artifacts, `describe` and `init`."""

import csv
import hashlib
import json
import math
import os
import pathlib
import resource

import numpy as np
import pytest

import oracle
from qlstm_worker import PATIENCE, ROOT, answer, dump, lines, of_type, problem, read_safetensors, run, start

RECIPES = sorted(path for path in (ROOT / "schema" / "recipes").glob("*.json")
                 if not any(word in path.name for word in ("mnist", "qrnn_text", "pos_", "imdb_", "_lm_", "translation_")))  # on data that are fetched
QUICK = {"hidden_size": 3, "n_qubits": 2, "training": {"epochs": 3}}


def train(spec, out, *more):
    done = run("train", spec, "--out", out, *more)
    assert done.returncode == 0, done.stderr
    return lines(done.stdout)


def failure(spec, out, *more):
    """(reason, message) of a run that must fail; standard error says the same."""
    done = run("train", spec, "--out", out, *more)
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    last = lines(done.stdout)[-1]
    assert last["type"] == "error" and last["message"] in done.stderr
    return last["reason"], last["message"]


def predictions(out):
    with open(out / "predictions.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipes_run_and_their_artifacts_are_whole(tmp_path, recipe):
    spec = json.loads(recipe.read_text())
    spec["training"]["epochs"] = 2
    said = train(dump(tmp_path / "spec.json", spec), tmp_path / "out", "--checkpoint-seconds", "86400")
    assert [line["type"] for line in said if line["type"] not in ("heartbeat", "log")] == [
        "hello", "epoch", "epoch", "done"]
    hello = said[0]
    assert hello["epoch"] == 0 and hello["pid"] > 0 and hello["version"] and hello["plan"] and hello["isa"]
    artifacts = {entry["name"]: entry for entry in said[-1]["artifacts"]}
    best = {"weights_best"} & set(artifacts)  # where the last epoch is not the best one
    assert set(artifacts) == {"weights", "predictions", "report", "tensorboard", "state"} | best
    for entry in artifacts.values():
        data = (tmp_path / "out" / entry["file"]).read_bytes()
        assert len(data) == entry["bytes"] and hashlib.sha256(data).hexdigest() == entry["sha256"]
    tensors, meta = read_safetensors(tmp_path / "out" / "weights.safetensors")
    assert sum(value.size for value in tensors.values()) == hello["parameters"]
    assert json.loads(meta["spec"]) == json.loads((tmp_path / "out" / "resolved-spec.json").read_text())
    assert sorted(os.listdir(tmp_path / "out")) == sorted(
        {"events.out.tfevents.qlstm", "predictions.csv", "report.json", "resolved-spec.json", "state.safetensors",
         "weights.safetensors"}
        | {artifacts[name]["file"] for name in best})


def test_metadata_of_the_weights(tmp_path):
    said = train(dump(tmp_path / "spec.json", QUICK), tmp_path / "out")
    _, meta = read_safetensors(tmp_path / "out" / "weights.safetensors")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert meta["seed"] == "1" and meta["engine"] == said[0]["version"]
    assert meta["plan"] == said[0]["plan"] and meta["isa"] == said[0]["isa"]
    assert meta["arithmetic"] == str(report["engine"]["arithmetic"])
    assert report["engine"]["arithmetic_before"] == ""
    assert meta["data_sha256"] == report["data"]["sha256"] and len(meta["data_sha256"]) == 64
    assert "most significant" in meta["conventions"] and "float64" in meta["format"]


def test_report_tells_what_the_lines_told(tmp_path):
    said = train(dump(tmp_path / "spec.json", QUICK), tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    epochs = [{k: v for k, v in line.items() if k != "type"} for line in of_type(said, "epoch")]
    assert report["history"] == epochs
    assert report["results"]["train_loss"] == epochs[-1]["train_loss"]
    assert report["results"]["best_test_loss"] == min(line["test_loss"] for line in epochs)
    assert report["model"]["parameters"] == said[0]["parameters"]
    assert (report["data"]["rows"], report["data"]["train"], report["data"]["test"]) == (240, 157, 78)


def test_predictions_are_the_weights_applied_to_the_data(tmp_path):
    """From weights.safetensors alone the oracle gives predictions.csv, scaled back, and the reported test loss."""
    train(dump(tmp_path / "spec.json", QUICK), tmp_path / "out")
    tensors, meta = read_safetensors(tmp_path / "out" / "weights.safetensors")
    layers = json.loads(meta["spec"])["model"]["layers"]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    rows = predictions(tmp_path / "out")
    truth = np.array([float(row["value"]) for row in rows])
    assert [int(row["index"]) for row in rows] == list(range(235))
    assert [row["part"] for row in rows] == ["train"] * 157 + ["test"] * 78
    # Window i reads the four truths before it; min-max over the rows that training windows touch, 0 .. 160.
    series = np.concatenate([[3.0, 2.8614939197, 2.5369966724], [np.nan], truth])
    low, high = np.nanmin(series[:161]), np.nanmax(series[:161])
    scaled = 2 * (series - low) / (high - low) - 1
    found = np.array([float(row["value_predicted"]) for row in rows])
    for i in [4, 100, 156, 157, 234]:
        expected = oracle.model(layers, tensors, scaled[i : i + 4, None])[0]
        assert found[i] == pytest.approx((expected + 1) / 2 * (high - low) + low, abs=1e-9)
    loss = np.mean(((found - truth)[157:] * 2 / (high - low)) ** 2)
    assert report["results"]["test_loss"] == pytest.approx(loss, rel=1e-9)
    assert report["metrics"]["test"][0]["mse"] == pytest.approx(np.mean((found - truth)[157:] ** 2), rel=1e-9)


def test_the_same_run_gives_the_same_bytes(tmp_path):
    spec = dump(tmp_path / "spec.json", {**QUICK, "training": {"epochs": 3, "shuffle": True}})
    train(spec, tmp_path / "a")
    train(tmp_path / "a" / "resolved-spec.json", tmp_path / "b")
    for name in ("weights.safetensors", "predictions.csv", "resolved-spec.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    train(dump(spec, {**QUICK, "training": {"epochs": 3, "shuffle": True, "seed": 2}}), tmp_path / "c")
    same, other = (tmp_path / run / "weights.safetensors" for run in ("a", "c"))
    assert same.read_bytes() != other.read_bytes()


def test_plans_train_alike(tmp_path):
    found = {}
    for plan in ("batch", "reference"):
        spec = dump(tmp_path / "spec.json", {**QUICK, "simulation": {"plan": plan}})
        found[plan] = of_type(train(spec, tmp_path / plan), "epoch")[-1]["test_loss"]
    assert found["batch"] == pytest.approx(found["reference"], rel=1e-8)


def test_float32_trains_alike_but_not_the_same(tmp_path):
    found = {}
    for precision in ("float64", "float32"):
        spec = dump(tmp_path / "spec.json", {**QUICK, "simulation": {"plan": "batch", "precision": precision}})
        found[precision] = of_type(train(spec, tmp_path / precision), "epoch")[-1]["test_loss"]
    assert found["float32"] != found["float64"]
    assert found["float32"] == pytest.approx(found["float64"], rel=1e-3)


# Data from a file

CSV = "day,price,note\n" + "".join(f"{i},{math.sin(i / 3):.6f},x\n" for i in range(60))


def test_data_from_a_file(tmp_path):
    data = tmp_path / "prices.csv"
    data.write_text(CSV)
    spec = {**QUICK, "data": {"dataset": "prices", "inputs": ["day", 1], "targets": ["price"]}}
    train(dump(tmp_path / "spec.json", spec), tmp_path / "out", "--data", data)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["data"]["sha256"] == hashlib.sha256(data.read_bytes()).hexdigest()
    resolved = json.loads((tmp_path / "out" / "resolved-spec.json").read_text())
    assert resolved["data"]["inputs"] == ["day", 1]
    rows = predictions(tmp_path / "out")
    assert [float(row["price"]) for row in rows[:3]] == [float(f"{math.sin(i / 3):.6f}") for i in (4, 5, 6)]


def test_names_of_columns_are_quoted(tmp_path):
    data = tmp_path / "d.csv"
    data.write_text('"a,b","say ""c"""\n' + "".join(f"{i},{i % 7}\n" for i in range(40)))
    spec = {**QUICK, "data": {"dataset": "d", "inputs": [0], "targets": [0, 1], "horizon": 3}}
    train(dump(tmp_path / "spec.json", spec), tmp_path / "out", "--data", data)
    row = predictions(tmp_path / "out")[0]
    assert list(row) == ["part", "index", "a,b", "a,b_predicted", 'say "c"', 'say "c"_predicted', "row"]
    assert float(row["a,b"]) == 4 + 3 - 1


@pytest.mark.parametrize(
    "text, data, part",
    [
        ("", {}, "rows"),
        ("a\n1\n2\n", {}, "/data/window"),
        ("a,b\n" + "1,x\n" * 40, {"inputs": ["b"]}, "column 'b' is not numeric: line 2 holds 'x'"),
        ("t,value\n1,2\n2,\n" + "3,4\n" * 40, {}, "column 'value' has no value in 1 row, first in line 3, which holds ''"),
        ("a\n" + "1\n" * 40, {"inputs": ["c"]}, "no such column"),
        ("a,b\n1,2\n3\n", {}, "line 3"),
    ],
)
def test_data_that_cannot_be_used(tmp_path, text, data, part):
    file = tmp_path / "d.csv"
    file.write_text(text)
    spec = dump(tmp_path / "spec.json", {**QUICK, "data": {"dataset": "d", **data}})
    reason, message = failure(spec, tmp_path / "out", "--data", file)
    assert reason == "invalid_data" and part in message


def test_a_data_set_that_is_not_there(tmp_path):
    spec = dump(tmp_path / "spec.json", {**QUICK, "data": {"dataset": "weather"}})
    reason, message = failure(spec, tmp_path / "out")
    assert reason == "invalid_data"
    for word in ("'weather'", "--data", "damped_shm", "sine", "/data/dataset"):
        assert word in message
    assert failure(spec, tmp_path / "out", "--data", tmp_path / "nothing.csv")[0] == "invalid_data"


def test_a_file_does_not_replace_a_built_in_series(tmp_path):
    data = tmp_path / "d.csv"
    data.write_text(CSV)
    spec = dump(tmp_path / "spec.json", {**QUICK, "data": {"dataset": "sine", "inputs": ["day"], "targets": ["day"]}})
    reason, message = failure(spec, tmp_path / "out", "--data", data)
    assert reason == "invalid_data" and "/data/dataset: 'sine' is a built-in series" in message
    assert problem("plan", spec, "--data", data)["pointer"] == "/data/dataset"


# Runs that fail


def test_nan_loss(tmp_path):
    spec = {**QUICK, "training": {"epochs": 50, "optimizer": {"type": "sgd", "learning_rate": 100}}}
    spec["data"] = {"scaling": "none", "dataset": "d"}
    data = tmp_path / "d.csv"
    data.write_text("value\n" + "".join(f"{(-1) ** i * 1e300}\n" for i in range(60)))
    reason, message = failure(dump(tmp_path / "spec.json", spec), tmp_path / "out", "--data", data)
    assert reason == "nan_loss" and "epoch" in message
    assert not (tmp_path / "out" / "weights.safetensors").exists()


def test_a_spec_that_is_wrong(tmp_path):
    reason, message = failure(dump(tmp_path / "spec.json", {"n_qubits": 99}), tmp_path / "out")
    assert "n_qubits" in message and "25" in message
    (tmp_path / "spec.json").write_text("{,}")
    assert "line 1" in failure(tmp_path / "spec.json", tmp_path / "out")[1]
    assert "spec2" in failure(tmp_path / "spec2.json", tmp_path / "out")[1]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    reason, message = failure(dump(tmp_path / "spec.json", QUICK), tmp_path / "file" / "out")
    assert reason == "internal" and "file" in message


def test_disk_full(tmp_path):
    """A limit on the size of files is answered like a full disk."""
    spec = dump(tmp_path / "spec.json", QUICK)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    process = start("train", spec, "--out", tmp_path / "out", preexec_fn=limit)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and b"weights.safetensors" in stderr
    assert lines(stdout)[-1]["reason"] == "disk_full"
    assert os.listdir(tmp_path / "out") == []


# describe and init


def test_describe(tmp_path):
    spec = {"model": {"variant": "chen2020", "hidden_size": 3, "n_qubits": 4, "depth": 2}}
    reply = answer("describe", dump(tmp_path / "spec.json", spec))
    assert (reply["parameters"], reply["quantum"], reply["classical"]) == (149, 144, 5)
    assert reply["tensors"] == [
        {"name": "layers.0.circuits", "shape": [6, 2, 4, 3], "kind": "quantum", "parameters": 144},
        {"name": "layers.1.weight", "shape": [1, 4], "kind": "classical", "parameters": 4},
        {"name": "layers.1.bias", "shape": [1], "kind": "classical", "parameters": 1},
    ]
    assert reply["bytes"] > 0 and reply["plan"] in ("batch", "reference", "local", "wide")
    assert answer("describe", "-", stdin='{"model": {"type": "lstm"}}')["plan"] == "none"


def test_describe_counts_columns_and_units(tmp_path):
    spec = {"data": {"inputs": ["a", "b"], "targets": ["c", "d", "e"]}, "model": {"type": "lstm", "hidden_size": 2}}
    reply = answer("describe", dump(tmp_path / "spec.json", spec))
    assert (reply["n_inputs"], reply["n_outputs"]) == (2, 3)
    layers = [{"type": "lstm", "hidden_size": 2}, {"type": "dense", "units": 4}]
    assert answer("describe", dump(tmp_path / "spec.json", {"model": {"layers": layers}}))["n_outputs"] == 4


def test_describe_refuses_with_a_pointer(tmp_path):
    layers = [{"type": "qlstm", "variant": "chen2020", "hidden_size": 4, "n_qubits": 4}]
    said = problem("describe", dump(tmp_path / "spec.json", {"model": {"layers": layers}}))
    assert said["pointer"] == "/model/layers/0/n_qubits" and "raise n_qubits" in said["message"]


def test_init_writes_what_training_starts_from(tmp_path):
    """A step of 1e-300 changes no bit of a value that is not zero."""
    spec = {"hidden_size": 3, "n_qubits": 2, "training": {"seed": 5, "epochs": 1}}
    spec["training"]["optimizer"] = {"type": "sgd", "learning_rate": 1e-300}
    dump(tmp_path / "spec.json", spec)
    assert run("init", tmp_path / "spec.json", "--out", tmp_path / "w.safetensors").returncode == 0
    train(tmp_path / "spec.json", tmp_path / "out")
    drawn, meta = read_safetensors(tmp_path / "w.safetensors")
    started, _ = read_safetensors(tmp_path / "out" / "weights.safetensors")
    assert list(drawn) == list(started) and meta["seed"] == "5" and meta["data_sha256"] == ""
    for name, value in drawn.items():
        np.testing.assert_array_equal(value, started[name])
    assert "inputs" not in json.loads(meta["spec"])["data"]


def test_init_weights_evaluate(tmp_path):
    spec = dump(tmp_path / "spec.json", {"hidden_size": 3, "n_qubits": 2})
    run("init", spec, "--out", tmp_path / "w.safetensors")
    inputs = dump(tmp_path / "x.json", [[[0.1], [0.2]]])
    reply = answer("evaluate", spec, "--weights", tmp_path / "w.safetensors", "--inputs", inputs)
    tensors, meta = read_safetensors(tmp_path / "w.safetensors")
    layers = json.loads(meta["spec"])["model"]["layers"]
    expected = oracle.model(layers, tensors, np.array([[0.1], [0.2]]))
    np.testing.assert_allclose(reply["outputs"][0], expected, rtol=0, atol=1e-12)


def test_init_beside_where_it_runs(tmp_path):
    process = start("init", dump(tmp_path / "spec.json", QUICK), "--out", "w.safetensors", cwd=tmp_path)
    assert process.communicate(timeout=60) == (b"", b"") and process.returncode == 0
    assert read_safetensors(tmp_path / "w.safetensors")[0]


def test_init_into_a_folder_that_is_not_there(tmp_path):
    spec = dump(tmp_path / "spec.json", QUICK)
    assert problem("init", spec, "--out", tmp_path / "no" / "w.safetensors")["code"] == "not_found"


def test_threads_change_no_byte(tmp_path):
    spec = json.loads((ROOT / "schema" / "recipes" / "damped_shm_chen2020.json").read_text())
    spec["training"].update(epochs=3, batch_size=157)
    spec["model"]["layers"][0].update(depth=8)
    path, weights = dump(tmp_path / "spec.json", spec), []
    for threads in ["1", "2", "3"]:
        train(path, tmp_path / threads, "--threads", threads)
        weights.append((tmp_path / threads / "weights.safetensors").read_bytes())
        report = json.loads((tmp_path / threads / "report.json").read_text())
        assert report["timings"]["threads"] == int(threads)
    assert weights[0] == weights[1] == weights[2]


DROPPING = {
    "model": {"layers": [
        {"type": "dropout", "p": 0.2}, {"type": "gru", "hidden_size": 60, "bidirectional": True},
        {"type": "activation", "function": "gelu"}, {"type": "dropout", "p": 0.4}, {"type": "rnn", "hidden_size": 20},
        {"type": "dropout"},
    ]},
    "training": {"epochs": 4, "batch_size": 150, "shuffle": True},
}  # fmt: skip


def test_threads_change_no_byte_of_dropout(tmp_path):
    path = dump(tmp_path / "spec.json", DROPPING)
    weights = set()
    for threads in range(1, 6):
        train(path, tmp_path / str(threads), "--threads", threads)
        weights.add((tmp_path / str(threads) / "weights.safetensors").read_bytes())
    assert len(weights) == 1


def test_dropout_is_resumed_exactly(tmp_path):
    """A checkpoint after each epoch; the run is taken up from the second, with another number of threads."""
    path = dump(tmp_path / "spec.json", DROPPING)
    said = train(path, tmp_path / "whole", "--checkpoint-seconds", "0")
    checkpoints = {line["epoch"]: line["file"] for line in of_type(said, "checkpoint")}
    resumed = train(path, tmp_path / "resumed", "--resume", tmp_path / "whole" / checkpoints[2], "--threads", "2")
    assert [line["epoch"] for line in of_type(resumed, "epoch")] == [3, 4]
    for name in ("weights.safetensors", "predictions.csv"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "resumed" / name).read_bytes()


def test_dropout_is_for_training_alone(tmp_path):
    """Predictions are the oracle's without dropout; the training itself is another one."""
    layers = [{"type": "gru", "hidden_size": 4}, {"type": "dropout", "p": 0.5}, {"type": "dense"}]
    outputs = {}
    for name, p in [("with", 0.5), ("without", 0)]:
        layers[1]["p"] = p
        spec = {"model": {"layers": layers}, "training": {"epochs": 2}, "data": {"scaling": "none"}}
        train(dump(tmp_path / "spec.json", spec), tmp_path / name)
        resolved = json.loads((tmp_path / name / "resolved-spec.json").read_text())["model"]["layers"]
        tensors, _ = read_safetensors(tmp_path / name / "weights.safetensors")
        rows = predictions(tmp_path / name)
        outputs[name] = [float(row["value_predicted"]) for row in rows]
        truth = [float(row["value"]) for row in rows]
        for i in (0, 10, 150):
            window = np.array(truth[i : i + 4]).reshape(4, 1)
            expected = oracle.model(resolved, tensors, window)
            assert outputs[name][i + 4] == pytest.approx(expected[0], abs=1e-12)
    assert outputs["with"] != outputs["without"]


@pytest.mark.parametrize("threads", ["0", "-1", "1.5", "many", "1000"])
def test_threads_that_cannot_be(tmp_path, threads):
    done = run("train", dump(tmp_path / "spec.json", QUICK), "--out", tmp_path / "out", "--threads", threads)
    assert done.returncode != 0 and "threads" in done.stderr


def test_a_checkpoint_of_before_there_were_tasks(tmp_path):
    """Of a spec without data.task, in the fingerprint of programs that knew none: a field that is new and stands at its
    default is no other experiment."""
    folder = pathlib.Path(__file__).with_name("before_tasks")
    spec = folder / "spec.json"
    old = ("--resume", folder / "checkpoint.safetensors", "--any-arithmetic")
    resumed = train(spec, tmp_path / "resumed", *old)
    assert resumed[0]["epoch"] == 3 and [line["epoch"] for line in of_type(resumed, "epoch")] == [4]
    train(spec, tmp_path / "whole")
    weights, expected = (read_safetensors(tmp_path / name / "weights.safetensors")[0] for name in ("resumed", "whole"))
    assert weights.keys() == expected.keys()
    for name, values in expected.items():  # its first three epochs were of another arithmetic
        np.testing.assert_allclose(weights[name], values, rtol=1e-9, atol=1e-12)
    other = json.loads(spec.read_text())
    other["data"]["task"] = "regression"
    other["data"].pop("window")
    message = failure(dump(tmp_path / "other.json", other), tmp_path / "out", *old)
    assert message[0] == "invalid_data"


def test_weights_to_start_from(tmp_path):
    """Plain gradient descent: two epochs, and two more from their weights, are four."""
    sgd = {"training": {"epochs": 2, "optimizer": {"type": "sgd", "learning_rate": 0.05}}}
    first = dump(tmp_path / "first.json", {**QUICK, **sgd})
    train(first, tmp_path / "first")
    named = dump(tmp_path / "named.json", {**QUICK, **sgd, "init_from": "mine"})
    assert "say where its weights are by --init" in failure(named, tmp_path / "no")[1]
    train(named, tmp_path / "second", "--init", tmp_path / "first" / "weights.safetensors")
    whole = dump(tmp_path / "whole.json", {**QUICK, "training": {**sgd["training"], "epochs": 4}})
    train(whole, tmp_path / "whole")
    tensors = [read_safetensors(tmp_path / out / "weights.safetensors")[0] for out in ("second", "whole")]
    assert tensors[0].keys() == tensors[1].keys()
    for name in tensors[0]:
        np.testing.assert_array_equal(tensors[0][name], tensors[1][name])
    other = dump(tmp_path / "other.json", {"type": "lstm", "hidden_size": 2, "training": {"epochs": 1}})
    said = failure(other, tmp_path / "no", "--init", tmp_path / "first" / "weights.safetensors")
    assert "the weights to start from: " in said[1]
