"""The event file of a run, read back by TensorBoard."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("tensorboard")
RECIPE = pathlib.Path(__file__).resolve().parents[2] / "schema" / "recipes" / "qrnn_simple_seq.json"
# In a process of its own: beside other simulators its protocol buffers may meet theirs.
READER = """
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
read = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0})
read.Reload()
scalars = {tag: [[event.step, event.wall_time, event.value] for event in read.Scalars(tag)]
           for tag in read.Tags()["scalars"]}
texts = {tag: read.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in read.PluginTagToContent("text")}
print(json.dumps([scalars, texts]))
"""


def run(folder, spec):
    """The lines of the epochs; what TensorBoard reads: scalars by tag, each (step, wall time, value), and texts."""
    (folder / "spec.json").write_text(json.dumps(spec))
    out = folder / "out"
    done = subprocess.run([os.environ["QLSTM_WORKER"], "train", folder / "spec.json", "--out", out], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    read = subprocess.run([sys.executable, "-c", READER, out], capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    return [line for line in lines if line["type"] == "epoch"], *json.loads(read.stdout)


def test_scalars_of_words(tmp_path):
    spec = json.loads(RECIPE.read_text())
    spec["training"]["epochs"] = 40
    epochs, scalars, texts = run(tmp_path, spec)
    names = {"train_loss": "loss/train", "test_loss": "loss/validate", "seconds": "time", "gradient_norm": "gradient_norm",
             "train_min_postsel_prob": "min_postsel_prob/train", "test_min_postsel_prob": "min_postsel_prob/validate",
             "train_accuracy": "accuracy/train", "test_accuracy": "accuracy/validate", "train_error_rate": "error_rate/train",
             "test_error_rate": "accuracy/character_error_rate_current"}
    bests = {"loss/validate_best": "test_loss", "accuracy/character_error_rate_best": "test_error_rate"}
    ends = {"hparams/epoch", "hparams/num_parameters", "hparams/validate_best", "hparams/character_error_rate_best"}
    assert set(scalars) >= set(names.values()) | set(bests) | ends
    for name, tag in names.items():
        steps, walls, values = zip(*scalars[tag])
        assert list(steps) == list(range(1, 41))
        assert list(values) == pytest.approx([line[name] for line in epochs], rel=1e-6)
        assert list(walls) == sorted(walls)
    for tag, name in bests.items():
        told = [value for _, _, value in scalars[tag]]
        assert told == sorted(told, reverse=True) and told[-1] == pytest.approx(min(line[name] for line in epochs))
    assert scalars["hparams/num_parameters"][0][2] == 1162
    assert '"qrnn"' in texts["args"] and texts.keys() == {"args"}


def test_scalars_of_a_series(tmp_path):
    epochs, scalars, texts = run(tmp_path, {"type": "lstm", "hidden_size": 2, "training": {"epochs": 5}})
    assert set(scalars) >= {"loss/train", "loss/test", "gradient_norm", "time"}
    told = [value for _, _, value in scalars["loss/test"]]
    assert told == pytest.approx([line["test_loss"] for line in epochs], rel=1e-6)
