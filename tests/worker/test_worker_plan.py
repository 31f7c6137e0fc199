"""`plan`: what a spec would cost, and whether the service says the same."""

import math

import pytest

from qlstm_worker import ROOT, answer, dump, problem, run

KINDS = ["reference", "batch", "local", "wide"]


UPDATE = 3.7e-9  # seconds of a parameter and batch: of rmsprop, the default


def updates(account):
    """Of one batch, for each of its windows; with many parameters more, as caches are small."""
    total = account["parameters"]["total"]
    return UPDATE * total * (1.5 if total > 50000 else 1) / account["batch_size"]


def plan(folder, spec, *more, speed=100):
    return answer("plan", dump(folder / "spec.json", spec), "--json", "--speed", speed, *more)


def chosen(circuit):
    return next(kind for kind in circuit["kinds"] if kind["plan"] == circuit["plan"])


def test_a_circuit_has_every_kind_and_the_cheapest_is_chosen(tmp_path):
    account = plan(tmp_path, {"variant": "chen2020"})
    layer, head = account["layers"]
    assert [circuit["role"] for circuit in layer["circuits"]] == ["gates", "hidden", "output"]
    assert [circuit["calls_per_batch"] for circuit in layer["circuits"]] == [16, 3, 1]
    assert [circuit["outputs"] for circuit in layer["circuits"]] == [4, 3, 4]
    for circuit in layer["circuits"]:
        assert sorted(kind["plan"] for kind in circuit["kinds"]) == sorted(KINDS)
        assert (circuit["n_qubits"], circuit["features"], circuit["weights"]) == (4, 4, 24)
        assert chosen(circuit)["ns_per_sample"] == min(k["ns_per_sample"] for k in circuit["kinds"] if k["possible"])
        assert "cheapest" in circuit["why"]
    assert head["type"] == "dense" and head["circuits"] == [] and head["classical"] == 5


def test_what_does_not_apply_says_why(tmp_path):
    (circuit,) = plan(tmp_path, {"n_qubits": 25, "depth": 6})["layers"][0]["circuits"]
    refused = {kind["plan"]: kind["reason"] for kind in circuit["kinds"] if not kind["possible"]}
    assert "memory" in refused["batch"] and "cuts" in refused["local"]
    for kind in circuit["kinds"]:
        assert kind["possible"] == (kind["reason"] is None) == (kind["ns_per_sample"] is not None)


def test_the_sum_over_circuits_is_most_of_a_batch(tmp_path):
    account = plan(tmp_path, {"variant": "chen2020", "bidirectional": True, "training": {"batch_size": 32}})
    circuits = account["layers"][0]["circuits"]
    assert all(circuit["plans"] == 2 for circuit in circuits)
    for circuit in circuits:
        # Sets of weights that share a call cost less than a call each, and what a call keeps is not computed again.
        most = 1e-9 * circuit["calls_per_batch"] * 32 * chosen(circuit)["ns_per_sample"]
        least = 0.85 * most / circuit["sets_of_weights"]
        assert least * (1 - 1e-9) <= circuit["seconds_per_batch"] <= most * (1 + 1e-9)
    total = sum(circuit["seconds_per_batch"] for circuit in circuits)
    assert 0.5 * account["seconds"]["per_batch"] < total < account["seconds"]["per_batch"]
    assert account["bytes"]["plans"] == sum(2 * chosen(circuit)["bytes"] for circuit in circuits)


def test_the_speed_of_the_machine_divides_every_time_and_chooses_nothing(tmp_path):
    here, there = (plan(tmp_path, {"variant": "chen2020"}, speed=speed) for speed in (100, 400))
    assert there["speed"] == 4 and there["seconds"]["training"] == pytest.approx(here["seconds"]["training"] / 4)
    for slow, quick in zip(here["layers"][0]["circuits"], there["layers"][0]["circuits"]):
        assert slow["plan"] == quick["plan"]
        assert quick["seconds_per_batch"] == pytest.approx(slow["seconds_per_batch"] / 4)
        assert chosen(quick)["ns_per_sample"] == pytest.approx(chosen(slow)["ns_per_sample"] / 4)


