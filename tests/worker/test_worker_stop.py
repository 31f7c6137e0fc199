"""Ways a run ends before its end: killed, told to stop, left alone; and how it goes on."""

import hashlib
import json
import os
import signal
import subprocess
import time

import pytest

from qlstm_worker import PATIENCE, WORKER, dump, lines, of_type, read_safetensors, run, start

# More lines than a worker may be ahead of its reader: a signal after the first few comes in time.
SLOW = {
    "model": {"hidden_size": 5, "n_qubits": 6, "depth": 8},
    "data": {"dataset": "sine"},
    "training": {"epochs": 40, "shuffle": True},
}
ENDLESS = {**SLOW, "training": {"epochs": 100000}}
EVERY_EPOCH = ("--checkpoint-seconds", "0")
SELDOM = ("--checkpoint-seconds", "86400")  # than which every run is shorter, on a slow machine too


def until(process, kind, count=1):
    """Reads lines until `count` of that type have come."""
    seen = []
    for text in process.stdout:
        line = json.loads(text)
        seen.append(line)
        if line["type"] == kind:
            count -= 1
        if count == 0:
            return seen
    raise AssertionError((seen, process.stderr.read()))


def finish(process):
    """The rest of its lines and its standard error; standard input stays open until it has ended."""
    stdin, process.stdin = process.stdin, None
    rest, stderr = process.communicate(timeout=PATIENCE)
    if stdin is not None:
        stdin.close()
    return lines(rest.decode()), stderr.decode()


def checkpoint_epoch(path):
    return int(read_safetensors(path)[1]["epoch"])


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    done = run("train", dump(folder / "spec.json", SLOW), "--out", folder / "out", *SELDOM)
    assert done.returncode == 0, done.stderr
    return folder / "out"


