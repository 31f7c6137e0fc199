"""The same spec, data and seed give the same tensors and predictions on every instruction set that promises it, also when
a run that one began is finished by another. QLSTM_ISA_SPECS=200 draws so many random specs; QLSTM_ARM64_WORKER is a
command that runs a worker built for arm64, such as "qemu-aarch64-static FILE"; QLSTM_AVX512_BOOT is what the
emulator of a machine with AVX-512 boots (tests/README.md), and QLSTM_ISA_ROWS=32 trains random specs on so many rows of
noise, for what is so slow."""

import json
import os
import random
import re
import subprocess

import pytest

import qlstm_worker
from emulated.machine import the_machine
from qlstm_worker import ROOT, dump, read_safetensors

RECIPES = sorted(path for path in (ROOT / "schema" / "recipes").glob("*.json")
                 if not any(word in path.name for word in ("mnist", "qrnn_text", "pos_", "imdb_", "_lm_", "copying_", "translation_")))  # on data that are fetched, or long
ARM64 = os.environ.get("QLSTM_ARM64_WORKER", "").split()
AVX512 = the_machine()
EMULATED_V3 = "emulated x86-64-v3"


def run(*arguments):
    """The worker of this machine, or the one for arm64 or in the emulated machine where such an "--isa" is asked for."""
    if ARM64 and arguments[:2] == ("--isa", "arm64"):
        return subprocess.run([*ARM64, *map(str, arguments)], capture_output=True, text=True, timeout=3600)
    if AVX512 and arguments[:2] in (("--isa", "x86-64-v4"), ("--isa", EMULATED_V3)):
        out = arguments[arguments.index("--out") + 1] if "--out" in arguments else None
        return AVX512.run(qlstm_worker.WORKER, "--isa", arguments[1].split()[-1], *arguments[2:], out=out)
    return qlstm_worker.run(*arguments)


# The x86-64 baseline has no fused multiply-add and promises nothing.
PROMISE = [isa for isa in ("x86-64-v4", "x86-64-v3", "arm64") if run("--isa", isa, "--version").returncode == 0]
SPECS = int(os.environ.get("QLSTM_ISA_SPECS", "24"))
ROWS = int(os.environ.get("QLSTM_ISA_ROWS", "0"))
pytestmark = pytest.mark.skipif(len(PROMISE) < 2, reason="this processor has one instruction set that promises bytes")

ENTANGLERS = ["basic", "strong", "hardware_efficient", "chen2020", "chen2024", "qdi"]


def circuit(draw):
    """What a layer with a free ansatz says of its circuits."""
    fields = {"n_qubits": draw.randint(1, 9), "depth": draw.randint(1, 3), "ansatz": draw.choice(ENTANGLERS),
              "measure": draw.choice("XYZ"), "hadamard": draw.random() < 0.5}
    if fields["ansatz"] in ("basic", "qdi"):
        fields["rotation"] = draw.choice("XYZ")
    if fields["ansatz"] == "qdi":
        fields |= {"n_qlayers": draw.randint(1, 2), "entangling": draw.choice(["basic", "strong"])}
        fields.pop("hadamard")
    return fields


def quantum(draw):
    """Dense, then a circuit as a layer: it takes exactly as many values as it has wires."""
    fields = circuit(draw) | {"type": "quantum", "measurement": draw.choice(["all", "even", "single"]),
                              "encoder": draw.choice(["x", "pi_x", "atan", "atan_square", "tanh"])}
    inputs = fields["n_qubits"] * fields.get("n_qlayers", 1)
    return [recurrent(draw), {"type": "dense", "units": inputs}, fields]


