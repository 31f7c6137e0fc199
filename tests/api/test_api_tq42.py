"""TQ42's training requests as they stand: run, or refused with a pointer to their field."""
import copy

import numpy as np
import pytest

from api_daemon import problem


@pytest.fixture(scope="module")
def rows(daemon):
    """Four inputs, a number, a class; as TQ42 wants it, with a header."""
    draw = np.random.default_rng(3)
    x = draw.uniform(0, 1, (60, 4))
    lines = ["a,b,c,d,power,kind"] + [f"{','.join(f'{v:.4f}' for v in row)},{row.sum():.4f},{int(row[0] > 0.5)}" for row in x]
    return daemon.upload("tq42-rows", "\n".join(lines) + "\n").json()["id"]


@pytest.fixture(scope="module")
def series(daemon):
    lines = ["Time,\"Power, kW\""] + [f"2020-01-{1 + i // 24:02}T{i % 24:02}:00:00,{np.sin(i / 4) + 2:.4f}" for i in range(120)]
    return daemon.upload("tq42-series", "\n".join(lines) + "\n").json()["id"]


def request(rows, *layers, **more):
    return {"parameters": {"model_type": "MLP", "layers": list(layers), "num_epochs": 2, "batch_size": 16, "learning_rate": 0.01,
                           "optim": "ADAM", "loss_func": "MSE", "k_fold": 1, "diff_method": "ADJOINT",
                           "train_model_info": {"name": "m", "description": "d"},
                           "data_processing_parameters": {"input_columns": [0, 1, 2, 3], "output_columns": [4]}, **more},
            "inputs": {"data": {"storage_id": rows}}}


QLSTM = {"qlstm_layer": {"hidden_size": 17, "num_qubits": 4, "num_qlayers": 1, "depth": 1, "bidirectional": False,
                         "inversward": False}}
HEAD = {"classical_dense_layer": {"hidden_size": 1, "bias": True}}
CUSTOM = {"custom_quantum_layer": {"num_qubits": 2, "gates": [
    {"hadamard": {"wire": 0}}, {"encoding": {"wire": 0, "rotation": "X", "feature_id": 0}},
    {"encoding": {"wire": 1, "rotation": 3, "feature_id": 1}}, {"variational": {"wire": 0, "rotation": "Y"}},
    {"cnot": {"wire1": 0, "wire2": 1}}, {"variational": {"wire": 1, "rotation": 1}},
    {"measurement": {"wire": 0, "pauli": "Z"}}, {"measurement": {"wire": 1, "pauli": "Y"}}]}}


@pytest.mark.parametrize("layers", [
    [QLSTM, HEAD], [{"qlstmLayer": {"hiddenSize": 5, "n_qubits": 2, "nqlayers": 2, "inversward": True}}, HEAD],
    [{"classical_lstm_layer": {"hidden_size": 10}}, {"dropout_layer": {"value": 0.2}}, HEAD],
    [{"classical_dense_layer": {"hidden_size": 30}}, {"activation_function_layer": {"function": "LEAKYRELU"}},
     {"dropout_layer": {}}, {"batch_normalization_layer": {}}, {"classical_dense_layer": {"hidden_size": 45}},
     {"activation_function_layer": {"function": 3}}, HEAD],
    [{"classical_dense_layer": {"hidden_size": 4}}, {"qdi_layer": {"num_qubits": 2, "depth": 1, "measurement_mode": "EVEN"}}, HEAD],
    [{"pqn_layer": {"entangling": "basic", "measure": "Z"}}, HEAD],
    [{"classical_dense_layer": {}}, CUSTOM, HEAD],
], ids=["qlstm", "camel case", "lstm", "mlp", "qdi", "pqn", "custom"])  # fmt: skip
def test_layers_of_the_reference(daemon, rows, layers):
    row = daemon.train(request(rows, *layers))
    spec = row["spec"]
    assert row["status"] == "succeeded" and spec["name"] == "m" and spec["notes"] == "d"
    assert spec["data"]["inputs"] == [0, 1, 2, 3] and spec["data"]["targets"] == [4] and spec["data"]["steps"] == 1
    assert len(spec["model"]["layers"]) == len(layers)
    assert spec["training"]["epochs"] == 2 and spec["training"]["optimizer"]["type"] == "adam"
    # Posted again in its long form it is the same run.
    assert daemon.post("/experiments?validate_only=true", spec).json()["spec"] == spec