def test_the_speed_is_measured_where_it_is_not_said(tmp_path):
    account = answer("plan", dump(tmp_path / "spec.json", {}), "--json")
    said = plan(tmp_path, {}, speed=100)
    assert account["speed"] >= 0.01
    assert account["seconds"]["training"] == pytest.approx(said["seconds"]["training"] / account["speed"])


def test_numbers_of_parameters_are_those_of_describe(tmp_path):
    layers = [{"type": "lstm", "hidden_size": 3}, {"type": "qlstm", "hidden_size": 2, "n_qubits": 3}]
    spec = {"model": {"layers": layers}}
    account, described = plan(tmp_path, spec), answer("describe", tmp_path / "spec.json")
    parameters = account["parameters"]
    assert [parameters[key] for key in ("total", "quantum", "classical")] == [
        described[key] for key in ("parameters", "quantum", "classical")
    ]
    for kind in ("quantum", "classical"):
        assert sum(layer[kind] for layer in account["layers"]) == parameters[kind]


def test_seconds_follow_windows_batches_and_epochs(tmp_path):
    account = plan(tmp_path, {"training": {"epochs": 7, "batch_size": 16}})
    seconds, data = account["seconds"], account["data"]
    assert data == {"dataset": "damped_shm", "rows": 240, "train": 157, "test": 78}
    assert seconds["per_1000_windows"] == pytest.approx(1000 / 16 * seconds["per_batch"])
    assert seconds["per_epoch"] == pytest.approx((157 + 78 / 3) / 16 * seconds["per_batch"] + 157 * updates(account))
    assert seconds["training"] == pytest.approx(7 * seconds["per_epoch"])


def texts(folder, lines):
    path = folder / "texts.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_running_text_is_counted_by_its_tokens(tmp_path):
    """Parts of 200, 40 and 60 lines of ten words and an end, each cut into four streams, and these into pieces of 20."""
    path = texts(tmp_path, ["a b c d e f g h i j"] * 300)
    spec = {"data": {"dataset": "mine", "task": "language_model", "length": 20, "vocabulary": 20,
                     "split": {"train_until": 200, "validation_until": 240}},
            "training": {"batch_size": 4, "epochs": 3}, "type": "lstm"}  # fmt: skip
    account = plan(tmp_path, spec, "--data", path, "--dialect", '{"text":"lines"}')
    train, validation, test = (4 * math.ceil(math.ceil((11 * lines - 1) / 4) / 20) for lines in (200, 40, 60))
    assert account["data"] == {"dataset": "mine", "rows": 300, "train": train, "test": validation + test}
    seconds = account["seconds"]
    assert seconds["per_epoch"] == pytest.approx((train + (validation + test) / 3) / 4 * seconds["per_batch"]
                                                 + train * updates(account))


def test_short_texts_take_as_long_as_the_longest_of_their_batch(tmp_path):
    """Batches of two texts, with 5 and 5, 5 and 40 tokens; in the test part 40 and 5."""
    long, short = "good\t" + "a " * 40, "bad\t" + "a " * 5
    path = texts(tmp_path, [short, short, short, long, long, short])
    spec = {"data": {"dataset": "mine", "task": "text_classification", "classes": 2, "max_length": 80,
                     "split": {"train_until": 4}},
            "training": {"batch_size": 2, "shuffle": False}, "type": "lstm"}  # fmt: skip
    account = plan(tmp_path, spec, "--data", path, "--dialect", '{"text":"labelled"}')
    seconds = account["seconds"]
    assert seconds["per_epoch"] == pytest.approx((5 + 40 + 40 / 3) / 80 * seconds["per_batch"] + 4 * updates(account))
    # A quarter of the tokens that there could be.
    longest = plan(tmp_path, spec, "--data", texts(tmp_path, [long + "a " * 40] * 6), "--dialect", '{"text":"labelled"}')
    assert longest["seconds"]["per_epoch"] == pytest.approx((160 + 80 / 3) / 80 * seconds["per_batch"] + 4 * updates(account))


