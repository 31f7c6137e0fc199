"""POST /experiments/{id}/generate: the model's probabilities to the bit, draws that repeat, refusals with their place."""
import csv
import io
import json
import math
import pathlib

import pytest

from api_daemon import ROOT, problem

RECIPE = pathlib.Path(ROOT) / "schema" / "recipes" / "qrnn_simple_seq.json"
XOR = {"dataset": "elman_xor", "task": "words", "word_bits": 2, "length": 36}
LENGTH = 20


@pytest.fixture(scope="module")
def trained(daemon):
    """Knows its two sequences somewhat: what it draws varies."""
    spec = json.loads(RECIPE.read_text())
    spec["data"]["alphabet"] = "0123ü"
    spec["training"]["epochs"] = 30
    return daemon.train(spec)


def ask(daemon, experiment, **body):
    return daemon.post(f"/experiments/{experiment['id']}/generate", body)


def sequences(daemon, experiment, **body):
    reply = ask(daemon, experiment, **body)
    assert reply.status_code == 200, reply.text
    return reply.json()["sequences"]


def predicted(daemon, experiment):
    """Of the training sequences: the probabilities of every word, by position."""
    rows = csv.DictReader(io.StringIO(daemon.get(experiment["links"]["predictions"]).text))
    return {(int(row["index"]), int(row["position"])): [float(row[f"target_probability_{k}"]) for k in range(8)]
            for row in rows if row["part"] == "train"}


def test_a_long_prompt_is_told_its_probabilities(daemon, trained):
    """A measured model is postselected on the prompt. Where training sequences agree with what was drawn for the
    predictions, which they do here at the first step, the bits are those of predictions.csv."""
    told = predicted(daemon, trained)
    prompt = [i % 4 for i in range(LENGTH - 1)]
    one, = sequences(daemon, trained, prompt=prompt, postselect=True)
    assert one["words"][:-1] == prompt and len(one["words"]) == len(one["probabilities"]) == LENGTH
    assert one["probabilities"][0] is None and one["probabilities"][1] == told[0, 1][1]
    assert all(0 < p <= 1 for p in one["probabilities"][1:])
    assert one["text"] == "".join("0123ü\ufffd\ufffd\ufffd"[word] for word in one["words"])
    # As text, and as a continuation that happened to draw the same words.
    assert sequences(daemon, trained, prompt=one["text"][:-1], temperature=0) == [one]


def test_draws_repeat_and_follow_the_probabilities(daemon, trained):
    drawn = sequences(daemon, trained, prompt=[0, 1], length=4, samples=200, seed=7)
    assert drawn == sequences(daemon, trained, prompt=[0, 1], length=4, samples=200, seed=7)
    assert drawn[:70] == sequences(daemon, trained, prompt=[0, 1], length=4, samples=70, seed=7)
    assert drawn != sequences(daemon, trained, prompt=[0, 1], length=4, samples=200, seed=8)
    thirds = {}
    for one in drawn:
        thirds.setdefault(one["words"][2], []).append(one["probabilities"][2])
    assert len(thirds) > 1 and all(len(set(told)) == 1 for told in thirds.values())
    for told in thirds.values():
        chance = told[0]
        assert abs(len(told) / 200 - chance) < 5 * math.sqrt(chance * (1 - chance) / 200) + 0.01
    likeliest, = sequences(daemon, trained, prompt=[0, 1], length=4, temperature=0)
    cold = sequences(daemon, trained, prompt=[0, 1], length=4, samples=20, temperature=0.02)
    assert all(one == likeliest for one in cold)
    hot = sequences(daemon, trained, prompt=[0, 1], length=4, samples=200, temperature=100)
    assert len({one["words"][2] for one in hot}) > len(thirds)


def test_any_model_of_words(daemon):
    row = daemon.train({"data": XOR, "model": {"layers": [{"type": "gru", "hidden_size": 3}]},
                        "training": {"epochs": 1, "loss": "cross_entropy", "batch_size": 64}})
    one, = sequences(daemon, row, prompt=[1, 0], length=9, seed=1)
    assert len(one["words"]) == 9 and "text" not in one
    # The next word's probability, said by a prompt that has it.
    again, = sequences(daemon, row, prompt=one["words"][:8], length=9, seed=1)
    assert again == one
    assert len(sequences(daemon, row, prompt=[1])[0]["words"]) == 36


@pytest.mark.parametrize("body, code, pointer", [
    ({}, "missing", "/prompt"),
    ({"prompt": []}, "invalid", "/prompt"),
    ({"prompt": ""}, "invalid", "/prompt"),
    ({"prompt": "01x"}, "invalid", "/prompt"),
    ({"prompt": 1}, "wrong_type", "/prompt"),
    ({"prompt": [0, 8]}, "invalid", "/prompt/1"),
    ({"prompt": [0, 1.5]}, "invalid", "/prompt/1"),
    ({"prompt": [0, -1]}, "invalid", "/prompt/1"),
    ({"prompt": [0] * 20}, "invalid", "/length"),
    ({"prompt": [0], "length": 1}, "out_of_range", "/length"),
    ({"prompt": [0], "length": 4097}, "out_of_range", "/length"),
    ({"prompt": [0], "length": 4096, "samples": 256}, "too_large", "/length"),
    ({"prompt": [0], "length": "9"}, "wrong_type", "/length"),
    ({"prompt": [0], "samples": 257}, "out_of_range", "/samples"),
    ({"prompt": [0], "temperature": -1}, "out_of_range", "/temperature"),
    ({"prompt": [0], "temperature": 1, "postselect": True}, "invalid", "/temperature"),
    ({"prompt": [0], "postselect": 1}, "wrong_type", "/postselect"),
    ({"prompt": [0], "seed": 2.5}, "wrong_type", "/seed"),
    ({"prompt": [0], "top_k": 3}, "unknown_field", "/top_k"),
])
def test_refused_with_the_place(daemon, trained, body, code, pointer):
    problem(ask(daemon, trained, **body), 422, code, pointer)


def test_other_refusals(daemon, trained):
    path = f"/experiments/{trained['id']}/generate"
    assert daemon.request("POST", path, data="{").status_code == 400
    assert daemon.request("POST", path, data="").status_code == 400
    assert daemon.request("POST", path, data="a", headers={"Content-Type": "text/csv"}).status_code == 415
    problem(ask(daemon, {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, prompt=[0]), 404, "not_found")
    series = daemon.train({"hidden_size": 2, "n_qubits": 2, "training": {"epochs": 1}})
    assert "words" in problem(ask(daemon, series, prompt=[0]), 409, "conflict")


@pytest.mark.parametrize("alphabet, words", [("aba", "twice"), ("0123456789", "10 characters; there are 8")])
def test_an_alphabet_is_one(daemon, alphabet, words):
    spec = json.loads(RECIPE.read_text())
    spec["data"]["alphabet"] = alphabet
    assert words in problem(daemon.post("/experiments", spec), 422, "invalid", "/data/alphabet")
