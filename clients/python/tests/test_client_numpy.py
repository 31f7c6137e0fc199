"""A trained run as a NumPy function: what the service predicts, to 1e-10, for every layer, variant and ansatz."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import models
import numpy as np
import pytest

import qlstm.numpy


@pytest.fixture(scope="module")
def runs(client):
    return models.train_all(client)


@pytest.mark.parametrize("name", [*models.layers_of(), "classes", "embedding", "several columns"])
def test_same_as_the_service(runs, name):
    run = runs[name]
    inputs = models.inputs_of(run)
    theirs = models.service_says(run, inputs)
    assert np.isfinite(theirs).all() and np.ptp(theirs, axis=0).max() > 0
    np.testing.assert_allclose(qlstm.numpy.Model(run.weights())(inputs), theirs, rtol=1e-10, atol=1e-10)


SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "numpy/predict.py"


@pytest.fixture(scope="module")
def script():
    module = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location("predict", SCRIPT))
    spec.loader.exec_module(module)
    return module


SCRIPTED = [name for name in models.layers_of() if not name.startswith("hybrid")]


@pytest.mark.parametrize("name", [*SCRIPTED, "classes", "embedding", "several columns"])
def test_the_script_says_the_same(runs, name, script, tmp_path):
    """clients/numpy/predict.py, which knows nothing of this package."""
    run, path = runs[name], tmp_path / "weights.safetensors"
    inputs = models.inputs_of(run)
    run.weights().save(path)
    np.testing.assert_allclose(script.predict(path, inputs), models.service_says(run, inputs), rtol=1e-10, atol=1e-10)


def test_the_script_from_the_shell(runs, tmp_path):
    path, inputs = tmp_path / "weights.safetensors", models.inputs_of(runs["qdi"])
    runs["qdi"].weights().save(path)
    done = subprocess.run(
        [sys.executable, SCRIPT, path, json.dumps(inputs)], capture_output=True, text=True, check=True
    )
    np.testing.assert_allclose(json.loads(done.stdout), runs["qdi"].predict(inputs), rtol=1e-10, atol=1e-10)
    assert len(SCRIPT.read_text().splitlines()) <= 150


CHOICES = ["variant", "ansatz", "encoder", "function", "nonlinearity", "measurement", "entangling"]
CHOICES += ["rotations", "entangler", "readouts", "controller", "squash", "initial_state"]
BY_THE_SERVICE_ALONE = {"qrnn", "attention", "decoder"}


def test_models_have_every_choice_of_the_schema(client, runs):
    """A new layer, variant, ansatz, ... is either computed here too or refused with a word."""
    layers = [layer for run in runs.values() for layer in run.spec["model"]["layers"]]
    schema = client.schema().schema
    for kind in (schema["$defs"][entry["$ref"].rsplit("/", 1)[1]] for entry in schema["$defs"]["layer"]["oneOf"]):
        name = kind["properties"]["type"]["const"]
        assert (name in qlstm.weights.COMPUTED) != (name in BY_THE_SERVICE_ALONE)
        # What is said of a user's circuit has become its text.
        for field in CHOICES if name in qlstm.weights.COMPUTED - {"circuit"} else []:
            seen = {layer[field] for layer in layers if layer["type"] == name and field in layer}
            assert seen >= set(kind["properties"].get(field, {}).get("enum", [])), f"{field} of {name}"


def test_other_layers_are_refused(runs):
    content = runs["qdi"].weights().content.replace(b'\\"type\\":\\"qlstm\\"', b'\\"type\\":\\"other\\"')
    with pytest.raises(qlstm.QlstmError, match="layers of type other are computed by the service alone"):
        qlstm.numpy.Model(content)


def test_from_a_file_alone(runs, tmp_path):
    run = runs["qdi"]
    run.weights().save(tmp_path / "weights.safetensors")
    model = qlstm.numpy.Model(tmp_path / "weights.safetensors")
    np.testing.assert_allclose(model(models.inputs_of(run)), run.predict(models.inputs_of(run)), rtol=1e-10, atol=1e-10)


def test_short_enough_to_be_read():
    assert len(pathlib.Path(qlstm.numpy.__file__).read_text().splitlines()) <= 200