def test_the_service_counts_texts_in_the_same_way(tmp_path, make_daemon):
    daemon = make_daemon("--speed", "100", "--threads", "1")
    path = texts(tmp_path, [f"w{k % 7} w{k % 11} and {'so on ' * (k % 5)}" for k in range(400)])
    answered = daemon.post("/datasets?name=running&text=lines", path.read_bytes())
    assert answered.status_code == 201, answered.text
    spec = {"data": {"dataset": "running", "task": "language_model", "length": 20, "vocabulary": 30},
            "training": {"batch_size": 4, "epochs": 3}, "type": "lstm"}  # fmt: skip
    for seed in (1, 2):  # the second time from what is remembered
        spec["training"]["seed"] = seed
        said = daemon.post("/experiments?validate_only=true", spec).json()
        account = plan(tmp_path, said["spec"], "--data", path, "--dialect", '{"text":"lines"}')
        assert account["seconds"]["training"] == said["engine"]["estimated_seconds"]
        assert account["bytes"]["total"] == said["engine"]["estimated_bytes"]


def test_an_upload_is_counted_where_it_is_given(tmp_path):
    spec = {"data": {"dataset": "mine", "window": 8}}
    unknown = plan(tmp_path, spec)
    assert unknown["data"] == {"dataset": "mine", "rows": None, "train": None, "test": None}
    assert unknown["seconds"]["per_epoch"] is None and unknown["seconds"]["per_1000_windows"] > 0
    known = plan(tmp_path, spec, "--data", ROOT / "clients/curl/airpassengers.csv")
    assert known["data"]["rows"] == 144 and known["data"]["train"] > known["data"]["test"] > 0
    assert known["seconds"]["per_1000_windows"] == unknown["seconds"]["per_1000_windows"]
    assert known["seconds"]["per_epoch"] > 0 and known["bytes"]["data"] > 0


@pytest.mark.parametrize("spec", [{}, {"variant": "chen2024", "training": {"batch_size": 64}}, {"type": "lstm"}])
def test_the_service_estimates_the_same(tmp_path, make_daemon, spec):
    daemon = make_daemon("--speed", "250")
    queued = daemon.post("/experiments", {**spec, "training": {"epochs": 1, **spec.get("training", {})}}).json()
    account = plan(tmp_path, queued["spec"], speed=250)
    assert account["seconds"]["training"] == queued["engine"]["estimated_seconds"]
    assert account["parameters"]["total"] == queued["model"]["parameters"]
    daemon.wait(queued["id"])


def test_the_service_refuses_in_the_same_words(tmp_path, make_daemon):
    daemon = make_daemon("--speed", "100")
    spec = {"n_qubits": 20, "depth": 20, "limits": {"max_seconds": 10}}
    refused = plan(tmp_path, spec)["refused"]
    said = daemon.post("/experiments", spec)
    assert said.status_code == 422 and said.json()["errors"][0]["message"] == refused["message"]


def test_a_plan_that_takes_no_such_circuit(tmp_path):
    account = plan(tmp_path, {"n_qubits": 25, "depth": 6, "simulation": {"plan": "local"}})
    assert account["refused"]["pointer"] == "/model/layers/0" and "cuts" in account["refused"]["message"]
    assert account["layers"][0]["circuits"][0]["plan"] is None
    assert set(account["seconds"].values()) == {None} and account["bytes"]["model"] is None


def test_for_a_person(tmp_path):
    spec = dump(tmp_path / "spec.json", {"n_qubits": 25})
    done = run("plan", spec)
    assert done.returncode == 0 and done.stderr == ""
    for words in ("25 wires", "157 training and 78 test windows", "no: it needs more memory", "<- the cheapest"):
        assert words in done.stdout
    assert "per 1,000 training windows" in run("plan", dump(spec, {"data": {"dataset": "mine"}})).stdout


