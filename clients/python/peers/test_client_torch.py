"""A trained run in torch and in PennyLane: what the service predicts, to 1e-10, for every layer, variant and ansatz."""

import models
import numpy as np
import pytest

torch = pytest.importorskip("torch")
qml = pytest.importorskip("pennylane")

import qlstm.numpy  # noqa: E402
import qlstm.pennylane  # noqa: E402
import qlstm.torch  # noqa: E402

torch.set_num_threads(1)
NAMES = [*models.layers_of(), "classes", "several columns"]


@pytest.fixture(scope="module")
def runs(client):
    return models.train_all(client)


@pytest.mark.parametrize("kind", [qlstm.torch.Module, qlstm.pennylane.Module], ids=["torch", "pennylane"])
@pytest.mark.parametrize("name", NAMES)
def test_same_as_the_service(runs, name, kind):
    inputs = models.inputs_of(runs[name])
    found = kind(runs[name].weights())(inputs).detach().numpy()
    np.testing.assert_allclose(found, models.service_says(runs[name], inputs), rtol=1e-10, atol=1e-10)


def test_gradients(runs):
    """Of the sum of outputs by every parameter of the first circuit, against central differences in NumPy."""
    weights, inputs = runs["qdi"].weights(), np.array([[[0.1], [-0.3], [0.4]], [[0.2], [0.1], [0.0]]])
    module = qlstm.torch.Module(weights)
    module.scaled(torch.tensor(inputs)).sum().backward()
    found = module.tensors["layers.0.circuits"].grad.numpy()
    model = qlstm.numpy.Model(weights)
    angles = model.tensors["layers.0.circuits"] = model.tensors["layers.0.circuits"].copy()
    for index in list(np.ndindex(angles.shape))[::5]:
        middle, sums = angles[index], []
        for step in (1e-5, -1e-5):
            angles[index] = middle + step
            sums.append(model.scaled(inputs).sum())
        angles[index] = middle
        assert found[index] == pytest.approx((sums[0] - sums[1]) / 2e-5, abs=1e-8)
    assert np.abs(found).max() > 1e-4


def test_trains_on_and_keeps_the_names(runs):
    module, weights = qlstm.torch.Module(runs["linear"].weights()), runs["linear"].weights()
    assert set(module.state_dict()) == set(weights)
    X, y = torch.tensor(models.inputs_of(runs["linear"])), torch.full((3, 1), 0.5, dtype=torch.float64)
    optimizer, losses = torch.optim.Adam(module.parameters(), 0.1), []
    for _ in range(8):
        optimizer.zero_grad()
        losses.append(torch.nn.functional.mse_loss(module(X), y))
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < losses[0] / 2
    module.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    assert torch.nn.functional.mse_loss(module(X), y) == losses[0]


@pytest.mark.parametrize("name", ["chen2020", "qdi, strong", "linear"])
def test_one_circuit(runs, name):
    weights = runs[name].weights()
    layer = weights.spec["model"]["layers"][0]
    reverse = layer["bidirectional"]
    x = [0.1 * (i + 1) for i in range({"chen2020": 3, "qdi, strong": 6, "linear": 2}[name])]
    call = qlstm.pennylane.circuit(weights, layer=0, gate=1, reverse=reverse)
    found = [[float(value) for value in call(x)]]
    angles = weights[f"layers.0.{'reverse.' * reverse}circuits"][1]
    mine = qlstm.circuits.expectations(np, layer, angles, np.array([x]), range(layer["n_qubits"]))
    np.testing.assert_allclose(found, mine, atol=1e-12)
    drawn = qml.draw(call)(x)
    assert "╭●" in drawn and drawn.count("\n") + 1 >= layer["n_qubits"]
