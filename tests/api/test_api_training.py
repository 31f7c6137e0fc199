"""Validation parts, splits by date, what ends training, groups of parameters; what is refused."""
import csv
import io
import math

import pytest

LSTM = {"layers": [{"type": "lstm", "hidden_size": 3}]}
QUICK = {"epochs": 5, "batch_size": 8, "optimizer": {"type": "adam", "learning_rate": 0.02}}
TEXT = "day,value\n" + "".join(
    f"2021-{1 + i // 28:02d}-{1 + i % 28:02d},{math.sin(0.4 * i) + 3:.6f}\n" for i in range(140))


@pytest.fixture(scope="module")
def dated(daemon):
    daemon.post("/datasets?name=days", TEXT, headers={"Content-Type": "text/csv"})
    return "days"


def parts(daemon, row):
    return [line["part"] for line in csv.DictReader(io.StringIO(daemon.get(row["links"]["predictions"]).text))]


def test_a_validation_part_chooses_the_best_epoch(daemon):
    row = daemon.train({"model": LSTM, "training": {**QUICK, "keep": "best"}, "data": {
        "split": {"train": 0.6, "validation": 0.2}}})
    assert (row["data"]["train"], row["data"]["validation"], row["data"]["test"]) == (141, 47, 47)
    results, history = row["results"], daemon.get(row["links"]["metrics"]).json()["metrics"]
    best = min(history, key=lambda line: line["validation_loss"])
    assert results["best_epoch"] == best["epoch"] and results["best_validation_loss"] == best["validation_loss"]
    assert results["best_test_loss"] is None and results["validation_rmse"] == history[-1]["validation_rmse"]
    assert parts(daemon, row) == ["train"] * 141 + ["validation"] * 47 + ["test"] * 47
    report = daemon.get(row["links"]["report"]).json()
    assert set(report["metrics"]) == set(report["baselines"]["linear"]) == {"train", "validation", "test"}
    # The kept epoch is the best one: what it says of the validation part is what was measured then.
    assert report["metrics"]["validation"][0]["rmse"] == pytest.approx(best["validation_rmse"], rel=1e-12)
    assert report["results"] == {**results, "epochs": 5, "kept_epoch": best["epoch"]}


def test_parts_that_end_at_a_date(daemon, dated):
    row = daemon.train({"model": LSTM, "training": QUICK, "data": {"dataset": dated, "inputs": ["value"], "split": {
        "train_until": "2021-04-01", "validation_until": "2021-05-01"}}})
    found = [(line["part"], line["time"]) for line in csv.DictReader(
        io.StringIO(daemon.get(row["links"]["predictions"]).text))]
    assert all(part == ("train" if time < "2021-04-01" else "validation" if time < "2021-05-01" else "test")
               for part, time in found)
    assert {part for part, _ in found} == {"train", "validation", "test"}


def test_training_that_gets_no_better_ends(daemon):
    row = daemon.train({"model": LSTM, "training": {
        **QUICK, "epochs": 90, "patience": 2, "optimizer": {"type": "sgd", "learning_rate": 1e-300}}})
    assert row["progress"]["epoch"] == 3 and row["results"]["best_epoch"] == 1 and row["status"] == "succeeded"


def test_the_learning_rate_of_each_epoch(daemon):
    row = daemon.train({"model": LSTM, "training": {
        **QUICK, "schedule": {"type": "step", "step_epochs": 2, "factor": 0.5, "warmup_epochs": 2}}})
    rates = [line["learning_rate"] for line in daemon.get(row["links"]["metrics"]).json()["metrics"]]
    assert rates == pytest.approx([0.01, 0.02, 0.01, 0.01, 0.005])


@pytest.mark.parametrize("loss, more", [("huber", {"huber_delta": 0.5}), ("quantile", {"quantile": 0.9})])
def test_losses_of_numbers(daemon, loss, more):
    row = daemon.train({"model": LSTM, "training": {**QUICK, "loss": loss, **more}})
    assert row["spec"]["training"]["loss"] == loss and row["results"]["train_loss"] > 0


def test_classes_against_the_rest_and_weighed(daemon):
    text = "x,label\n" + "".join(f"{math.sin(i)},{int(i % 5 == 0) + 2 * int(i % 7 == 0) % 3}\n" for i in range(60))
    daemon.post("/datasets?name=rare", text, headers={"Content-Type": "text/csv"})
    row = daemon.train({"model": LSTM, "data": {"dataset": "rare", "task": "classification", "classes": 4, "split": {
        "shuffle": True}}, "training": {**QUICK, "loss": "bce", "balance_classes": True, "epochs": 1}})
    line = next(csv.DictReader(io.StringIO(daemon.get(row["links"]["predictions"]).text)))
    assert sum(float(line[f"label_probability_{k}"]) for k in range(4)) == pytest.approx(1)


@pytest.mark.parametrize("spec, pointer, words", [
    ({"data": {"split": {"train": 0.8, "validation": 0.2}}}, "/data/split/validation", "no test window"),
    ({"data": {"split": {"train_until": 400}}}, "/data/split/train_until", "no test window"),
    ({"data": {"split": {"train_until": 90, "shuffle": True}}}, "/data/split/shuffle", "random order"),
    ({"training": {"freeze": ["layers.9."]}}, "/training/freeze/0", "no tensor"),
    ({"training": {"freeze": ["quantum", "classical"]}}, "/training/freeze", "nothing is left"),
    ({"training": {"optimizer": {"type": "sgd", "nesterov": True}}}, "/training/optimizer/nesterov", "momentum"),
    ({"training": {"huber_delta": 2}}, "/training/huber_delta", "huber"),
    ({"training": {"schedule": {"type": "cosine", "factor": 0.5}}}, "/training/schedule/factor", "plateau"),
])
def test_what_does_not_fit(daemon, spec, pointer, words):
    reply = daemon.post("/experiments?validate_only=true", spec)
    assert reply.status_code == 422, reply.text
    error = reply.json()["errors"][0]
    assert error["pointer"] == pointer and words in error["message"], error
