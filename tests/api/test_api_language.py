"""A language model from upload to a text that it continues: a made-up language whose words follow from the two before."""
import csv
import io
import math
import random

import pytest

from api_daemon import problem

WORDS = "bo da fi gu ka le mi no pu ra".split()


def lines(n, seed=1):
    """The next word is the sum of the two before it, in six of seven cases."""
    rng = random.Random(seed)
    made = []
    for _ in range(n):
        line = [rng.randrange(10), rng.randrange(10)]
        while len(line) < 12:
            line.append((line[-1] + line[-2]) % 10 if rng.random() < 6 / 7 else rng.randrange(10))
        made.append(" ".join(WORDS[k] for k in line))
    return made


TASK = {"dataset": "lm_lines", "task": "language_model", "vocabulary": 20, "length": 16, "split": {"train": 0.7, "validation": 0.1}}
TRAINING = {"epochs": 12, "batch_size": 8, "optimizer": {"type": "adam", "learning_rate": 0.01}, "clip_norm": 1}
LAYERS = [{"type": "embedding", "dimension": 12}, {"type": "lstm", "hidden_size": 24}, {"type": "dense", "units": 12},
          {"type": "dense", "tied": True}]


@pytest.fixture(scope="module")
def trained(daemon):
    text = "\n".join(lines(500)) + "\n"
    row = daemon.request("POST", "/datasets", params={"name": "lm_lines", "text": "lines"}, data=text.encode(),
                         headers={"Content-Type": "text/plain"}).json()
    assert row["rows"] == 500
    return daemon.train({"data": TASK, "model": {"layers": LAYERS}, "training": TRAINING})


def test_perplexity_beside_counts(daemon, trained):
    report = daemon.get(trained["links"]["report"]).json()
    text = report["data"]["text"]
    assert text["vocabulary"] == 4 + 10 and text["tokens"] == 500 * 13 and text["tokens_train"] == 350 * 13
    test = report["metrics"]["test"][0]
    counts = {name: entry["test"][0] for name, entry in report["baselines"].items()}
    assert counts["unigram"]["perplexity"] > 1.5 * counts["kneser_ney_trigram"]["perplexity"]
    assert test["perplexity"] < counts["unigram"]["perplexity"] / 2
    assert test["samples"] == 100 * 13 - 1 and test["accuracy"] > 0.4
    assert test["perplexity"] == pytest.approx(math.exp(test["cross_entropy"]), rel=1e-12)
    letters = sum(len(line) + 1 for line in lines(500)[400:])
    assert test["bits_per_character"] == pytest.approx(test["cross_entropy"] * test["samples"] / math.log(2) / letters)
    assert report["results"]["test_loss"] == pytest.approx(test["cross_entropy"], rel=1e-9)
    rows = list(csv.DictReader(io.StringIO(daemon.get(trained["links"]["predictions"]).text)))
    rows = [row for row in rows if row["part"] == "test"]
    tokens = [token for line in lines(500)[400:] for token in (*line.split(), "<eos>")][1:]
    assert [row["token"] for row in rows] == tokens
    mean = -sum(math.log(float(row["probability"])) for row in rows) / len(rows)
    assert mean == pytest.approx(test["cross_entropy"], rel=1e-12)
    assert not any(tensor["name"] == "layers.3.weight" for tensor in trained["model"].get("tensors", []))


def test_it_goes_on(daemon, trained):
    ask = {"prompt": "bo da da fi", "length": 30, "samples": 3, "seed": 5}
    path = f"/experiments/{trained['id']}/generate"
    said = daemon.post(path, ask).json()
    assert said == daemon.post(path, ask).json() and said["prompt_length"] == 4
    assert len({sequence["text"] for sequence in said["sequences"]}) > 1
    for sequence in said["sequences"]:
        assert len(sequence["words"]) == 30 == len(sequence["probabilities"]) and sequence["probabilities"][0] is None
        assert sequence["text"].startswith("bo da da fi") and set(sequence["text"].split()) <= set(WORDS)
        assert set(sequence["words"]) <= {3, *range(4, 14)}
    certain = daemon.post(path, {**ask, "temperature": 0, "samples": 2}).json()["sequences"]
    assert certain[0] == certain[1]
    assert daemon.post(path, {**ask, "samples": 1}).json()["sequences"] == said["sequences"][:1]
    assert problem(daemon.post(path, {"prompt": 3}), 422, "wrong_type").startswith("prompt is")
    assert "no room behind" in problem(daemon.post(path, {"prompt": "bo da fi", "length": 3}), 422, "invalid")
    assert "known are prompt" in problem(daemon.post(path, {"prompt": "bo", "words": 3}), 422, "unknown_field")
    assert "POST .../generate" in problem(daemon.post(f"/experiments/{trained['id']}/predict", {"texts": ["bo"]}), 409, "conflict")


def test_characters_and_quantum_states_go_on(daemon, trained):
    data = {**TASK, "tokenizer": "character", "length": 30}
    done = daemon.train({"type": "qlstm", "variant": "linear", "n_qubits": 3, "hidden_size": 4, "data": data,
                         "training": {**TRAINING, "epochs": 1}})
    report = daemon.get(done["links"]["report"]).json()
    test = report["metrics"]["test"][0]
    # A character a token, and an end of a line.
    letters = sum(len(line) + 1 for line in lines(500)[400:])
    assert test["bits_per_character"] == pytest.approx(test["cross_entropy"] / math.log(2) * (letters - 1) / letters)
    said = daemon.post(f"/experiments/{done['id']}/generate", {"prompt": "bo d", "length": 40}).json()
    assert len(said["sequences"][0]["text"]) == 40


def test_a_quantum_state_goes_on(daemon, trained):
    done = daemon.train({"type": "hqrnn", "n_qubits": 2, "hidden_size": 4, "data": TASK, "training": {**TRAINING, "epochs": 1}})
    report = daemon.get(done["links"]["report"]).json()
    assert report["results"]["test_loss"] == pytest.approx(report["metrics"]["test"][0]["cross_entropy"], rel=1e-9)
    ask = {"prompt": "bo da da fi", "length": 8, "temperature": 0}
    said = daemon.post(f"/experiments/{done['id']}/generate", ask).json()["sequences"][0]
    assert said["text"].startswith("bo da da fi") and len(said["words"]) == 8


def test_refusals(daemon, trained):
    def refused(code, data=(), **change):
        body = {"type": "lstm", "hidden_size": 3, "data": {**TASK, **dict(data)}, "training": {"epochs": 1, **change}}
        return problem(daemon.post("/experiments", body), 422, code)

    assert "reads its text in order" in refused("invalid", shuffle=True)
    assert "looks at a batch several times" in refused("invalid", optimizer={"type": "lbfgs"})
    assert "nothing for a language model" in refused("invalid", balance_classes=True)
    assert "batch_size cuts it into 5000 streams" in refused("invalid", batch_size=5000)
    assert "has no column 'text'" in refused("invalid", {"dataset": "damped_shm"})
    assert "/data/length" in refused("unknown_field", {"bptt": 20})
    for layers, words in (([{"type": "embedding"}, {"type": "lstm", "hidden_size": 3, "bidirectional": True}], "reads from the end"),
                          ([{"type": "embedding", "dimension": 4}, {"type": "lstm", "hidden_size": 3}, {"type": "dense", "tied": True}],
                           "tied takes the weight of the embedding")):
        assert words in problem(daemon.post("/experiments", {"data": TASK, "model": {"layers": layers}}), 422, "invalid")
