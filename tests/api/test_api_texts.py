"""Texts with labels: tokenisers, vocabularies, and a small sentiment set that is made here."""
import csv
import io
import random

import pytest

from api_daemon import problem

GOOD, BAD = ["fine", "lovely", "great", "moving"], ["dull", "poor", "awful", "flat"]
FILLER = "the a film plot cast it was and with scene rather quite".split()
TRAINING = {"epochs": 15, "batch_size": 16, "shuffle": True, "optimizer": {"type": "adam", "learning_rate": 0.02}}


def reviews(n, seed=1):
    """More good words than bad ones; `not` turns the word behind it."""
    rng = random.Random(seed)
    made = []
    while len(made) < n:
        words, mood = [], 0
        for _ in range(rng.randint(3, 25)):
            word = rng.choice(FILLER) if rng.random() < 0.7 else rng.choice(GOOD + BAD)
            if word in GOOD + BAD:
                turned = rng.random() < 0.3
                words += ["not"] * turned
                mood += (1 if word in GOOD else -1) * (-1 if turned else 1)
            words.append(word)
        if mood != 0:
            made.append(("pos" if mood > 0 else "neg", " ".join(words).capitalize() + "."))
    return made


def upload(daemon, name, made):
    text = "".join(f"{label}\t{review}\n" for label, review in made)
    return daemon.request("POST", "/datasets", params={"name": name, "text": "labelled"}, data=text.encode(),
                          headers={"Content-Type": "text/plain"})


def task(**change):
    return {"dataset": "text_reviews", "task": "text_classification", "classes": 2, "vocabulary": 120, "lowercase": True,
            "max_length": 30, **change}


@pytest.fixture(scope="module")
def trained(daemon):
    row = upload(daemon, "text_reviews", reviews(400)).json()
    assert row["rows"] == 400 and row["description"]["notes"] == ["400 texts; 2 different labels"]
    return daemon.train({"type": "gru", "hidden_size": 8, "data": task(), "training": TRAINING})


def test_sentiment(daemon, trained):
    report = daemon.get(trained["links"]["report"]).json()
    test = report["metrics"]["test"][0]
    assert test["accuracy"] > 0.75 > report["baselines"]["majority_class"]["test"][0]["accuracy"]
    assert test["roc_auc"] > 0.8 and report["data"]["text"]["labels"] == ["neg", "pos"]
    rows = list(csv.DictReader(io.StringIO(daemon.get(trained["links"]["predictions"]).text)))
    assert [row["label"] for row in rows] == [label for label, _ in reviews(400)]
    ask = f"/experiments/{trained['id']}/predict"
    said = daemon.post(ask, {"texts": [review for _, review in reviews(400)[:80]]}).json()
    assert said["labels"] == ["neg", "pos"] and said["targets"] == ["label"]
    assert [output[0] for output in said["outputs"]] == [row["label_predicted"] for row in rows[:80]]
    written = [[float(row["label_probability_neg"]), float(row["label_probability_pos"])] for row in rows[:80]]
    assert said["probabilities"] == written
    assert daemon.post(ask, {"texts": [reviews(400)[5][1]]}).json()["probabilities"] == [written[5]]


@pytest.mark.parametrize("change", [{"tokenizer": "character", "vocabulary": 60, "max_length": 120},
                                    {"tokenizer": "byte_pair", "vocabulary": 60}, {"min_count": 3, "keep_tokens": "last"}])
def test_tokenizers(daemon, trained, change):
    done = daemon.train({"type": "lstm", "hidden_size": 4, "bidirectional": True, "data": task(**change),
                         "training": {**TRAINING, "epochs": 2}})
    text = daemon.get(done["links"]["report"]).json()["data"]["text"]
    words = daemon.get(trained["links"]["report"]).json()["data"]["text"]
    assert text["vocabulary"] <= change.get("vocabulary", 120)
    if change.get("tokenizer") == "character":
        assert text["tokens"] > 4 * words["tokens"]
    if change.get("tokenizer") == "byte_pair":
        assert text["vocabulary"] == 60 and words["tokens"] < text["tokens"] < 4 * words["tokens"]
    said = daemon.post(f"/experiments/{done['id']}/predict", {"texts": ["A lovely film.", "Na\u00efve \u2014 caf\u00e9"]})
    assert said.status_code == 200 and len(said.json()["outputs"]) == 2


def test_attention(daemon, trained):
    """Between two recurrent layers; texts alone have the bits that they have beside others."""
    layers = [{"type": "embedding"}, {"type": "gru", "hidden_size": 4}, {"type": "attention", "score": "general"},
              {"type": "qlstm", "variant": "linear", "n_qubits": 3, "hidden_size": 4}]
    done = daemon.train({"model": {"layers": layers}, "data": task(), "training": {**TRAINING, "epochs": 1}})
    assert done["spec"]["model"]["layers"][2] == {"type": "attention", "score": "general", "query": "after"}
    tensors = daemon.get(done["links"]["weights"] + "?format=json").json()["tensors"]
    assert tensors["layers.2.weight"]["shape"] == [4, 4] and "layers.2.query" not in tensors
    texts = [review for _, review in reviews(400)[:9]]
    together = daemon.post(f"/experiments/{done['id']}/predict", {"texts": texts}).json()["probabilities"]
    assert daemon.post(f"/experiments/{done['id']}/predict", {"texts": texts[4:5]}).json()["probabilities"] == together[4:5]


def test_a_quantum_state_over_texts(daemon, trained):
    """Each text ends with its own last token, whatever stands behind it in a batch."""
    done = daemon.train({"type": "hqrnn", "n_qubits": 2, "hidden_size": 3, "data": task(), "training": {**TRAINING, "epochs": 1}})
    texts = [review for _, review in reviews(400)[:9]]
    together = daemon.post(f"/experiments/{done['id']}/predict", {"texts": texts}).json()["probabilities"]
    assert daemon.post(f"/experiments/{done['id']}/predict", {"texts": texts[4:5]}).json()["probabilities"] == together[4:5]


def test_what_there_is_no_place_for(daemon, trained):
    def refused(data, code, **change):
        return problem(daemon.post("/experiments", {"type": "lstm", "hidden_size": 2, "data": task(**data), **change}), 422, code)

    assert "classes is 2; the data set has 3 different labels" in (
        upload(daemon, "text_three", [*reviews(20), ("none", "so so")]) and refused({"dataset": "text_three"}, "invalid"))
    assert "loss is \"mse\"; allowed for task text_classification are" in refused({}, "invalid", training={"loss": "mse"})
    assert "/data/vocabulary" in refused({"num_words": 3}, "unknown_field")
    assert "has no column 'tokens'" in refused({"task": "tagging"}, "invalid")
    assert "no numeric column" in problem(daemon.post("/experiments", {"data": {"dataset": "text_reviews"}}), 422, "invalid")