def test_the_reference_example_in_our_words(daemon, rows):
    (qlstm, head) = daemon.train(request(rows, QLSTM, HEAD))["spec"]["model"]["layers"]
    assert {name: qlstm[name] for name in ("variant", "hidden_size", "n_qubits", "n_qlayers", "depth", "rotation", "entangling",
                                           "measure")} == {
        "variant": "qdi", "hidden_size": 17, "n_qubits": 4, "n_qlayers": 1, "depth": 1, "rotation": "Z", "entangling": "basic",
        "measure": "Y"}
    assert head == {"type": "dense", "units": 1, "bias": True}


@pytest.mark.parametrize("more, expected", [
    ({"optim": 3}, {"type": "sgd"}), ({"optim": "AdamW"}, {"type": "adamw"}), ({"optim": "OPTIM_ADAM"}, {"type": "adam"}),
    ({"optim": 0}, {"type": "adam"}), ({"learningRate": 0.5, "learning_rate": None}, {"learning_rate": 0.5}),
])
def test_enums_by_name_and_number(daemon, rows, more, expected):
    body = request(rows, QLSTM, HEAD, **more)
    body["parameters"] = {name: value for name, value in body["parameters"].items() if value is not None}
    found = daemon.post("/experiments?validate_only=true", body).json()["spec"]["training"]["optimizer"]
    assert {name: found[name] for name in expected} == expected


def test_measurement_modes_by_number(daemon, rows):
    body = request(rows, {"classical_dense_layer": {"hidden_size": 4}}, {"qdi_layer": {"num_qubits": 2, "depth": 1}}, HEAD)
    for number, mode in enumerate(["even", "single", "all"], 1):
        body["parameters"]["layers"][1]["qdi_layer"]["measurement_mode"] = number
        spec = daemon.post("/experiments?validate_only=true", body).json()["spec"]
        assert spec["model"]["layers"][1]["measurement"] == mode


def test_project_and_tags_stand_beside_the_request(daemon, rows):
    body = {**request(rows, QLSTM, HEAD), "project": "theirs", "tags": ["a", "b"]}
    spec = daemon.post("/experiments?validate_only=true", body).json()["spec"]
    assert spec["project"] == "theirs" and spec["tags"] == ["a", "b"]
    problem(daemon.post("/experiments", {**body, "project": ""}), 422, "out_of_range", "/project")


def test_losses(daemon, rows):
    def spec_of(loss, units, column):
        body = request(rows, QLSTM, {"classical_dense_layer": {"hidden_size": units}}, loss_func=loss)
        body["parameters"]["data_processing_parameters"]["output_columns"] = [column]
        return daemon.post("/experiments?validate_only=true", body).json()["spec"]

    assert spec_of(2, 1, 4)["training"]["loss"] == "mae"
    for loss, units in [("BCE", 1), ("CROSSENTROPY", 2), (4, 2)]:
        spec = spec_of(loss, units, 5)
        assert spec["data"]["task"] == "classification" and spec["data"]["classes"] == 2
        assert spec["training"]["loss"] == ("bce" if loss == "BCE" else "cross_entropy")
        assert spec["model"]["layers"][-1]["units"] == 2


def test_absent_fields_have_their_defaults(daemon, rows):
    body = {"parameters": {"layers": [{"qlstm_layer": {}}, HEAD], "data_processing_parameters": {
        "inputColumns": [0, 1], "outputColumns": [4], "timestampColumns": []}}, "inputs": {"data": {"storageId": rows}}}
    spec = daemon.post("/experiments?validate_only=true", body).json()["spec"]
    assert spec["training"]["epochs"] == 20 and spec["training"]["batch_size"] == 128
    assert spec["training"]["optimizer"]["learning_rate"] == 0.001
    assert spec["model"]["layers"][0]["hidden_size"] == 17 and spec["model"]["layers"][0]["n_qubits"] == 4
    rnn = copy.deepcopy(body)
    rnn["parameters"]["model_type"] = 2
    assert daemon.post("/experiments?validate_only=true", rnn).json()["spec"]["data"]["steps"] == 2


