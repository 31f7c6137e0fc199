"""A client of the Open Inference Protocol that others wrote asks a finished experiment."""
import pathlib
import sys

import numpy
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api_daemon import Daemon
from api_keys import Client, add_key

http = pytest.importorskip("tritonclient.http")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    instance = Daemon(tmp_path_factory.mktemp("inference")).start()
    yield instance
    instance.close()


def ask(client, run, values, kind="FP64", names=("outputs",), **more):
    tensor = http.InferInput("inputs", list(values.shape), kind)
    tensor.set_data_from_numpy(values, binary_data=False)
    wanted = [http.InferRequestedOutput(name, binary_data=False) for name in names]
    return client.infer(run["id"], [tensor], outputs=wanted, request_id="7", **more)


def test_triton_client(daemon):
    run = daemon.train({"hidden_size": 3, "n_qubits": 3, "training": {"epochs": 2}})
    client = http.InferenceServerClient(f"127.0.0.1:{daemon.port}")
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(run["id"])
    assert client.get_server_metadata()["name"] == "qlstmd"
    assert client.get_model_metadata(run["id"])["outputs"][0]["shape"] == [-1, 1]
    values = numpy.random.default_rng(1).uniform(-1, 1, (5, 4, 1))
    expected = daemon.post(f"/experiments/{run['id']}/predict", {"inputs": values.tolist()}).json()["outputs"]
    reply = ask(client, run, values)
    assert reply.get_response()["id"] == "7"
    numpy.testing.assert_array_equal(reply.as_numpy("outputs"), expected)
    with pytest.raises(http.InferenceServerException, match="the model takes 1"):
        ask(client, run, values.reshape(5, 2, 2))
    with pytest.raises(http.InferenceServerException, match="there is no experiment"):
        client.get_model_metadata("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    client.close()


def test_classes(daemon):
    daemon.upload("rows", "a,b,label\n" + "".join(f"{i % 5},{i % 7},{i % 3}\n" for i in range(30)))
    run = daemon.train({"type": "lstm", "hidden_size": 3, "training": {"epochs": 2, "loss": "cross_entropy"},
                        "data": {"dataset": "rows", "task": "classification", "steps": 2, "classes": 3}})
    client = http.InferenceServerClient(f"127.0.0.1:{daemon.port}")
    reply = ask(client, run, numpy.ones((4, 2, 1), dtype=numpy.float32), "FP32", ("classes", "probabilities"))
    probabilities = reply.as_numpy("probabilities")
    assert probabilities.shape == (4, 3) and abs(probabilities.sum(1) - 1).max() < 1e-12
    numpy.testing.assert_array_equal(reply.as_numpy("classes"), probabilities.argmax(1))
    client.close()


def test_with_a_key(tmp_path):
    daemon = Daemon(tmp_path, "--require-keys").start()
    key = add_key(daemon, "alice")
    run = Client(daemon, key).train({"type": "lstm", "hidden_size": 3, "training": {"epochs": 2}})
    client = http.InferenceServerClient(f"127.0.0.1:{daemon.port}")
    values, shown = numpy.ones((2, 4, 1)), {"Authorization": f"Bearer {key}"}
    assert client.is_model_ready(run["id"], headers=shown) and not client.is_model_ready(run["id"])
    assert ask(client, run, values, headers=shown).as_numpy("outputs").shape == (2, 1)
    with pytest.raises(http.InferenceServerException, match="key"):
        ask(client, run, values)
    client.close()
    daemon.close()
