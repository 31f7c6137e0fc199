"""A translation from upload to new texts: numbers in German, said in English the other way round."""
import csv
import io
import math
import random
import re

import pytest

from api_daemon import problem

GERMAN = "eins zwei drei vier fünf sechs sieben acht neun".split()
ENGLISH = "one two three four five six seven eight nine".split()


def pairs(n, seed=1):
    rng = random.Random(seed)
    drawn = [[rng.randrange(9) for _ in range(rng.randint(2, 5))] for _ in range(n)]
    return [(" ".join(GERMAN[k] for k in line) + ".", " ".join(ENGLISH[k] for k in reversed(line)).capitalize() + ".") for line in drawn]


TASK = {"dataset": "translation_pairs", "task": "translation", "vocabulary": 20, "max_length": 8, "lowercase": True, "beam_width": 2,
        "split": {"train": 0.8, "validation": 0.1}}
TRAINING = {"epochs": 14, "batch_size": 16, "shuffle": True, "optimizer": {"type": "adam", "learning_rate": 0.015}, "clip_norm": 1}
LAYERS = [{"type": "embedding", "dimension": 10}, {"type": "gru", "hidden_size": 12, "bidirectional": True},
          {"type": "decoder", "dimension": 10}, {"type": "lstm", "hidden_size": 24}, {"type": "attention", "score": "general"},
          {"type": "dense", "units": 10}, {"type": "dense", "tied": True}]


def upload(daemon, name, rows):
    text = "".join(f"{a}\t{b}\n" for a, b in rows)
    return daemon.request("POST", "/datasets", params={"name": name, "text": "pairs"}, data=text.encode(),
                          headers={"Content-Type": "text/plain"}).json()


@pytest.fixture(scope="module")
def trained(daemon):
    assert upload(daemon, "translation_pairs", pairs(700))["rows"] == 700
    return daemon.train({"data": TASK, "model": {"layers": LAYERS}, "training": TRAINING})


def bleu(said, references):
    """Corpus BLEU by its definition, on words and signs."""
    cut = [[re.findall(r"\w+|[^\w\s]", text) for text in pair] for pair in zip(said, references)]
    logs = 0
    for n in range(1, 5):
        matches = total = 0
        for a, b in cut:
            grams = [[tuple(t[i:i + n]) for i in range(len(t) - n + 1)] for t in (a, b)]
            matches += sum(min(grams[0].count(g), grams[1].count(g)) for g in set(grams[0]))
            total += len(grams[0])
        logs += math.log(matches / total) / 4
    lengths = [sum(len(pair[k]) for pair in cut) for k in (0, 1)]
    return 100 * min(1, math.exp(1 - lengths[1] / lengths[0])) * math.exp(logs)


def test_bleu_of_what_is_said(daemon, trained):
    report = daemon.get(trained["links"]["report"]).json()
    text = report["data"]["text"]
    assert text["source"]["vocabulary"] == text["target"]["vocabulary"] == 4 + 10 and text["longest"] == 7
    assert text["source"]["tokens"] == text["target"]["tokens"] == sum(len(a.split()) + 1 for a, _ in pairs(700))
    rows = list(csv.DictReader(io.StringIO(daemon.get(trained["links"]["predictions"]).text)))
    assert [(row["source"], row["target"]) for row in rows] == pairs(700)[560:]
    assert [row["part"] for row in rows] == ["validation"] * 70 + ["test"] * 70
    for part in ("validation", "test"):
        scores = report["metrics"][part][0]
        said, truth = zip(*((row["target_predicted"], row["target"].lower()) for row in rows if row["part"] == part))
        assert scores["samples"] == 70 and scores["bleu"] == pytest.approx(bleu(said, truth), rel=1e-12)
        assert scores["exact"] == sum(a == b for a, b in zip(said, truth)) / 70
        assert scores["bleu"] > 60 and all(math.exp(float(row["log_probability"])) <= 1 for row in rows)
    assert report["results"]["test_loss"] < 0.5 and report["baselines"] == {}


def test_bleu_of_every_epoch(daemon, trained):
    """Greedily, of the validation part; the last is that of a prediction with a beam of 1."""
    rows = daemon.get(trained["links"]["metrics"]).json()["metrics"]
    assert len(rows) == 14 and all(0 <= row["validation_bleu"] <= 100 and "test_bleu" not in row for row in rows)
    assert rows[-1]["validation_bleu"] > 60 > rows[0]["validation_bleu"]
    chosen = pairs(700)[560:630]
    said = daemon.post(f"/experiments/{trained['id']}/predict", {"texts": [a for a, _ in chosen], "beam_width": 1}).json()
    assert rows[-1]["validation_bleu"] == pytest.approx(bleu(said["outputs"], [b.lower() for _, b in chosen]), rel=1e-12)


