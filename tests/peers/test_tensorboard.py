"""The event file of a run, read back by TensorBoard."""
import json
import os
import pathlib
import subprocess

import pytest

tensorboard = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
RECIPE = pathlib.Path(__file__).resolve().parents[2] / "schema" / "recipes" / "qrnn_simple_seq.json"


def run(folder, spec):
    """The lines of the epochs, and what TensorBoard reads."""
    (folder / "spec.json").write_text(json.dumps(spec))
    out = folder / "out"
    done = subprocess.run([os.environ["QLSTM_WORKER"], "train", folder / "spec.json", "--out", out], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    read = tensorboard.EventAccumulator(str(out), size_guidance={"scalars": 0, "tensors": 0})
    read.Reload()
    return [line for line in lines if line["type"] == "epoch"], read


def test_scalars_of_words(tmp_path):
    spec = json.loads(RECIPE.read_text())
    spec["training"]["epochs"] = 40
    epochs, read = run(tmp_path, spec)
    names = {"train_loss": "loss/train", "test_loss": "loss/validate", "seconds": "time", "gradient_norm": "gradient_norm",
             "train_min_postsel_prob": "min_postsel_prob/train", "test_min_postsel_prob": "min_postsel_prob/validate",
             "train_accuracy": "accuracy/train", "test_accuracy": "accuracy/validate", "train_error_rate": "error_rate/train",
             "test_error_rate": "accuracy/character_error_rate_current"}
    bests = {"loss/validate_best": "test_loss", "accuracy/character_error_rate_best": "test_error_rate"}
    ends = {"hparams/epoch", "hparams/num_parameters", "hparams/validate_best", "hparams/character_error_rate_best"}
    assert set(read.Tags()["scalars"]) >= set(names.values()) | set(bests) | ends
    for name, tag in names.items():
        told = read.Scalars(tag)
        assert [event.step for event in told] == list(range(1, 41))
        assert [event.value for event in told] == pytest.approx([line[name] for line in epochs], rel=1e-6)
        walls = [event.wall_time for event in told]
        assert walls == sorted(walls)
    for tag, name in bests.items():
        told = [event.value for event in read.Scalars(tag)]
        assert told == sorted(told, reverse=True) and told[-1] == pytest.approx(min(line[name] for line in epochs))
    assert read.Scalars("hparams/num_parameters")[0].value == 1162
    assert '"qrnn"' in read.Tensors("args")[0].tensor_proto.string_val[0].decode()
    assert read.PluginTagToContent("text").keys() == {"args"}


def test_scalars_of_a_series(tmp_path):
    epochs, read = run(tmp_path, {"type": "lstm", "hidden_size": 2, "training": {"epochs": 5}})
    assert set(read.Tags()["scalars"]) >= {"loss/train", "loss/test", "gradient_norm", "time"}
    told = [event.value for event in read.Scalars("loss/test")]
    assert told == pytest.approx([line["test_loss"] for line in epochs], rel=1e-6)