def test_the_packaged_forecaster(daemon, series):
    body = {"parameters": {"input_width": 12, "label_width": 1, "hidden_size": 10, "num_qubits": 2, "depth": 1, "nqlayers": 1,
                           "dropoutCoef": 0.1, "time_column": "Time", "target_column": "Power, kW", "num_epochs": 2,
                           "batch_size": 16, "learning_rate": 0.01, "optim": "Adam", "loss_func": "MAE"},
            "inputs": {"data": {"storage_id": series}}}  # fmt: skip
    spec = daemon.train(body)["spec"]
    assert spec["data"]["window"] == 12 and spec["data"]["targets"] == ["Power, kW"] and spec["training"]["loss"] == "mae"
    assert [layer["type"] for layer in spec["model"]["layers"]] == ["qlstm", "dropout", "dense"]
    assert spec["model"]["layers"][1]["p"] == 0.1
    body["parameters"]["label_width"] = 3
    several = daemon.train(body)["spec"]
    assert several["data"]["horizon"] == [1, 2, 3] and several["model"]["layers"][-1]["units"] == 3
    body["parameters"]["label_width"] = 73
    problem(daemon.post("/experiments", body), 422, "out_of_range", "/parameters/label_width")


@pytest.mark.parametrize("path, value, code", [
    ("layers/0/qlstm_layer/num_qubits", 26, "out_of_range"), ("layers/0/qlstm_layer/depth", 31, "out_of_range"),
    ("layers/0/qlstm_layer/num_qlayers", 6, "out_of_range"), ("layers/0/qlstm_layer/hidden_size", 0, "out_of_range"),
    ("layers/0/qlstm_layer/hidden_size", "17", "wrong_type"), ("layers/0/qlstm_layer/bidirectional", 1, "wrong_type"),
    ("layers/0/qlstm_layer/num_qubit", 4, "unknown_field"), ("layers/1/classical_dense_layer/hidden_size", 2, "invalid"),
    ("layers/1/dropout_layer", {"value": 1.5}, "wrong_type"), ("num_epochs", 0, "out_of_range"),
    ("batch_size", 0, "out_of_range"), ("learning_rate", 0, "out_of_range"), ("learning_rate", "a", "wrong_type"),
    ("optim", "LION", "invalid"), ("optim", 9, "invalid"), ("loss_func", "HINGE", "invalid"), ("model_type", "CNN", "invalid"),
    ("diff_method", "FINITE", "invalid"), ("k_fold", 51, "out_of_range"), ("k_fold", 0, "out_of_range"), ("layers", [], "wrong_type"),
    ("layers/0", {"phn_layer": {}}, "invalid"), ("layers/0", {"conv_layer": {}}, "unknown_field"), ("epoch", 3, "unknown_field"),
    ("data_processing_parameters/output_columns/0", 9, "out_of_range"),
    ("data_processing_parameters/input_columns", [], "out_of_range"),
])
def test_what_is_refused(daemon, rows, path, value, code):
    body = request(rows, copy.deepcopy(QLSTM), copy.deepcopy(HEAD))
    *way, last = path.split("/")
    at = body["parameters"]
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if isinstance(at, list):
        at[int(last)] = value
    else:
        at[last] = value
    pointer = "/parameters/" + path
    if last in ("phn_layer", "0") and isinstance(value, dict):
        pointer += "/" + next(iter(value))
    if path == "layers/1/dropout_layer":
        pointer = "/parameters/layers/1"
    problem(daemon.post("/experiments", body), 422, code, pointer)