def weights_of(folder):
    return (folder / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("after", [1, 2, 17])
def test_killed_and_resumed_gives_the_same_bytes(tmp_path, uninterrupted, after):
    spec = dump(tmp_path / "spec.json", SLOW)
    process = start("train", spec, "--out", tmp_path / "1", *EVERY_EPOCH)
    last = until(process, "checkpoint", after)[-1]
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    assert not (tmp_path / "1" / "weights.safetensors").exists()
    file = tmp_path / "1" / last["file"]
    if not file.exists():  # it went on for a moment, and keeps two
        file = max(tmp_path.glob("1/checkpoint-*"), key=checkpoint_epoch)
    done = run("train", spec, "--out", tmp_path / "2", "--resume", file)
    assert done.returncode == 0, done.stderr
    hello = lines(done.stdout)[0]
    assert hello["epoch"] == checkpoint_epoch(file) >= after
    assert [line["epoch"] for line in of_type(lines(done.stdout), "epoch")] == list(range(hello["epoch"] + 1, 41))
    assert weights_of(tmp_path / "2") == weights_of(uninterrupted)
    assert (tmp_path / "2" / "predictions.csv").read_bytes() == (uninterrupted / "predictions.csv").read_bytes()
    report = json.loads((tmp_path / "2" / "report.json").read_text())
    assert report["resumed_from"] == hello["epoch"] and len(report["history"]) == 40


def test_checkpoints_are_announced_and_two_are_kept(tmp_path):
    done = run("train", dump(tmp_path / "spec.json", SLOW), "--out", tmp_path / "out", *EVERY_EPOCH)
    said = of_type(lines(done.stdout), "checkpoint")
    assert [line["epoch"] for line in said] == list(range(1, 40)), "not after the last epoch"
    left = sorted(path.name for path in tmp_path.glob("out/checkpoint-*"))
    assert left == ["checkpoint-38.safetensors", "checkpoint-39.safetensors"]
    for line in said[-2:]:
        data = (tmp_path / "out" / line["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == line["sha256"]


def test_a_short_run_writes_no_checkpoint(uninterrupted):
    assert not list(uninterrupted.glob("checkpoint-*"))


def stopped_after(epochs, folder, number, *more):
    """The lines of an endless run that is told to stop after so many epochs, and its spec."""
    spec = dump(folder / "spec.json", ENDLESS)
    more = ["--checkpoint-seconds", "1000000", *more]
    process = start("train", spec, "--out", folder / "out", *more, stdin=subprocess.PIPE)
    seen = until(process, "epoch", epochs)
    process.send_signal(number)
    rest, _ = finish(process)
    assert process.returncode == 3
    return seen + rest, spec


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("more", [[], ["--supervised"]])
def test_told_to_stop_leaves_a_usable_checkpoint(tmp_path, number, more):
    said, spec = stopped_after(3, tmp_path, number, *more)
    checkpoints = of_type(said, "checkpoint")
    assert len(checkpoints) == 1, "though --checkpoint-seconds is not over"
    epochs = [line["epoch"] for line in of_type(said, "epoch")]
    assert 1 <= checkpoints[0]["epoch"] <= epochs[-1], "the newest copy; an epoch's line does not promise one"
    assert said.index(checkpoints[0]) > [line.get("epoch") for line in said].index(epochs[-1])
    file = tmp_path / "out" / checkpoints[0]["file"]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == checkpoints[0]["sha256"]
    assert checkpoint_epoch(file) == checkpoints[0]["epoch"]
    assert not of_type(said, "error") and not of_type(said, "done")
    again = start("train", spec, "--out", tmp_path / "2", "--resume", file)
    assert until(again, "hello")[0]["epoch"] == checkpoints[0]["epoch"]
    again.terminate()
    finish(again)


def test_the_copy_that_a_stop_writes_is_renewed(tmp_path):
    """After each epoch, but for copies that took more than a hundredth of the time: on a machine that is busy a copy
    may take long by chance, so the run is given more epochs then."""
    for epochs in (10, 100, 1000):
        said, _ = stopped_after(epochs, tmp_path, signal.SIGTERM)
        if of_type(said, "checkpoint")[0]["epoch"] > 1:
            return
    raise AssertionError("after 1000 epochs still the copy of the first")


def test_stopped_and_resumed_gives_the_same_bytes(tmp_path, uninterrupted):
    spec = dump(tmp_path / "spec.json", SLOW)
    process = start("train", spec, "--out", tmp_path / "1")
    until(process, "epoch", 2)
    process.terminate()
    rest, _ = finish(process)
    assert process.returncode == 3
    file = tmp_path / "1" / of_type(rest, "checkpoint")[-1]["file"]
    assert run("train", spec, "--out", tmp_path / "2", "--resume", file).returncode == 0
    assert weights_of(tmp_path / "2") == weights_of(uninterrupted)


def test_told_to_stop_before_the_first_epoch_is_over(tmp_path):
    """Deep circuits and a long window: an epoch that takes its time."""
    spec = {"model": {"hidden_size": 5, "n_qubits": 8, "depth": 30, "n_qlayers": 5},
            "data": {"dataset": "population_inversion", "window": 64}, "training": {"batch_size": 8}}
    process = start("train", dump(tmp_path / "spec.json", spec), "--out", tmp_path / "out")
    until(process, "hello")
    process.terminate()
    rest, stderr = finish(process)
    assert process.returncode == 3 and stderr == ""
    assert not of_type(rest, "checkpoint") and not of_type(rest, "error")


def test_heartbeats_come_about_once_a_second(tmp_path):
    spec = {"model": {"hidden_size": 5, "n_qubits": 9, "depth": 30, "n_qlayers": 5},
            "data": {"dataset": "population_inversion", "window": 32}, "training": {"batch_size": 8}}
    begin = time.monotonic()
    process = start("train", dump(tmp_path / "spec.json", spec), "--out", tmp_path / "out")
    until(process, "hello")
    first, second = until(process, "heartbeat"), until(process, "heartbeat")
    took = time.monotonic() - begin
    process.terminate()
    finish(process)
    assert took >= 2, "each a second or more after the line before"
    assert first[-1]["epoch"] == 1 and 0 <= first[-1]["batch"] <= second[-1]["batch"] < second[-1]["batches"]


# Under a daemon


def test_a_supervised_worker_ends_when_standard_input_is_closed(tmp_path):
    spec = dump(tmp_path / "spec.json", ENDLESS)
    process = start("train", spec, "--out", tmp_path / "out", "--supervised", stdin=subprocess.PIPE)
    until(process, "epoch", 2)
    process.stdin.close()
    process.stdin = None
    finish(process)
    assert process.returncode == 4


def test_a_supervised_worker_does_not_mind_input(tmp_path):
    spec = dump(tmp_path / "spec.json", SLOW)
    process = start("train", spec, "--out", tmp_path / "out", "--supervised", stdin=subprocess.PIPE)
    process.stdin.write(b"hello\n")
    process.stdin.flush()
    assert finish(process)[0][-1]["type"] == "done"
    assert process.returncode == 0


@pytest.mark.parametrize("supervised", [False, True])
def test_a_worker_ends_when_nobody_reads(tmp_path, supervised):
    spec = dump(tmp_path / "spec.json", ENDLESS)
    more = ["--supervised"] if supervised else []
    process = start("train", spec, "--out", tmp_path / "out", *more, stdin=subprocess.PIPE)
    until(process, "epoch", 2)
    process.stdout.close()
    assert process.wait(timeout=PATIENCE) == 4
    process.stdin.close()
    process.stderr.close()


def test_a_supervised_worker_gives_up_privileges(tmp_path):
    spec = dump(tmp_path / "spec.json", ENDLESS)
    process = start("train", spec, "--out", tmp_path / "out", "--supervised", stdin=subprocess.PIPE)
    until(process, "epoch")
    status = dict(line.split(":", 1) for line in open(f"/proc/{process.pid}/status").read().splitlines())
    limits = open(f"/proc/{process.pid}/limits").read()
    assert status["NoNewPrivs"].strip() == "1"
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    assert os.getpriority(os.PRIO_PROCESS, process.pid) >= min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)
    process.terminate()
    finish(process)


# Checkpoints that cannot be used


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    done = run("train", dump(folder / "spec.json", SLOW), "--out", folder / "out", *EVERY_EPOCH)
    assert done.returncode == 0, done.stderr
    return folder / "out" / "checkpoint-39.safetensors"


def bad_checkpoints(folder, checkpoint):
    data = checkpoint.read_bytes()
    files = {"cut": data[:-8], "empty": b"", "text": b"no checkpoint at all", "header": b"\xff" * 8 + data[8:]}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files] + [folder / "absent"]


def test_by_hand_a_bad_checkpoint_is_an_error(tmp_path, checkpoint):
    spec = dump(tmp_path / "spec.json", SLOW)
    for file in bad_checkpoints(tmp_path, checkpoint):
        done = run("train", spec, "--out", tmp_path / "out", "--resume", file)
        assert done.returncode == 1 and f"cannot resume from {file}" in done.stderr
        assert [line["type"] for line in lines(done.stdout)] == ["error"]


def supervised_run(spec, out, file):
    """Standard input stays open until the end."""
    process = start("train", spec, "--out", out, "--supervised", "--resume", file, stdin=subprocess.PIPE)
    seen, stderr = finish(process)
    assert process.returncode == 0, stderr
    return seen


def test_under_a_daemon_a_bad_checkpoint_is_ignored(tmp_path, checkpoint):
    spec = dump(tmp_path / "spec.json", {**SLOW, "training": {"epochs": 3}})
    assert run("train", spec, "--out", tmp_path / "whole").returncode == 0
    for file in bad_checkpoints(tmp_path, checkpoint):
        seen = supervised_run(spec, tmp_path / "out", file)
        assert seen[0]["epoch"] == 0
        assert seen[1]["type"] == "log" and seen[1]["level"] == "warning" and file.name in seen[1]["message"]
        assert weights_of(tmp_path / "out") == weights_of(tmp_path / "whole")


def test_a_checkpoint_of_another_experiment(tmp_path, checkpoint):
    other = {**SLOW, "training": {**SLOW["training"], "seed": 7}}
    spec = dump(tmp_path / "spec.json", other)
    done = run("train", spec, "--out", tmp_path / "out", "--resume", checkpoint)
    assert done.returncode == 1 and "another experiment" in done.stderr
    assert supervised_run(spec, tmp_path / "out", checkpoint)[0]["epoch"] == 0


def test_names_and_tags_do_not_make_another_experiment(tmp_path, checkpoint):
    spec = dump(tmp_path / "spec.json", {**SLOW, "name": "again", "tags": ["x"]})
    done = run("train", spec, "--out", tmp_path / "out", "--resume", checkpoint)
    assert done.returncode == 0 and lines(done.stdout)[0]["epoch"] == 39


def test_by_hand_a_checkpoint_with_a_flipped_bit_is_an_error(tmp_path, checkpoint):
    spec, data = dump(tmp_path / "spec.json", SLOW), bytearray(checkpoint.read_bytes())
    for place in range(7, 8 * len(data), 8 * len(data) // 60):  # bits all over the file
        data[place // 8] ^= 1 << place % 8
        file = tmp_path / "flipped.safetensors"
        file.write_bytes(data)
        done = run("train", spec, "--out", tmp_path / "out", "--resume", file)
        assert done.returncode == 1 and "cannot resume" in done.stderr, place
        data[place // 8] ^= 1 << place % 8


def test_by_hand_another_instruction_set_goes_on_only_when_asked(tmp_path, checkpoint):
    here = run("--version").stdout.split("(")[1].rstrip(")\n")
    other = {"x86-64-v4": "x86-64", "x86-64-v3": "x86-64"}.get(here)
    if other is None:
        pytest.skip(f"{here} is the only instruction set here")
    spec = dump(tmp_path / "spec.json", SLOW)
    done = run("--isa", other, "train", spec, "--out", tmp_path / "out", "--resume", checkpoint)
    assert done.returncode == 1 and f"on {here}, this is" in done.stderr and f"on {other}" in done.stderr
    done = run("--isa", other, "train", spec, "--out", tmp_path / "out", "--resume", checkpoint, "--any-arithmetic")
    assert done.returncode == 0, done.stderr
    said, engine = lines(done.stdout), json.loads((tmp_path / "out" / "report.json").read_text())["engine"]
    assert said[0]["epoch"] == 39 and said[0]["isa"] == engine["isa"] == other
    assert said[1]["type"] == "log" and engine["arithmetic_before"] in said[1]["message"]
    assert engine["arithmetic_before"] == f"up to epoch 39: {engine['arithmetic']} on {here}"


def test_worker_is_one_executable():
    assert os.access(WORKER, os.X_OK)


def test_a_translation_that_is_stopped_says_what_its_last_epoch_said(tmp_path):
    """Stopped in the middle of an epoch for good: the translations are those of the model after the epoch before."""
    words = "ab bc cd de ef fg gh hi".split()
    pairs = [words[k % 8:k % 8 + 1 + k % 5] + words[:k % 3] for k in range(1600)]
    (tmp_path / "pairs.tsv").write_text("".join(f"{' '.join(p)}\t{' '.join(w[0] for w in reversed(p))}\n" for p in pairs))
    spec = {"data": {"dataset": "pairs", "task": "translation", "vocabulary": 20, "max_length": 8, "beam_width": 1,
                     "split": {"train": 0.8, "validation": 0.1, "shuffle": True}}, "type": "lstm", "hidden_size": 12,
            "training": {"epochs": 100000, "batch_size": 16, "shuffle": True, "optimizer": {"type": "adam", "learning_rate": 0.02}}}
    process = start("train", dump(tmp_path / "spec.json", spec), "--out", tmp_path / "out", "--data", tmp_path / "pairs.tsv",
                    "--dialect", '{"text": "pairs"}')
    until(process, "epoch", 8)
    process.send_signal(signal.SIGURG)
    process.send_signal(signal.SIGTERM)
    finish(process)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["metrics"]["validation"][0]["bleu"] == pytest.approx(report["history"][-1]["validation_bleu"], rel=1e-12)
    assert report["history"][-1]["validation_bleu"] > 5