def test_the_state_is_handed_over(daemon, trained):
    layers = [LAYERS[0], {"type": "gru", "hidden_size": 16}, {"type": "decoder", "dimension": 10, "handover": "state"},
              {"type": "gru", "hidden_size": 16}, *LAYERS[4:]]
    done = daemon.train({"data": TASK, "model": {"layers": layers}, "training": {**TRAINING, "epochs": 20}})
    assert daemon.get(done["links"]["report"]).json()["metrics"]["test"][0]["bleu"] > 60
    body = {"data": TASK, "model": {"layers": [LAYERS[0], LAYERS[1], *layers[2:]]}, "training": {"epochs": 1}}
    assert "of one type and size" in problem(daemon.post("/experiments", body), 422, "invalid")


def test_new_texts(daemon, trained):
    path = f"/experiments/{trained['id']}/predict"
    rows = list(csv.DictReader(io.StringIO(daemon.get(trained["links"]["predictions"]).text)))
    said = daemon.post(path, {"texts": [row["source"] for row in rows]}).json()
    assert said["outputs"] == [row["target_predicted"] for row in rows] and said["targets"] == ["target"]
    assert said["log_probabilities"] == [float(row["log_probability"]) for row in rows] and said["beam_width"] == 2
    greedy = daemon.post(path, {"texts": ["Acht neun", rows[0]["source"]], "beam_width": 1, "length_penalty": 0}).json()
    assert greedy["beam_width"] == 1 and greedy["length_penalty"] == 0 and len(greedy["outputs"]) == 2
    assert set(re.findall(r"\w+", greedy["outputs"][0])) <= set(ENGLISH)
    assert daemon.post(path, {"texts": ["Acht neun"], "beam_width": 1, "length_penalty": 0}).json()["outputs"] == greedy["outputs"][:1]
    assert problem(daemon.post(path, {"texts": []}), 422, "invalid").startswith("a list of 1 to 1000 texts")
    assert "texts[1] has no token" in problem(daemon.post(path, {"texts": ["eins", " "]}), 422, "invalid")
    assert "allowed are 1 to 16" in problem(daemon.post(path, {"texts": ["eins"], "beam_width": 17}), 422, "out_of_range")
    assert "an integer is expected" in problem(daemon.post(path, {"texts": ["eins"], "beam_width": 1.5}), 422, "wrong_type")
    assert "known are texts" in problem(daemon.post(path, {"texts": ["eins"], "beam": 2}), 422, "unknown_field")


def test_without_a_list_of_layers(daemon, trained):
    task = {**TASK, "beam_width": 1}
    done = daemon.train({"type": "hqrnn", "n_qubits": 2, "hidden_size": 3, "data": task, "training": {"epochs": 1, "batch_size": 64}})
    layers = done["spec"]["model"]["layers"]
    assert [layer["type"] for layer in layers] == ["embedding", "hqrnn", "decoder", "hqrnn", "attention", "dense"]
    assert layers[0]["classes"] == layers[2]["classes"] == layers[-1]["units"] == 20
    assert daemon.get(done["links"]["report"]).json()["metrics"]["test"][0]["samples"] == 70


def test_refusals(daemon, trained):
    daemon.request("POST", "/datasets", params={"name": "translation_lines", "text": "lines"}, data=b"a b\nc d\n",
                   headers={"Content-Type": "text/plain"})

    def refused(code, layers=LAYERS, data=(), **training):
        body = {"data": {**TASK, **dict(data)}, "model": {"layers": layers}, "training": {"epochs": 1, **training}}
        return problem(daemon.post("/experiments", body), 422, code)

    assert "layers has no decoder" in refused("invalid", [*LAYERS[:2], LAYERS[3]])
    assert "reads from the end" in refused("invalid", [*LAYERS[:3], {**LAYERS[1]}, *LAYERS[4:]])
    assert "classes is 7; data.vocabulary is 20" in refused("invalid", [*LAYERS[:2], {"type": "decoder", "classes": 7}, LAYERS[3]])
    assert "nothing for a translation" in refused("invalid", balance_classes=True)
    assert "loss is \"bce\"" in refused("invalid", loss="bce")
    assert "has no column 'source'" in refused("invalid", data={"dataset": "translation_lines"})
    body = {"data": {"dataset": "damped_shm"}, "model": {"layers": LAYERS[1:]}}
    assert "only a model for task translation" in problem(daemon.post("/experiments", body), 422, "invalid")
