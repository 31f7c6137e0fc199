"""Our own side: values through `qlstm-worker circuit` and `evaluate`, times through `qlstm-worker bench`."""
import json
import pathlib
import subprocess
import tempfile

import numpy as np

import cases


def run(*command):
    return subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True, check=True).stdout


def values_of_circuit(worker, case, precision="float64"):
    """By name; gradients are those of the outputs' sum with the case's cotangents."""
    with tempfile.TemporaryDirectory() as folder:
        path = cases.write(pathlib.Path(folder) / "program.json", cases.listing(case))
        reply = json.loads(run(worker, "circuit", path, "--plan", "batch", "--precision", precision, "--gradient"))
    outputs, cotangents = np.array(reply["outputs"]), np.asarray(case["cotangents"])
    d_features = np.einsum("bo,bof->bf", cotangents, np.array(reply["gradient"]["features"]))
    d_weights = np.einsum("bo,bow->w", cotangents, np.array(reply["gradient"]["weights"]))
    return {
        "outputs": outputs,
        "contracted": (outputs * cotangents).sum(axis=1),
        "d_features": d_features,
        "d_weights": d_weights.reshape(np.shape(case["weights"])),
    }


def evaluate(worker, spec, weights, inputs, targets):
    """The reply of `evaluate --gradient`."""
    with tempfile.TemporaryDirectory() as folder:
        parts = {"spec": spec, "weights": weights, "inputs": inputs, "targets": targets}
        paths = {key: cases.write(pathlib.Path(folder) / f"{key}.json", value) for key, value in parts.items()}
        options = [word for key in ("weights", "inputs", "targets") for word in (f"--{key}", paths[key])]
        return json.loads(run(worker, "evaluate", paths["spec"], *options, "--gradient"))


def values_of_step(worker, case):
    """The loss, and the gradient by name of tensor."""
    reply = evaluate(worker, case["spec"], case["weights"], case["inputs"], case["targets"])
    gradients = {key: np.array(value) for key, value in reply["gradient"]["weights"].items()}
    return {"loss": np.array(reply["loss"]), **gradients}


def times(launcher, worker, name, threads):
    """The rows of `bench` for one case: for a circuit first the plain statevector's, then shortcuts'."""
    lines = run(*launcher, worker, "bench", "--json", "--threads", threads, "--case", name).splitlines()
    rows = [row for row in map(json.loads, lines) if row["case"] == name]
    return sorted(rows, key=lambda row: row["plan"] == "local" and row["quantity"] != "training step")