def recurrent(draw):
    kind = draw.choice(["chen2020", "chen2024", "linear", "linear", "qdi", "qgru", "lstm", "gru", "rnn", "hqrnn"])
    way = draw.choice([{}, {}, {"inversward": True}, {"bidirectional": True}])
    if kind in ("lstm", "gru", "rnn"):
        layer = {"type": kind, "hidden_size": draw.choice([1, 3, 8, 17, 33])}
        return layer | way | ({"nonlinearity": draw.choice(["tanh", "relu"])} if kind == "rnn" else {})
    if kind == "hqrnn":
        return {"type": kind, "n_qubits": draw.randint(1, 9), "hidden_size": draw.randint(1, 9), "depth": draw.randint(1, 3),
                "controller": draw.choice(["linear", "relu", "gelu", "glu"]), "dropout_p": draw.choice([0, 0.2]),
                "rotations": draw.choice(["rx_ry_rz", "ry_rz", "ry"]), "readouts": draw.choice(["xyz", "xz", "z"]),
                "entangler": draw.choice(["cnot_ring", "cnot_chain", "cz_ring", "cz_chain"]),
                "squash": draw.choice(["none", "pi_tanh"]), "initial_state": draw.choice(["zero", "learned"]),
                "reading": draw.choice(["expectation", "projective", "collapse"])}
    if kind in ("chen2020", "chen2024"):
        n = draw.randint(3, 8)
        return {"type": "qlstm", "variant": kind, "hidden_size": n - 1, "n_qubits": n, "depth": draw.randint(1, 3)} | way
    layer = {"hidden_size": draw.randint(1, 9)} | way
    if kind == "qdi":
        return layer | {"type": "qlstm", "variant": "qdi", "n_qubits": draw.randint(1, 8), "depth": draw.randint(1, 2)}
    kind, variant = ("qgru", draw.choice(["qdi", "linear"])) if kind == "qgru" else ("qlstm", "linear")
    layer |= {"type": kind, "variant": variant}
    return layer | (circuit(draw) if variant == "linear" else {"n_qubits": draw.randint(1, 8)})


def random_spec(draw):
    layers = quantum(draw) if draw.random() < 0.3 else [recurrent(draw)]
    if layers[-1]["type"] in ("lstm", "gru", "rnn") and draw.random() < 0.5:
        layers.append({"type": draw.choice(["lstm", "gru", "rnn"]), "hidden_size": draw.randint(1, 12)})
    if draw.random() < 0.3:
        layers.append({"type": "dropout", "p": 0.2})
    if draw.random() < 0.5:
        function = draw.choice(["relu", "tanh", "sigmoid", "gelu", "leaky_relu", "elu", "softplus", "identity"])
        layers += [{"type": "dense", "units": draw.randint(1, 20)}, {"type": "activation", "function": function}]
    layers.append({"type": "dense", "units": 1})
    training = {"epochs": draw.randint(2, 4), "batch_size": draw.randint(1, 300), "shuffle": draw.random() < 0.5,
                "seed": draw.randint(0, 1000), "loss": draw.choice(["mse", "mae"]),
                "clip_norm": draw.choice([0, 0.1]),
                "optimizer": {"type": draw.choice(["sgd", "rmsprop", "adam"]), "learning_rate": 0.02}}
    if draw.random() < 0.3:
        training["batch_size"] = draw.randint(1, 17)
    return {"model": {"layers": layers}, "training": training,
            "data": {"dataset": draw.choice(["sine", "damped_shm", "bessel"]), "window": draw.randint(1, 5),
                     "scaling": draw.choice(["minmax", "standard", "none"])},
            "simulation": {"precision": draw.choice(["float64"] * 3 + ["float32"]),
                           "plan": draw.choice(["auto", "auto", "batch", "batch", "local", "wide", "reference"])}}


class DoesNotFit(Exception):
    """The plan does not take the circuit."""


def train(isa, spec, out, draw, *more):
    done = run("--isa", isa, "train", spec, "--out", out, "--threads", draw.randint(1, 5), "--checkpoint-seconds", 0,
               *more)
    if "does not take this circuit" in done.stderr:
        raise DoesNotFit
    assert done.returncode == 0, (isa, done.stderr, spec.read_text())
    found, _ = read_safetensors(out / "weights.safetensors")
    return {name: value.tobytes() for name, value in found.items()}, (out / "predictions.csv").read_bytes()


def same(found, first, isa, spec, folder, draw, *more):
    """Whether isa found what the first one did. Where the emulator does not round as a processor does, no instruction set of
    it gives our bytes: of those two the bytes are the same nevertheless, and the test ends as skipped."""
    if found != first and AVX512:
        emulated = found if isa == "x86-64-v4" else first
        if train(EMULATED_V3, spec, folder / EMULATED_V3, draw, *more) == emulated:
            pytest.skip("the emulator's x86-64-v3 gives its x86-64-v4's bytes, and this machine's gives others")
    return found == first


