"""The memory that `plan` says a run will take, and what it takes: within a fifth."""

import random
import subprocess
import sys

import numpy as np
import pytest

from qlstm_worker import WORKER, answer, dump

pytestmark = pytest.mark.skipif("san-" in str(WORKER), reason="a sanitizer takes memory for itself")


# A small process between: one begins with the most that who starts it had.
MEASURE = """
import os, resource, sys
status = os.spawnv(os.P_WAIT, sys.argv[1], sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


def taken(spec, *data):
    """Bytes at most, of a run to its end."""
    command = [WORKER, "train", spec, "--out", spec.parent / "out", *data]
    done = subprocess.run([sys.executable, "-S", "-c", MEASURE, *map(str, command)], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return 1024 * int(done.stderr.split()[-1])


def sentence(rng, words):
    """The first words are the most frequent."""
    return " ".join(f"w{int(words ** rng.random())}" for _ in range(rng.randint(10, 30)))


def running_text(path):
    rng = random.Random(1)
    path.write_text("".join(sentence(rng, 3000) + "\n" for _ in range(25000)))
    return {"task": "language_model", "vocabulary": 2000, "length": 35}, "lines"


def tagged_text(path):
    rng = random.Random(2)
    lines = (sentence(rng, 3000) for _ in range(12000))
    path.write_text("".join(line + "\t" + " ".join(f"T{len(word)}" for word in line.split()) + "\n" for line in lines))
    return {"task": "tagging", "classes": 8, "max_length": 60}, "tagged"


def labelled_text(path):
    rng = random.Random(3)
    path.write_text("".join(f"L{k % 3}\t{sentence(rng, 3000)}\n" for k in range(60000)))
    return {"task": "text_classification", "classes": 3, "max_length": 30}, "labelled"


@pytest.mark.parametrize("make", [running_text, tagged_text, labelled_text])
def test_of_texts(tmp_path, make):
    path = tmp_path / "texts.txt"
    data, form = make(path)
    layers = [{"type": "embedding", "dimension": 16}, {"type": "lstm", "hidden_size": 16}]
    spec = dump(tmp_path / "spec.json", {"data": {"dataset": "mine", **data}, "model": {"layers": layers},
                                         "training": {"epochs": 2, "epoch_batches": 4, "batch_size": 32}})  # fmt: skip
    given = ("--data", path, "--dialect", f'{{"text":"{form}"}}')
    said = answer("plan", spec, "--json", *given)["bytes"]["total"]
    assert said > 20 << 20  # or what every process takes would be most of it
    assert taken(spec, *given) == pytest.approx(said, rel=0.2)


def images(path):
    rng = np.random.default_rng(4)
    pixels = rng.integers(0, 256, (8000, 785), dtype=np.uint8)
    pixels[:, -1] %= 10
    np.save(path, pixels)
    return {"task": "classification", "classes": 10, "steps": 28, "scaling": "max"}


def series(path):
    rng = np.random.default_rng(5)
    np.save(path, rng.normal(size=(60000, 3)))
    return {"window": 24, "inputs": [0, 1, 2], "targets": [0]}


@pytest.mark.parametrize("make", [images, series])
def test_of_numbers(tmp_path, make):
    path = tmp_path / "numbers.npy"
    data = make(path)
    spec = dump(tmp_path / "spec.json", {"data": {"dataset": "mine", **data}, "type": "lstm",
                                         "training": {"epochs": 2, "epoch_batches": 4, "batch_size": 32}})  # fmt: skip
    said = answer("plan", spec, "--json", "--data", path)["bytes"]["total"]
    assert said > 20 << 20
    assert taken(spec, "--data", path) == pytest.approx(said, rel=0.2)


def test_of_words(tmp_path):
    spec = dump(tmp_path / "spec.json", {"data": {"dataset": "copying_50", "task": "words", "word_bits": 4, "length": 71},
                                         "type": "lstm", "training": {"epochs": 2, "epoch_batches": 4, "loss": "cross_entropy"}})  # fmt: skip
    said = answer("plan", spec, "--json")["bytes"]["total"]
    assert said > 20 << 20
    assert taken(spec) == pytest.approx(said, rel=0.2)
