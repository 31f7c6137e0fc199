"""`apply` by hand: a trained model over a data set."""
import json

from qlstm_worker import dump, lines, of_type, run

SPEC = {"data": {"dataset": "sine", "window": 5}, "hidden_size": 2, "n_qubits": 2, "training": {"epochs": 1}}


def test_the_data_that_it_was_trained_on(tmp_path):
    spec = dump(tmp_path / "spec.json", SPEC)
    assert run("train", spec, "--out", tmp_path / "run").returncode == 0
    done = run("apply", spec, "--weights", tmp_path / "run/weights.safetensors", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    said = lines(done.stdout)
    assert said[0]["type"] == "hello" and [entry["name"] for entry in of_type(said, "done")[0]["artifacts"]] == ["predictions", "report"]
    ours, theirs = ((tmp_path / folder / "predictions.csv").read_text().splitlines() for folder in ("out", "run"))
    assert [line.split(",")[1:] for line in ours[: len(theirs)]] == [line.split(",")[1:] for line in theirs]
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["data"]["rows"] == 240 and report["data"]["samples"] == 236 and report["metrics"]["test"][0]["samples"] == 235


def test_what_is_refused(tmp_path):
    spec = dump(tmp_path / "spec.json", SPEC)
    init = tmp_path / "init.safetensors"
    assert run("init", spec, "--out", init).returncode == 0
    done = run("apply", spec, "--weights", init, "--out", tmp_path / "out")
    assert done.returncode == 1 and "do not say how their columns were scaled" in done.stderr
    assert lines(done.stdout)[-1]["reason"] == "invalid_data"
    kind = dump(tmp_path / "kind.json", {**SPEC, "kind": "prediction"})
    done = run("train", kind, "--out", tmp_path / "out")
    assert done.returncode == 1 and "qlstm-worker apply runs it" in lines(done.stdout)[-1]["message"]
    data = tmp_path / "short.csv"
    data.write_text("value\n1\n2\n3\n")
    assert run("train", spec, "--out", tmp_path / "run").returncode == 0
    mine = dump(tmp_path / "mine.json", {**SPEC, "data": {"dataset": "mine", "window": 5}})
    done = run("apply", mine, "--weights", tmp_path / "run/weights.safetensors", "--data", data, "--out", tmp_path / "out")
    assert done.returncode == 1 and "3 rows; a window takes 5" in done.stderr