def test_errors_are_those_of_the_other_commands(tmp_path):
    spec = dump(tmp_path / "spec.json", {"n_qubits": 26})
    assert problem("plan", spec) == problem("describe", spec)
    assert problem("plan", tmp_path / "none.json")["code"] == "not_found"
    short = tmp_path / "short.csv"
    short.write_text("value\n1\n2\n")
    assert problem("plan", dump(spec, {"data": {"dataset": "mine"}}), "--data", short)["pointer"] == "/data/window"


def test_circuits_of_every_layer_are_told(tmp_path):
    layers = [{"type": "dense", "units": 4}, {"type": "quantum"}, {"type": "qgru", "bidirectional": True, "hidden_size": 2},
              {"type": "quantum", "ansatz": "strong"}]  # fmt: skip
    account = plan(tmp_path, {"model": {"layers": layers}, "data": {"window": 5}})
    told = [[(c["role"], c["sets_of_weights"], c["plans"], c["calls_per_batch"], c["outputs"]) for c in one["circuits"]]
            for one in account["layers"]]  # fmt: skip
    assert told == [[], [("layer", 1, 1, 5, 4)], [("gates", 2, 2, 20, 4), ("candidate", 1, 2, 10, 4)],
                    [("layer", 1, 1, 1, 4)], []]  # fmt: skip
    assert [(one["variant"], one["ansatz"]) for one in account["layers"][1:4]] == [
        (None, "qdi"), ("qdi", "qdi"), (None, "strong")]  # fmt: skip
    assert [one["quantum"] for one in account["layers"]] == [0, 24, 2 * 24, 12, 0]


def test_every_key(tmp_path):
    account = plan(tmp_path, {"variant": "chen2020"})
    assert list(account) == ["version", "isa", "speed", "plan", "precision", "window", "batch_size", "epochs", "parameters", "data",
                             "bytes", "seconds", "refused", "layers"]  # fmt: skip
    assert list(account["parameters"]) == ["total", "quantum", "classical"]
    assert list(account["data"]) == ["dataset", "rows", "train", "test"]
    assert list(account["bytes"]) == ["model", "plans", "data", "results", "process", "total"]
    assert list(account["seconds"]) == ["per_batch", "per_1000_windows", "per_epoch", "training"]
    for layer in account["layers"]:
        assert list(layer) == ["type", "variant", "ansatz", "quantum", "classical", "circuits"]
        for circuit in layer["circuits"]:
            assert list(circuit) == ["role", "n_qubits", "gates", "features", "weights", "outputs", "sets_of_weights",
                                     "plans", "calls_per_batch", "plan", "why", "seconds_per_batch",
                                     "kinds"]  # fmt: skip
            for kind in circuit["kinds"]:
                assert list(kind) == ["plan", "possible", "reason", "precision", "samples_at_once", "bytes",
                                      "ns_per_sample"]  # fmt: skip
    assert (account["plan"], account["precision"]) == ("auto", "float64")
    assert (account["window"], account["batch_size"], account["epochs"]) == (4, 10, 100)
    short = plan(tmp_path, {"data": {"window": 7}, "training": {"epochs": 3, "batch_size": 5},
                            "simulation": {"precision": "float32"}})  # fmt: skip
    assert (short["window"], short["batch_size"], short["epochs"], short["precision"]) == (7, 5, 3, "float32")
    refused = plan(tmp_path, {"n_qubits": 20, "depth": 20, "limits": {"max_seconds": 10}})["refused"]
    assert list(refused) == ["code", "pointer", "message"]
    described = answer("describe", dump(tmp_path / "spec.json", {}))
    assert list(described) == ["version", "n_inputs", "n_outputs", "parameters", "quantum", "classical", "plan", "isa",
                               "bytes", "tensors"]  # fmt: skip
    for tensor in described["tensors"]:
        assert list(tensor) == ["name", "shape", "kind", "parameters"]


def test_describe_of_texts(tmp_path):
    """A recipe of texts has no window."""
    described = answer("describe", ROOT / "schema/recipes/imdb_qlstm.json")
    assert described["quantum"] > 0 and described["tensors"][0]["name"] == "layers.0.weight"
