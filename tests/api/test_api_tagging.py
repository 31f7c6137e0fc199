"""Texts with a tag for each token, from upload to predictions: a made-up language whose tags follow from endings and
neighbours."""
import csv
import io
import json
import os
import random
import subprocess

import pytest

from api_daemon import BUILD, Daemon, poll, problem

ENDINGS = {"ko": "NOUN", "ma": "VERB", "li": "ADJ"}
TASK = {"task": "tagging", "classes": 5, "vocabulary": 200}
TRAINING = {"epochs": 12, "batch_size": 16, "shuffle": True, "optimizer": {"type": "adam", "learning_rate": 0.02}}


def sentences(n, seed=1):
    """`so` is a verb behind a noun and a noun elsewhere."""
    rng = random.Random(seed)
    made = []
    for _ in range(n):
        tokens, tags = [], []
        for _ in range(rng.randint(1, 12)):
            if rng.random() < 0.25:
                tokens.append("so")
                tags.append("VERB" if tags and tags[-1] == "NOUN" else "NOUN")
            else:
                ending = rng.choice(sorted(ENDINGS))
                tokens.append(rng.choice("bdfgptkz") + rng.choice("aeiou") + ending)
                tags.append(ENDINGS[ending])
        made.append((tokens, tags))
    return made


def by_token(texts):
    return "\n".join("".join(f"{token}\t{tag}\n" for token, tag in zip(*text)) for text in texts)


def by_line(texts):
    return "".join(f"{' '.join(tokens)}\t{' '.join(tags)}\n" for tokens, tags in texts)


def upload(daemon, name, text, form="tagged"):
    return daemon.request("POST", "/datasets", params={"name": name, "text": form}, data=text.encode(),
                          headers={"Content-Type": "text/plain"})


@pytest.fixture(scope="module")
def trained(daemon):
    row = upload(daemon, "tag_tokens", by_token(sentences(300))).json()
    assert row["rows"] == 300 and [column["type"] for column in row["columns"]] == ["text", "text"]
    assert row["description"]["dialect"] == {"skip_rows": 0, "encoding": "utf-8", "text": "tagged"}
    assert "300 sentences, a token a line" in row["description"]["notes"][0]
    return daemon.train({"type": "lstm", "hidden_size": 12, "data": {"dataset": "tag_tokens", **TASK}, "training": TRAINING})


def test_what_a_run_leaves(daemon, trained):
    assert trained["status"] == "succeeded"
    assert trained["spec"]["model"]["layers"][0] == {"type": "embedding", "classes": 200, "dimension": 8}
    report = daemon.get(trained["links"]["report"]).json()
    test = report["metrics"]["test"][0]
    baseline = report["baselines"]["most_frequent_tag"]["test"][0]
    assert test["accuracy"] > 0.95 > baseline["accuracy"] > 0.6  # neighbours decide what so is
    assert test["f1"] > baseline["f1"] and test["texts"] == trained["data"]["test"]
    assert {row["class"]: row["support"] for row in test["by_class"]}.keys() == {"ADJ", "NOUN", "VERB"}
    assert report["data"]["text"]["labels"] == ["ADJ", "NOUN", "VERB"]
    rows = list(csv.DictReader(io.StringIO(daemon.get(trained["links"]["predictions"]).text)))
    made = sentences(300)
    assert len(rows) == sum(len(tokens) for tokens, _ in made)
    place = [(int(row["index"]), int(row["position"])) for row in rows]
    assert place == [(i, t) for i, (tokens, _) in enumerate(made) for t in range(len(tokens))]
    assert [row["token"] for row in rows] == [token for tokens, _ in made for token in tokens]
    assert [row["tags"] for row in rows] == [tag for _, tags in made for tag in tags]
    right = [row["tags"] == row["tags_predicted"] for row in rows if row["part"] == "test"]
    assert sum(right) / len(right) == pytest.approx(test["accuracy"], abs=1e-12)


def test_new_sentences_have_the_bits_of_the_old(daemon, trained):
    """Alone, and beside others of any length."""
    rows = list(csv.DictReader(io.StringIO(daemon.get(trained["links"]["predictions"]).text)))
    texts = [" ".join(tokens) for tokens, _ in sentences(300)[:70]]
    together = daemon.post(f"/experiments/{trained['id']}/predict", {"texts": texts}).json()
    assert together["targets"] == ["tags"] and len(together["outputs"]) == 70
    said = [(i, token, tag, probability) for i, output in enumerate(together["outputs"])
            for token, tag, probability in zip(output["tokens"], output["tags"], output["probabilities"])]
    written = [(int(row["index"]), row["token"], row["tags_predicted"], float(row["probability"])) for row in rows]
    assert said == written[:len(said)]
    for i in (0, 13):
        alone = daemon.post(f"/experiments/{trained['id']}/predict", {"texts": [texts[i]]}).json()
        assert alone["outputs"] == [together["outputs"][i]]