def compare(spec, folder, draw, *more):
    """Each instruction set alone, and each one finishing what another began."""
    first = train(PROMISE[0], spec, folder / PROMISE[0], draw, *more)
    for isa in PROMISE[1:]:
        found = train(isa, spec, folder / isa, draw, *more)
        assert same(found, first, isa, spec, folder, draw, *more), (isa, spec.read_text())
    for before, after in zip(PROMISE, PROMISE[1:] + PROMISE[:1]):
        checkpoints = sorted((folder / before).glob("checkpoint-*"))
        if checkpoints:
            going_on = *more, "--resume", draw.choice(checkpoints)
            resumed = train(after, spec, folder / "resumed", draw, *going_on)
            assert same(resumed, first, after, spec, folder, draw, *going_on), (before, after, spec.read_text())


def few_samples(data, path, draw, rows=24):
    """Noise in the place of a spec's data, for the emulated machine, which takes 500 to 1000 times as long."""
    columns, value = ["value"], draw.random
    if data.get("task") == "words":
        columns, rows, value = ["input", "target", "scored"], 8 * data["length"], lambda: draw.randrange(1 << data["word_bits"])
    elif data.get("task") == "regression":
        columns = [f"x{k}" for k in range(2 * data["steps"])] + ["y"]
    lines = [[1 if name == "scored" else value() for name in columns] for _ in range(rows)]
    path.write_text("\n".join(",".join(map(str, line)) for line in [columns, *lines]) + "\n")
    data["dataset"] = "few"
    return "--data", path


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipes(tmp_path, recipe):
    spec, draw = json.loads(recipe.read_text()), random.Random(recipe.stem)
    spec["training"]["epochs"] = 2
    data = few_samples(spec["data"], tmp_path / "few.csv", draw) if AVX512 else []
    compare(dump(tmp_path / "spec.json", spec), tmp_path, draw, *data)


@pytest.mark.parametrize("kind", ["lstm", "linear", "hqrnn"])
def test_translation(tmp_path, kind):
    """Encoder, decoder, attention and beam search; the draws of recurrent() for one kind of layers."""
    draw = random.Random(kind)
    layer = {"lstm": {"type": "lstm", "hidden_size": 8}, "linear": {"type": "qlstm", "variant": "linear", "hidden_size": 5},
             "hqrnn": {"type": "hqrnn", "n_qubits": 3, "hidden_size": 5, "dropout_p": 0.2}}[kind]
    layers = [{"type": "embedding", "dimension": 4}, layer, {"type": "decoder", "dimension": 4}, layer,
              {"type": "attention", "score": draw.choice(["general", "additive"])}, {"type": "dense", "units": 4},
              {"type": "dense", "tied": True}]
    words = "ab bc cd de ef fg gh".split()
    pairs = [[draw.choice(words) for _ in range(draw.randint(1, 6))] for _ in range(120)]
    (tmp_path / "pairs.tsv").write_text("".join(f"{' '.join(p)}\t{' '.join(w[0] for w in reversed(p))}\n" for p in pairs))
    spec = {"data": {"dataset": "pairs", "task": "translation", "vocabulary": 12, "max_length": 8, "beam_width": 3,
                     "split": {"train": 0.7, "validation": 0.1, "shuffle": True}}, "model": {"layers": layers},
            "training": {"epochs": 3, "batch_size": 16, "shuffle": True, "optimizer": {"type": "adam", "learning_rate": 0.02}}}
    compare(dump(tmp_path / "spec.json", spec), tmp_path, draw, "--data", tmp_path / "pairs.tsv", "--dialect", '{"text": "pairs"}')


@pytest.mark.parametrize("number", range(SPECS))
def test_random_specs(tmp_path, number):
    """Where a plan does not take the circuit, another spec is drawn. Noise has a generator of its own, so that the same
    specs are drawn with it."""
    draw = random.Random(number)
    for _ in range(50):
        spec = random_spec(draw)
        data = few_samples(spec["data"], tmp_path / "few.csv", random.Random(f"rows {number}"), ROWS) if ROWS else []
        try:
            compare(dump(tmp_path / "spec.json", spec), tmp_path, draw, *data)
            return
        except DoesNotFit:
            pass
    pytest.fail("no spec fits")


def test_the_baseline_says_that_its_bytes_are_others(tmp_path):
    spec = dump(tmp_path / "spec.json", random_spec(random.Random(1)))
    train(PROMISE[0], spec, tmp_path / "out", random.Random(1))
    checkpoint = sorted((tmp_path / "out").glob("checkpoint-*"))[0]
    done = run("--isa", "x86-64", "train", spec, "--out", tmp_path / "other", "--resume", checkpoint)
    said = rf"on {re.escape(PROMISE[0])}, this is .* on x86-64:"
    assert done.returncode == 1 and re.search(said, done.stderr), done.stderr