def test_the_data_set_is_needed(daemon, rows):
    body = request(rows, QLSTM, HEAD)
    for inputs, code, status in [({}, "missing", 422), ({"data": {}}, "missing", 422), ({"data": {"storage_id": "nowhere"}}, "not_found", 422)]:
        reply = daemon.post("/experiments", {**body, "inputs": inputs})
        assert reply.status_code in (404, 422) and reply.json()["errors"][0]["pointer"] == "/inputs/data/storage_id", reply.text
        assert reply.json()["errors"][0]["code"] in (code, "invalid", "not_found")


def test_gates_of_a_custom_layer_are_refused_at_their_place(daemon, rows):
    custom = copy.deepcopy(CUSTOM)
    custom["custom_quantum_layer"]["gates"][4]["cnot"]["wire2"] = 30
    reply = daemon.post("/experiments", request(rows, {"classical_dense_layer": {}}, custom, HEAD))
    problem(reply, 422, "out_of_range")
    assert reply.json()["errors"][0]["pointer"].startswith("/parameters/layers/1/custom_quantum_layer")
    custom["custom_quantum_layer"]["gates"][4] = {"toffoli": {}}
    reply = daemon.post("/experiments", request(rows, {"classical_dense_layer": {}}, custom, HEAD))
    problem(reply, 422, "invalid", "/parameters/layers/1/custom_quantum_layer/gates/4")


def test_the_outcome(daemon, rows):
    done = daemon.train(request(rows, QLSTM, HEAD))
    found = daemon.get(f"/experiments/{done['id']}/outcome").json()
    (fold,) = found["result"]["results"]
    history = daemon.get(f"/experiments/{done['id']}/metrics").json()["metrics"]
    assert fold["train_losses"] == [row["train_loss"] for row in history] and len(fold["test_losses"]) == 2
    assert fold["test_losses"] == [row["test_loss"] for row in history]
    report = daemon.get(f"/experiments/{done['id']}/report").json()
    assert fold["test_metrics"] == {name: report["metrics"]["test"][0][name] for name in ("mse", "mae")}
    assert list(found["result"]["input_scales"]) == ["a", "b", "c", "d"] and list(found["result"]["output_scales"]) == ["power"]
    assert found["outputs"]["model"]["storage_id"] == done["id"]


def test_folds_and_shifts(daemon, rows):
    body = request(rows, {"qlstm_layer": {"hidden_size": 2, "num_qubits": 2}}, HEAD, k_fold=3, diff_method="PARAMETER_SHIFT")
    done = daemon.train(body)
    assert done["spec"]["simulation"]["diff_method"] == "parameter_shift"
    assert done["spec"]["data"]["folds"] == {"count": 3, "method": "k_fold"}
    results = daemon.get(f"/experiments/{done['id']}/outcome").json()["result"]["results"]
    report = daemon.get(f"/experiments/{done['id']}/report").json()
    assert len(results) == 3
    for result, fold in zip(results, report["folds"]["folds"]):
        assert len(result["train_losses"]) == len(result["test_losses"]) == 2
        assert result["test_losses"][-1] == fold["test_loss"]
        assert result["test_metrics"] == {name: fold["metrics"]["test"][0][name] for name in ("mse", "mae")}


def test_the_outcome_of_classes(daemon, rows):
    body = request(rows, {"classical_lstm_layer": {"hidden_size": 4}}, HEAD, loss_func="BCE", num_epochs=20, learning_rate=0.05)
    body["parameters"]["data_processing_parameters"]["output_columns"] = [5]
    done = daemon.train(body)
    metrics = daemon.get(f"/experiments/{done['id']}/outcome").json()["result"]["results"][0]["test_metrics"]
    matrix = metrics["confusion_matrix"]
    for name, other in [("0", "1"), ("1", "0")]:
        assert matrix[name]["tp"] == matrix[other]["tn"] and matrix[name]["fp"] == matrix[other]["fn"]
        assert sum(matrix[name].values()) == done["data"]["test"]
    found = matrix["1"]
    assert metrics["accuracy"] == pytest.approx((found["tp"] + found["tn"]) / done["data"]["test"])
    assert metrics["recall"]["1"] == pytest.approx(found["tp"] / (found["tp"] + found["fn"]))
    assert metrics["specificity"]["1"] == pytest.approx(found["tn"] / (found["tn"] + found["fp"]))