def test_both_layouts_and_any_threads_give_the_same_weights(daemon, trained, tmp_path):
    made = sentences(300)
    assert upload(daemon, "tag_lines", by_line(made)).json()["rows"] == 300
    twin = daemon.train({"type": "lstm", "hidden_size": 12, "data": {"dataset": "tag_lines", **TASK}, "training": TRAINING})
    weights = [daemon.get(run["links"]["weights"] + "?format=json").json()["tensors"] for run in (trained, twin)]
    assert weights[0] == weights[1]
    (tmp_path / "data.csv").write_text(by_line(made))
    spec = {"type": "qlstm", "variant": "linear", "n_qubits": 6, "depth": 2, "bidirectional": True, "hidden_size": 3,
            "data": {"dataset": "t", **TASK}, "training": {**TRAINING, "epochs": 1, "batch_size": 64}}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    files = []
    for name, isa, threads in (("a", "x86-64-v3", "1"), ("b", "x86-64-v3", "3"), ("c", None, "2")):
        command = [str(BUILD / "qlstm-worker"), *(("--isa", isa) if isa else ()), "train", str(tmp_path / "spec.json"),
                   "--data", str(tmp_path / "data.csv"), "--dialect", '{"text": "tagged"}', "--out", str(tmp_path / name),
                   "--threads", threads]
        assert subprocess.run(command, capture_output=True, timeout=300).returncode == 0
        files.append((tmp_path / name / "predictions.csv").read_bytes())
    assert files[0] == files[1] == files[2]


def test_a_killed_run_ends_with_the_same_bytes(tmp_path):
    runs = []
    for name in ("whole", "killed"):
        os.mkdir(tmp_path / name)
        daemon = Daemon(tmp_path / name, "--checkpoint", "0").start()
        upload(daemon, "tag_killed", by_line(sentences(200, 3)))
        run = daemon.post("/experiments", {"type": "gru", "hidden_size": 16, "data": {"dataset": "tag_killed", **TASK},
                                           "training": {**TRAINING, "epochs": 25}}).json()
        if name == "killed":
            def epochs():
                return daemon.get(f"/experiments/{run['id']}").json()["progress"]["epoch"] >= 3
            poll(epochs, "three epochs")
            daemon.process.kill()
            daemon.process.wait()
            daemon.process.stdout.close()
            daemon.start()
        poll(lambda: daemon.get(f"/experiments/{run['id']}").json()["terminal"], "the end")
        runs.append(daemon.get(f"/experiments/{run['id']}/predictions").content)
        daemon.close()
    assert runs[0] == runs[1] and runs[0].count(b"\n") > 200


def test_refusals(daemon, trained):
    assert "line 1: there is no tab" in problem(upload(daemon, "tag_no", "a b\n"), 400, "syntax")
    assert "'labelled', 'pairs'" in problem(upload(daemon, "tag_no", "a\tb\n", "x"), 422, "invalid")

    def refused(change, code):
        data = {"dataset": "tag_tokens", **TASK, **change.pop("data", {})}
        return problem(daemon.post("/experiments", {"type": "lstm", "hidden_size": 3, "data": data, **change}), 422, code)

    assert "how many different tags" in problem(
        daemon.post("/experiments", {"type": "lstm", "data": {"dataset": "tag_tokens", "task": "tagging"}}), 422, "missing")
    assert "classes is 2; the data set has 3 different tags" in refused({"data": {"classes": 2}}, "invalid")
    assert "has no column 'tokens'" in refused({"data": {"dataset": "damped_shm"}}, "invalid")
    assert "vocabulary" in refused({"data": {"vocabulary": 3}}, "out_of_range")
    assert "/data/vocabulary" in refused({"data": {"num_words": 30}}, "unknown_field")
    layers = [{"type": "lstm", "hidden_size": 3}]
    body = {"data": {"dataset": "tag_tokens", **TASK}, "model": {"layers": layers}}
    assert "the first layer is an embedding" in problem(daemon.post("/experiments", body), 422, "invalid")
    layers.insert(0, {"type": "embedding", "classes": 20})
    assert "so many tokens may come in" in problem(daemon.post("/experiments", body), 422, "invalid")
    body["model"]["layers"] = [{"type": "embedding"}, *layers[1:], {"type": "batch_norm"}]
    assert "takes sequences of one length" in problem(daemon.post("/experiments", body), 422, "invalid")
    ask = f"/experiments/{trained['id']}/predict"
    assert "texts[1] has 0 tokens" in problem(daemon.post(ask, {"texts": ["boko", " "]}), 422, "invalid")
    assert problem(daemon.post(ask, {"texts": [3]}), 422, "wrong_type") == "texts[0] is an integer; a text is expected"
    assert "known is texts" in problem(daemon.post(ask, {"inputs": [[[1]]]}), 422, "unknown_field")
    assert "reads texts" in problem(daemon.post(f"/v2/models/{trained['id']}/infer", {"inputs": []}), 409, "conflict")
