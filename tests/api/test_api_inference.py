"""The Open Inference Protocol: finished experiments as models, held beside predict."""
import pytest

from api_daemon import ENDLESS, problem

NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture(scope="module")
def series(daemon):
    return daemon.train({"hidden_size": 2, "n_qubits": 2, "training": {"epochs": 2}})


@pytest.fixture(scope="module")
def classes(daemon):
    daemon.upload("v2 rows", "a,b,label\n" + "".join(f"{i % 5},{i % 7},{i % 3}\n" for i in range(30)))
    return daemon.train({"type": "lstm", "hidden_size": 3, "training": {"epochs": 2, "loss": "cross_entropy"},
                         "data": {"dataset": "v2 rows", "task": "classification", "steps": 2, "classes": 3}})


def infer(daemon, run, shape, data, **more):
    tensor = {"name": "inputs", "shape": shape, "datatype": "FP64", "data": data}
    return daemon.post(f"/v2/models/{run['id']}/infer", {"inputs": [tensor], **more})


def test_server(daemon):
    assert daemon.get("/v2").json()["name"] == "qlstmd"
    assert daemon.get("/v2/health/live").status_code == daemon.get("/v2/health/ready").status_code == 200


def test_a_forecasting(daemon, series):
    model = daemon.get(f"/v2/models/{series['id']}").json()
    assert model["name"] == series["id"] and model["platform"] == "qlstm"
    assert model["inputs"] == [{"name": "inputs", "datatype": "FP64", "shape": [-1, -1, 1]}]
    assert model["outputs"] == [{"name": "outputs", "datatype": "FP64", "shape": [-1, 1]}]
    assert daemon.get(f"/v2/models/{series['id']}/ready").status_code == 200
    nested = [[[0.1], [0.2], [0.3]], [[0.4], [0.5], [0.6]]]
    expected = daemon.post(f"/experiments/{series['id']}/predict", {"inputs": nested}).json()["outputs"]
    for data in (nested, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]):
        reply = infer(daemon, series, [2, 3, 1], data, id="mine").json()
        assert reply == {"model_name": series["id"], "model_version": "1", "id": "mine", "outputs": [
            {"name": "outputs", "datatype": "FP64", "shape": [2, 1], "data": [row[0] for row in expected]}]}


def test_a_classification(daemon, classes):
    model = daemon.get(f"/v2/models/{classes['id']}").json()
    assert model["inputs"][0]["shape"] == [-1, 2, 1]
    assert [output["shape"] for output in model["outputs"]] == [[-1, 3], [-1]]
    rows = [[[1], [2]], [[4], [0]]]
    expected = daemon.post(f"/experiments/{classes['id']}/predict", {"inputs": rows}).json()
    both = infer(daemon, classes, [2, 2, 1], [1, 2, 4, 0]).json()["outputs"]
    assert both[0]["data"] == sum(expected["probabilities"], []) and both[0]["shape"] == [2, 3]
    assert both[1] == {"name": "classes", "datatype": "INT64", "shape": [2], "data": [row[0] for row in expected["outputs"]]}
    one = infer(daemon, classes, [2, 2, 1], [1, 2, 4, 0], outputs=[{"name": "classes"}]).json()["outputs"]
    assert one == both[1:]


@pytest.mark.parametrize("change, status, pointer, words", [
    ({"name": "x"}, 422, "/inputs", "one tensor named 'inputs'"),
    ({"shape": [1, 3]}, 422, "/inputs/0/shape", "[samples, time steps, features]"),
    ({"shape": [0, 3, 1]}, 422, "/inputs/0/shape", "[samples, time steps, features]"),
    ({"shape": [1, 3, 2]}, 422, "/inputs/0/shape", "2 features a time step; the model takes 1"),
    ({"shape": [1000000, 1000000, 1]}, 422, "/inputs/0/shape", "numbers at once"),
    ({"shape": [1 << 60, 1 << 60, 1]}, 422, "/inputs/0/shape", "[samples, time steps, features]"),
    ({"datatype": "BYTES"}, 422, "/inputs/0/datatype", "'BYTES'"),
    ({"data": [1, 2]}, 422, "/inputs/0/data", "data holds 2 numbers; the shape says 3"),
    ({"data": [1, 2, "3"]}, 422, "/inputs/0/data", "no number"),
    ({"data": [[[[[1]]]]]}, 422, "/inputs/0/data", "no number"),
    ({"parameters": {"binary_data_size": 24}}, 422, "/inputs/0/parameters", "binary_data=False"),
])
def test_refusals(daemon, series, change, status, pointer, words):
    tensor = {"name": "inputs", "shape": [1, 3, 1], "datatype": "FP64", "data": [1, 2, 3], **change}
    reply = daemon.post(f"/v2/models/{series['id']}/infer", {"inputs": [tensor]})
    assert reply.status_code == status
    error = reply.json()
    assert words in error["error"] and error["errors"][0]["pointer"] == pointer


def test_models_that_there_are_not(daemon, series):
    assert "there is no experiment" in daemon.get(f"/v2/models/{NOBODY}").json()["error"]
    problem(daemon.get("/v2/models/x"), 404, "not_found")
    waiting = daemon.submit(ENDLESS)
    problem(daemon.get(f"/v2/models/{waiting}/ready"), 409, "conflict")
    daemon.post(f"/experiments/{waiting}/cancel")
    daemon.wait(waiting)
    reply = infer(daemon, series, [1, 1, 1], [1], outputs=[{"name": "y"}])
    assert "the model has no output 'y'; it has 'outputs'" in problem(reply, 422, "invalid")
    reply = daemon.post(f"/v2/models/{series['id']}/infer", b"{}", headers={"Inference-Header-Content-Length": "2"})
    problem(reply, 415, "unsupported_media_type")
