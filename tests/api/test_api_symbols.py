"""Texts of symbols: letters and bases as what a network is trained on."""
import pathlib
import random

from api_daemon import problem

PROMOTERS = pathlib.Path(__file__).with_name("promoters.txt").read_text()


def upload(daemon, name, text, **said):
    return daemon.request("POST", "/datasets", params={"name": name, **said}, data=text.encode(),
                          headers={"Content-Type": "text/plain"})


def test_promoters_end_to_end(daemon):
    """106 sequences of E. coli: 57 bases each, promoter or not."""
    lines = PROMOTERS.splitlines()
    random.Random(1).shuffle(lines)  # the file has all of one class first
    row = upload(daemon, "promoters", "\n".join(lines) + "\n", symbols="acgt").json()
    assert row["rows"] == 106 and len(row["columns"]) == 57 * 4 + 1
    assert [column["name"] for column in row["columns"][:5]] == ["s0_a", "s0_c", "s0_g", "s0_t", "s1_a"]
    assert row["description"]["dialect"] == {
        "skip_rows": 0, "encoding": "utf-8", "symbols": "acgt", "labels": "+,-", "symbols_as": "one_hot", "pad": False}
    assert "the labels +,- are the classes from 0 to 1" in row["description"]["notes"]
    first = ["acgt".index(base) for base in lines[0].split()[1]]
    assert row["description"]["preview"][0] == [float(k == first[p]) for p in range(8) for k in range(4)]
    for model in ({"type": "lstm", "hidden_size": 8}, {"variant": "linear", "n_qubits": 4, "hidden_size": 6}):
        done = daemon.train({**model, "data": {"dataset": "promoters", "task": "classification", "steps": 19, "classes": 2},
                             "training": {"epochs": 60, "batch_size": 16, "loss": "cross_entropy",
                                          "optimizer": {"type": "adam", "learning_rate": 0.02}}})
        assert done["data"]["train"] + done["data"]["test"] == 106
        assert done["results"]["train_accuracy"] > 0.85, done["results"]
        given = daemon.get(done["links"]["predictions"]).text.splitlines()
        assert len(given) == 107
        some = "".join(line.split()[1] + "\n" for line in lines[:7])  # sequences alone, as new ones are
        said = daemon.request("POST", f"/experiments/{done['id']}/predict", params={"symbols": "acgt"}, data=some,
                              headers={"Content-Type": "text/plain"}).json()
        rows = [[[float(base == letter) for base in line.split()[1][3 * step:3 * step + 3] for letter in "acgt"]
                 for step in range(19)] for line in lines[:7]]
        assert said["probabilities"] == daemon.post(f"/experiments/{done['id']}/predict", {"inputs": rows}).json()["probabilities"]


def test_what_is_said_and_what_is_found(daemon):
    found = upload(daemon, "letters_found", "b\tXYZ\na\tZZX\n", symbols="found", symbols_as="index").json()
    assert [column["name"] for column in found["columns"]] == ["s0", "s1", "s2", "label"]
    assert found["description"]["preview"] == [[0, 1, 2, 1], [2, 2, 0, 0]]
    pairs = upload(daemon, "letter_pairs", "abba\tbaab\nbbbb\taaaa\n", symbols="ab", symbols_as="positions").json()
    assert pairs["rows"] == 8 and pairs["description"]["preview"][:2] == [[0, 1], [1, 0]]
    done = daemon.train({"type": "lstm", "hidden_size": 2, "training": {"epochs": 1, "loss": "cross_entropy"},
                         "data": {"dataset": "letter_pairs", "task": "words", "word_bits": 1, "length": 2}})
    assert done["status"] == "succeeded"


def test_refusals(daemon):
    said = problem(upload(daemon, "no", "+ acgt\n- acgN\n", symbols="acgt"), 422, "invalid")
    assert said == "line 2: 'N' at place 4 is not among the symbols 'acgt'"
    assert "say symbols=found" in problem(upload(daemon, "no", "+ acgt\n- acgt\n"), 422, "invalid")
    assert "say symbols=found too" in problem(upload(daemon, "no", "1\n2\n", pad="true"), 422, "missing")
    assert "allowed are 'one_hot', 'index'" in problem(upload(daemon, "no", "a\nb\n", symbols="ab", symbols_as="x"), 422, "invalid")
