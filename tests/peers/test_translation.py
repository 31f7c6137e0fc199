"""Encoder, decoder and attention against equations differentiated by JAX: the same initial weights, batches in order, and after
some epochs of Adam the same weights; and the BLEU of the report against sacrebleu's."""
import csv
import json
import os
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cases
import engine
from safetensors.numpy import load_file

jax.config.update("jax_enable_x64", True)
WORKER = os.environ.get("QLSTM_WORKER", "build/qlstm-worker")
EPOCHS, BATCH, WIDTH, DIMENSION, UNITS, VOCABULARY, TRAIN = 2, 4, 5, 3, 4, 16, 12
PADDING, UNKNOWN, BEGIN, END, FIRST = range(5)


def lstm(state, a, s):
    h, c = state
    i, f, g, o = jnp.split(a + s, 4)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru(state, a, s):
    h, c = state
    (r, z, n), (sr, sz, sn) = jnp.split(a, 3), jnp.split(s, 3)
    z = jax.nn.sigmoid(z + sz)
    return (1 - z) * jnp.tanh(n + jax.nn.sigmoid(r + sr) * sn) + z * h, c


def rnn(state, a, s):
    return jnp.tanh(a + s), state[1]


def through_time(weights, prefix, cell, x):
    """Outputs [T][WIDTH] of torch's LSTM, GRU or RNN."""
    state, out = (jnp.zeros(WIDTH), jnp.zeros(WIDTH)), []
    for row in x:
        a = weights[prefix + "weight_ih"] @ row + weights[prefix + "bias_ih"]
        state = cell(state, a, weights[prefix + "weight_hh"] @ state[0] + weights[prefix + "bias_hh"])
        out.append(state[0])
    return jnp.stack(out)


def logits(weights, cell, both, score, source, given):
    """Of one pair: source [S] and given [T] are tokens; [T][VOCABULARY]."""
    read = weights["layers.0.weight"][source]
    x = through_time(weights, "layers.1.", cell, read)
    if both:
        x = jnp.concatenate([x, through_time(weights, "layers.1.reverse.", cell, read[::-1])[::-1]], 1)
    said = [jnp.concatenate([row, x.mean(0)]) for row in weights["layers.2.weight"][given]]
    h = through_time(weights, "layers.3.", cell, said)
    if score == "additive":
        keys = x @ weights["layers.4.key"].T + weights["layers.4.bias"]
        scores = jnp.tanh((h @ weights["layers.4.query"].T)[:, None] + keys[None]) @ weights["layers.4.score"]
    else:
        scores = h @ (weights["layers.4.weight"] if score == "general" else jnp.eye(WIDTH)) @ x.T
    return jnp.concatenate([h, jax.nn.softmax(scores) @ x], 1) @ weights["layers.5.weight"].T + weights["layers.5.bias"]


def adam(weights, gradient, moments, step, rate=0.02, beta1=0.9, beta2=0.999, epsilon=1e-8):
    for name, g in gradient.items():
        m, v = moments.get(name, (0, 0))
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        moments[name] = m, v
        weights[name] = weights[name] - rate * m / (1 - beta1**step) / (jnp.sqrt(v / (1 - beta2**step)) + epsilon)


def pairs():
    rng = random.Random(3)
    lines = [[rng.randrange(12) for _ in range(rng.randint(1, 6))] for _ in range(TRAIN + 16)]
    return [(" ".join(chr(97 + k) for k in line), " ".join(chr(65 + (5 * k + 1) % 12) for k in reversed(line)) + " .") for line in lines]


def ours(folder, kind, both, score):
    (folder / "pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in pairs()))
    attention = {"type": "attention", "score": score} | ({"units": UNITS} if score == "additive" else {})
    layer = {"type": kind, "hidden_size": WIDTH}
    layers = [{"type": "embedding", "dimension": DIMENSION}, {**layer, "bidirectional": both}, {"type": "decoder", "dimension": DIMENSION},
              layer, attention]  # fmt: skip
    spec = {"data": {"dataset": "pairs", "task": "translation", "vocabulary": VOCABULARY, "max_length": 10, "beam_width": 3,
                     "tokenizer": "word", "split": {"train_until": TRAIN, "validation_until": TRAIN + 4}},
            "model": {"layers": layers},
            "training": {"epochs": EPOCHS, "batch_size": BATCH, "optimizer": {"type": "adam", "learning_rate": 0.02}}}  # fmt: skip
    path = cases.write(folder / "spec.json", spec)
    data = ["--data", folder / "pairs.tsv", "--dialect", '{"text": "pairs"}']
    engine.run(WORKER, "init", path, "--out", folder / "start.safetensors")
    engine.run(WORKER, "train", path, "--out", folder / "out", *data)
    return load_file(folder / "start.safetensors"), load_file(folder / "out/weights.safetensors"), folder / "out"


def lexicon(texts):
    """Tokens by falling frequency, of equally frequent ones by their bytes."""
    words = [word for text in texts for word in text.split()]
    known = sorted(set(words), key=lambda word: (-words.count(word), word.encode()))[: VOCABULARY - FIRST]
    return {word: FIRST + k for k, word in enumerate(known)}


@pytest.mark.parametrize(("kind", "both", "score"), [("lstm", True, "general"), ("gru", False, "dot"), ("rnn", True, "additive")])
def test_trajectory(tmp_path, kind, both, score):
    start, end, _ = ours(tmp_path, kind, both, score)
    cell = {"lstm": lstm, "gru": gru, "rnn": rnn}[kind]
    sides = [lexicon(side) for side in zip(*pairs()[:TRAIN])]
    tokens = [[np.array([known.get(word, UNKNOWN) for word in text.split()]) for known, text in zip(sides, pair)] for pair in pairs()]

    def loss(weights, batch):
        total = rows = 0
        for source, target in batch:
            chances = jax.nn.log_softmax(logits(weights, cell, both, score, source, np.array([BEGIN, *target])))
            wanted = np.array([*target, END])
            total -= chances[np.arange(len(wanted)), wanted].sum()
            rows += len(wanted)
        return total / rows

    weights, moments, step = {name: jnp.array(value) for name, value in start.items()}, {}, 0
    for _ in range(EPOCHS):
        for first in range(0, TRAIN, BATCH):
            step += 1
            adam(weights, jax.grad(loss)(weights, tokens[first : first + BATCH]), moments, step)
    assert set(end) == set(weights)
    for name, value in weights.items():
        np.testing.assert_allclose(end[name], value, rtol=1e-8, atol=1e-9, err_msg=name)


def test_bleu(tmp_path):
    sacrebleu = pytest.importorskip("sacrebleu")
    _, _, folder = ours(tmp_path, "lstm", False, "general")
    rows = [row for row in csv.DictReader((folder / "predictions.csv").open()) if row["part"] == "test"]
    scores = json.loads((folder / "report.json").read_text())["metrics"]["test"][0]
    theirs = sacrebleu.corpus_bleu([row["target_predicted"] for row in rows], [[row["target"] for row in rows]])
    assert scores["bleu"] == pytest.approx(theirs.score, rel=1e-12)
    assert scores["precisions"] == pytest.approx(theirs.precisions, rel=1e-12)
