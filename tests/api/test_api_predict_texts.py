"""What trained models say of data sets of texts, as experiments of kind prediction: the bits of a run's own predictions,
with and without the truth."""
import csv
import io
import random

import pytest

from api_daemon import problem

WORDS = "bo da fi gu ka le".split()
TRAINING = {"epochs": 2, "batch_size": 8, "optimizer": {"type": "adam", "learning_rate": 0.02}}


def upload(daemon, name, lines, form):
    reply = daemon.request("POST", "/datasets", params={"name": name, "text": form}, data="".join(f"{line}\n" for line in lines).encode(),
                           headers={"Content-Type": "text/plain"})
    assert reply.status_code in (200, 201), reply.text
    return name


def sentences(n, seed=1):
    rng = random.Random(seed)
    return [" ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 9))) for _ in range(n)]


def label(text):
    return "pos" if text.count("bo") >= text.count("da") else "neg"


def tags(text):
    return " ".join("A" if word in "bo da fi" else "B" for word in text.split())


def rows(daemon, run):
    return list(csv.DictReader(io.StringIO(daemon.get(f"/experiments/{run['id']}/predictions").text)))


def report(daemon, run):
    return daemon.get(f"/experiments/{run['id']}/report").json()


def ask(daemon, run, dataset):
    reply = daemon.post(f"/experiments/{run['id']}/predictions", {"dataset": dataset})
    assert reply.status_code == 202, reply.text
    row = daemon.wait(reply.json()["id"])
    assert row["status"] == "succeeded", row["reason_message"]
    return row


def own(daemon, run, dataset, part=None):
    """What it says of this data set, once it was seen that the lines are those of the run, of its part."""
    done = ask(daemon, run, dataset)
    ours, theirs = rows(daemon, done), [row for row in rows(daemon, run) if part in (None, row["part"])]
    assert len(ours) == len(theirs) > 0 and {row["part"] for row in ours} == {"test"}
    for a, b in zip(ours, theirs):
        for row in (a, b):
            for name in ("part", "index", "row") if part else ("part",):
                row.pop(name, None)
        assert a == b
    return done, ours


def test_labels(daemon):
    texts = sentences(120)
    upload(daemon, "apply-labels", [f"{label(text)}\t{text}" for text in texts], "labelled")
    data = {"dataset": "apply-labels", "task": "text_classification", "classes": 2, "vocabulary": 20, "max_length": 6}
    run = daemon.train({"type": "gru", "hidden_size": 4, "data": data, "training": {**TRAINING, "shuffle": True}})
    done, known = own(daemon, run, "apply-labels")
    said = report(daemon, done)
    (test,) = said["metrics"]["test"]
    assert test["samples"] == 120 == said["data"]["samples"] and said["data"]["text"]["labels"] == ["neg", "pos"]
    assert test["accuracy"] == pytest.approx(sum(row["label"] == row["label_predicted"] for row in known) / 120)
    upload(daemon, "apply-unlabelled", texts, "lines")
    blind = ask(daemon, run, "apply-unlabelled")
    assert report(daemon, blind)["metrics"] is None
    assert [{**row, "part": ""} for row in rows(daemon, blind)] == [{"part": "", **{**row, "label": ""}} for row in known]
    upload(daemon, "apply-unknown", [f"{label(texts[0])}\t{texts[0]}", f"odd\t{texts[1]}, never met"], "labelled")
    odd = ask(daemon, run, "apply-unknown")
    assert [row["label"] for row in rows(daemon, odd)] == [label(texts[0]), "odd"] and report(daemon, odd)["metrics"] is None
    assert rows(daemon, odd)[0]["label_probability_pos"] == known[0]["label_probability_pos"]


def test_tags(daemon):
    texts = sentences(80, 2)
    upload(daemon, "apply-tags", [f"{text}\t{tags(text)}" for text in texts], "tagged")
    run = daemon.train({"type": "qlstm", "n_qubits": 2, "hidden_size": 2, "bidirectional": True, "training": TRAINING,
                        "data": {"dataset": "apply-tags", "task": "tagging", "classes": 3, "vocabulary": 20}})
    done, known = own(daemon, run, "apply-tags")
    (test,) = report(daemon, done)["metrics"]["test"]
    assert test["samples"] == len(known) and test["texts"] == 80
    upload(daemon, "apply-untagged", texts, "lines")
    blind = ask(daemon, run, "apply-untagged")
    assert [row["tags_predicted"] for row in rows(daemon, blind)] == [row["tags_predicted"] for row in known]
    assert {row["tags"] for row in rows(daemon, blind)} == {""} and report(daemon, blind)["metrics"] is None


def test_a_running_text(daemon):
    """A part in a file of its own: the same tokens in the same streams, so the same bits and perplexity."""
    texts = sentences(200, 3)
    upload(daemon, "apply-running", texts, "lines")
    upload(daemon, "apply-running-end", texts[150:], "lines")
    data = {"dataset": "apply-running", "task": "language_model", "vocabulary": 20, "length": 8, "split": {"train": 0.75}}
    run = daemon.train({"type": "lstm", "hidden_size": 5, "data": data, "training": TRAINING})
    done, _ = own(daemon, run, "apply-running-end", "test")
    assert report(daemon, done)["metrics"]["test"] == report(daemon, run)["metrics"]["test"]
    upload(daemon, "apply-short", ["bo da"], "lines")
    assert [row["token"] for row in rows(daemon, ask(daemon, run, "apply-short"))] == ["da", "<eos>"]


def test_translations(daemon):
    texts = sentences(60, 4)
    pairs = [f"{text}\t{' '.join(reversed(text.split()))}" for text in texts]
    upload(daemon, "apply-pairs", pairs, "pairs")
    upload(daemon, "apply-pairs-end", pairs[45:], "pairs")
    upload(daemon, "apply-sources", texts[45:], "lines")
    data = {"dataset": "apply-pairs", "task": "translation", "vocabulary": 20, "max_length": 10, "split": {"train": 0.75}, "beam_width": 2}
    run = daemon.train({"type": "gru", "hidden_size": 4, "data": data, "training": TRAINING})
    done, known = own(daemon, run, "apply-pairs-end", "test")
    assert report(daemon, done)["metrics"]["test"] == report(daemon, run)["metrics"]["test"]
    blind = ask(daemon, run, "apply-sources")
    assert [row["target_predicted"] for row in rows(daemon, blind)] == [row["target_predicted"] for row in known]
    assert report(daemon, blind)["metrics"] is None and {row["target"] for row in rows(daemon, blind)} == {""}


def test_data_of_another_kind(daemon):
    texts = sentences(40, 5)
    upload(daemon, "apply-few", [f"{label(text)}\t{text}" for text in texts], "labelled")
    run = daemon.train({"type": "rnn", "hidden_size": 2, "training": {**TRAINING, "epochs": 1},
                        "data": {"dataset": "apply-few", "task": "text_classification", "classes": 2, "vocabulary": 20}})
    daemon.upload("apply-csv", "text,label\na b,1\nb,2\n")
    upload(daemon, "apply-few-pairs", [f"{text}\t{text}" for text in texts], "pairs")
    path = f"/experiments/{run['id']}/predictions"
    assert "no such column of texts" in problem(daemon.post(path, {"dataset": "sine"}), 422, "invalid", "/data/inputs/0")
    assert "no such column of texts" in problem(daemon.post(path, {"dataset": "apply-few-pairs"}), 422, "invalid", "/data/inputs/0")
    assert "text=labelled" in problem(daemon.post(path, {"dataset": "apply-csv"}), 422, "invalid", "/data/dataset")
    numbers = daemon.train({"data": {"dataset": "sine"}, "type": "rnn", "hidden_size": 1, "training": {"epochs": 1}})
    problem(daemon.post(f"/experiments/{numbers['id']}/predictions", {"dataset": "apply-few"}), 422, "invalid", "/data/inputs/0")
