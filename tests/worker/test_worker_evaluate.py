"""`evaluate` against the oracle and the golden values of the published cells."""

import json
import math

import numpy as np
import pytest

import oracle
from qlstm_worker import answer, dump, problem, write_safetensors

FULL = {
    "qlstm": dict(
        type="qlstm", inversward=False, bidirectional=False, hadamard=True, entangling="basic", n_qlayers=1, depth=1
    ),
    "lstm": dict(type="lstm", inversward=False, bidirectional=False),
    "gru": dict(type="gru", inversward=False, bidirectional=False),
    "rnn": dict(type="rnn", inversward=False, bidirectional=False, nonlinearity="tanh"),
    "qgru": dict(
        type="qgru", inversward=False, bidirectional=False, hadamard=True, entangling="basic", n_qlayers=1, depth=1
    ),
    "hqrnn": dict(type="hqrnn", depth=2, controller="glu", rotations="rx_ry_rz", entangler="cnot_ring", readouts="xyz",
                  squash="none", initial_state="zero", reading="expectation", dropout_p=0.0),
    "quantum": dict(type="quantum", hadamard=True, n_qlayers=1, depth=1, encoder="x", measurement="all",
                    entangling="strong"),
    "dropout": dict(type="dropout", p=0.5),
    "activation": dict(type="activation", function="relu"),
    "dense": dict(type="dense", bias=True),
}
OWN = {
    "chen2020": dict(ansatz="chen2020", measure="Z", rotation="Y"),
    "chen2024": dict(ansatz="chen2024", measure="Z", rotation="Y"),
    "linear": dict(ansatz="basic", measure="Z", rotation="X"),
    "qdi": dict(ansatz="qdi", measure="Y", rotation="Z"),
}


def layer(kind, **given):
    return {**FULL[kind], **OWN.get(given.get("variant"), {}), **given}


def qlstm(variant, hidden, n, **given):
    return layer("qlstm", variant=variant, hidden_size=hidden, n_qubits=n, **given)


def qgru(variant, hidden, n, **given):
    return layer("qgru", variant=variant, hidden_size=hidden, n_qubits=n, **given)


def quantum(ansatz, n, rotation="Y", measure="Z", **given):
    return layer("quantum", ansatz=ansatz, n_qubits=n, rotation=rotation, measure=measure, **given)


# name: (layers before the head, inputs, outputs)
MODELS = {
    "chen2020": ([qlstm("chen2020", 2, 3, depth=2)], 1, 1),
    "chen2020 with an idle wire": ([qlstm("chen2020", 2, 4, depth=1)], 1, 2),
    "chen2020 without hadamard, two wires": ([qlstm("chen2020", 1, 2, depth=2, hadamard=False)], 1, 1),
    "chen2020 inversward": ([qlstm("chen2020", 2, 3, inversward=True)], 1, 1),
    "chen2020 bidirectional": ([qlstm("chen2020", 2, 3, bidirectional=True)], 1, 1),
    "chen2024": ([qlstm("chen2024", 2, 4, depth=3)], 2, 1),
    "chen2024 measured in X": ([qlstm("chen2024", 2, 3, depth=2, measure="X")], 1, 1),
    "linear": ([qlstm("linear", 3, 3, depth=2)], 2, 1),
    "linear, two wires, RY": ([qlstm("linear", 3, 2, depth=2, rotation="Y")], 1, 1),
    "linear strong": ([qlstm("linear", 2, 3, depth=2, n_qlayers=2, ansatz="strong")], 1, 1),
    "linear, hardware efficient": (
        [qlstm("linear", 2, 3, depth=2, ansatz="hardware_efficient", rotation="Y")],
        1,
        1,
    ),
    "linear, hardware efficient, two wires": ([qlstm("linear", 2, 2, depth=2, ansatz="hardware_efficient")], 1, 1),
    "linear bidirectional": ([qlstm("linear", 2, 3, bidirectional=True)], 1, 2),
    "qdi": ([qlstm("qdi", 3, 3)], 1, 1),
    "qdi one wire": ([qlstm("qdi", 2, 1, n_qlayers=3)], 1, 1),
    "qdi re-uploading": ([qlstm("qdi", 2, 3, n_qlayers=2, depth=2)], 2, 2),
    "qdi strong": ([qlstm("qdi", 2, 3, n_qlayers=2, depth=2, entangling="strong")], 1, 1),
    "qdi strong, four wires, RX": ([qlstm("qdi", 2, 4, depth=3, entangling="strong", rotation="X")], 1, 1),
    "qdi inversward": ([qlstm("qdi", 3, 2, inversward=True)], 2, 1),
    "qdi bidirectional": ([qlstm("qdi", 3, 2, bidirectional=True)], 2, 1),
    "lstm": ([layer("lstm", hidden_size=5)], 3, 2),
    "lstm inversward": ([layer("lstm", hidden_size=3, inversward=True)], 2, 1),
    "lstm bidirectional": ([layer("lstm", hidden_size=3, bidirectional=True)], 2, 1),
    "gru": ([layer("gru", hidden_size=5)], 3, 2),
    "gru inversward": ([layer("gru", hidden_size=3, inversward=True)], 2, 1),
    "gru bidirectional": ([layer("gru", hidden_size=3, bidirectional=True)], 2, 1),
    "rnn": ([layer("rnn", hidden_size=5)], 3, 2),
    "rnn relu": ([layer("rnn", hidden_size=5, nonlinearity="relu")], 2, 1),
    "rnn inversward": ([layer("rnn", hidden_size=3, inversward=True)], 2, 1),
    "rnn bidirectional": ([layer("rnn", hidden_size=3, bidirectional=True)], 2, 1),
    "dropout, which does nothing here": (
        [layer("dropout", p=0.9), layer("gru", hidden_size=3), layer("dropout"), layer("rnn", hidden_size=2),
         layer("dropout", p=1)],
        2,
        1,
    ),
    **{
        f"activation {function}": (
            [layer("activation", function=function, **given), layer("gru", hidden_size=3),
             layer("activation", function=function, **given), layer("dense", units=2)],
            3,
            1,
        )
        for function, given in {
            "relu": {}, "tanh": {}, "sigmoid": {}, "gelu": {}, "leaky_relu": {"negative_slope": 0.3},
            "elu": {"alpha": 1.7}, "softplus": {}, "identity": {},
        }.items()
    },
    "qgru linear": ([qgru("linear", 3, 3, depth=2)], 2, 1),
    "qgru linear strong": ([qgru("linear", 2, 3, depth=2, n_qlayers=2, ansatz="strong")], 1, 1),
    "qgru qdi": ([qgru("qdi", 3, 3)], 1, 1),
    "qgru qdi re-uploading": ([qgru("qdi", 2, 3, n_qlayers=2, depth=2, entangling="strong")], 2, 2),
    "qgru chen2020's circuits": ([qgru("qdi", 2, 3, ansatz="chen2020", hadamard=False)], 1, 1),
    "qgru inversward": ([qgru("qdi", 3, 2, inversward=True)], 2, 1),
    "qgru bidirectional": ([qgru("linear", 3, 2, bidirectional=True)], 2, 1),
    **{
        f"hqrnn {controller}, {n} qubits": (
            [layer("hqrnn", n_qubits=n, hidden_size=4, controller=controller, **given), layer("gru", hidden_size=3)], 2, 1)
        for n, controller, given in [
            (1, "linear", {}), (2, "relu", {"rotations": "ry_rz", "entangler": "cz_ring"}),
            (3, "gelu", {"entangler": "cnot_chain", "readouts": "xz", "initial_state": "learned", "depth": 3}),
            (4, "glu", {"squash": "pi_tanh", "initial_state": "learned"}),
            (5, "glu", {"rotations": "ry", "readouts": "z", "entangler": "cz_chain", "depth": 1}),
        ]
    },
    "hqrnn at last": ([layer("hqrnn", n_qubits=3, hidden_size=4)], 1, 2),
    **{
        f"quantum {ansatz}": (
            [quantum(ansatz, 3, depth=2), layer("gru", hidden_size=4),
             quantum(ansatz, 2 if ansatz == "qdi" else 4, n_qlayers=2, rotation="X", measure="Y", hadamard=False,
                     entangling="basic")],
            3,
            1,
        )
        for ansatz in ("chen2020", "chen2024", "basic", "strong", "hardware_efficient", "qdi")
    },
    **{
        f"quantum through {encoder}": ([quantum("qdi", 2, rotation="Z", encoder=encoder), layer("gru", hidden_size=2)], 2, 1)
        for encoder in ("x", "pi_x", "atan", "atan_square", "asin", "acos", "tanh")
    },
    **{
        f"quantum measured {measurement}": (
            [quantum("strong", 3, measurement=measurement), layer("rnn", hidden_size=5),
             quantum("basic", 5, measurement=measurement)],
            3,
            1,
        )
        for measurement in ("all", "even", "single")
    },
    "stacked": ([layer("lstm", hidden_size=2, bidirectional=True), qlstm("qdi", 2, 2)], 1, 1),
    "stacked chen2020 below": ([qlstm("chen2020", 1, 2), layer("lstm", hidden_size=3, inversward=True)], 1, 1),
    "stacked, inversward below": ([layer("lstm", hidden_size=2, inversward=True), layer("lstm", hidden_size=3)], 1, 1),
    "dense below and above": (
        [layer("dense", units=2), qlstm("linear", 2, 2), layer("dense", units=3, bias=False)],
        3,
        2,
    ),
}


def widths(layers, n_inputs):
    """(input width of each layer, width of the last one's output)"""
    into, width = [], n_inputs
    for one in layers:
        into.append(width)
        if one["type"] == "dense":
            width = one["units"]
        elif one["type"] == "quantum":
            n = one["n_qubits"]
            width = {"all": n, "even": (n + 1) // 2, "single": 1}[one["measurement"]]
        elif one["type"] == "hqrnn":
            width = one["n_qubits"] * len(one["readouts"])
        elif oracle.is_recurrent(one):
            width = one["n_qubits"] if one.get("variant") == "chen2020" else one["hidden_size"]
            width *= 2 if one["bidirectional"] else 1
    return into, width


def circuits_shape(one):
    n, layers = one["n_qubits"], one["n_qlayers"] * one["depth"]
    count = {"quantum": 1, "qgru": 3}.get(one["type"], 6 if one.get("variant") == "chen2020" else 4)
    if one["ansatz"] == "qdi":
        shape = [count, one["n_qlayers"] + 1, one["depth"], n]
        return shape + [3] if one["entangling"] == "strong" else shape
    angles = {"chen2020": [3], "strong": [3], "hardware_efficient": [2]}
    return [count, layers, n] + angles.get(one["ansatz"], [])


def cell_shapes(one, n_in):
    hidden = one["hidden_size"]
    gates = {"lstm": 4, "gru": 3, "rnn": 1}.get(one["type"])
    if gates:
        rows = gates * hidden
        return {"weight_ih": [rows, n_in], "weight_hh": [rows, hidden], "bias_ih": [rows], "bias_hh": [rows]}
    if one["type"] == "hqrnn":
        rows, per_qubit = hidden * (2 if one["controller"] == "glu" else 1), one["rotations"].count("_") + 1
        angles, read = [one["depth"], one["n_qubits"], per_qubit], one["n_qubits"] * len(one["readouts"])
        shapes = {"linear_in.weight": [rows, read + n_in], "linear_in.bias": [rows],
                  "linear_out.weight": [math.prod(angles), hidden], "linear_out.bias": [math.prod(angles)]}
        return shapes | ({"initial_angles": angles} if one["initial_state"] == "learned" else {})
    shapes = {"circuits": circuits_shape(one)}
    if one["variant"] in ("linear", "qdi"):
        n, fed = one["n_qubits"], one["n_qubits"] * (one["n_qlayers"] if one["ansatz"] == "qdi" else 1)
        shapes["linear_in.weight"], shapes["linear_in.bias"] = [fed, hidden + n_in], [fed]
        shapes["linear_out.weight"], shapes["linear_out.bias"] = [hidden, n], [hidden]
    return shapes


def tensor_shapes(layers, n_inputs):
    shapes = {}
    for i, (one, n_in) in enumerate(zip(layers, widths(layers, n_inputs)[0])):
        if one["type"] == "dense":
            shapes[f"layers.{i}.weight"] = [one["units"], n_in]
            if one["bias"]:
                shapes[f"layers.{i}.bias"] = [one["units"]]
        if one["type"] == "quantum":
            shapes[f"layers.{i}.circuits"] = circuits_shape(one)
        if not oracle.is_recurrent(one):
            continue
        for prefix in ["", "reverse."] if one.get("bidirectional") else [""]:
            for name, shape in cell_shapes(one, n_in).items():
                shapes[f"layers.{i}.{prefix}{name}"] = shape
    return shapes


class Case:
    """A model with random weights, inputs and targets, in files."""

    def __init__(self, folder, layers, n_inputs, n_outputs, seed=1, batch=2, steps=3, **spec):
        rng = np.random.default_rng(seed)
        self.layers = layers + [layer("dense", units=n_outputs)]
        self.spec = {"model": {"layers": self.layers}, **spec}
        self.weights = {name: rng.normal(size=shape) for name, shape in tensor_shapes(self.layers, n_inputs).items()}
        self.x = rng.uniform(-1, 1, size=(batch, steps, n_inputs))
        self.y = rng.uniform(-1, 1, size=(batch, n_outputs))
        self.loss = spec.get("training", {}).get("loss", "mse")
        self.spec_file = dump(folder / "spec.json", self.spec)
        self.weights_file = write_safetensors(folder / "weights.safetensors", self.weights)
        self.inputs_file = dump(folder / "inputs.json", self.x.tolist())
        self.targets_file = dump(folder / "targets.json", self.y.tolist())

    def evaluate(self, *more):
        return answer("evaluate", self.spec_file, "--weights", self.weights_file, "--inputs", self.inputs_file, *more)

    def outputs(self, weights=None, x=None):
        x = self.x if x is None else x
        return np.array([oracle.model(self.layers, weights or self.weights, sample) for sample in x])

    def objective(self, with_targets, weights=None, x=None):
        outputs = self.outputs(weights, x)
        return oracle.loss(self.loss, outputs, self.y) if with_targets else float(outputs.sum())


@pytest.mark.parametrize("name", MODELS)
def test_outputs_equal_the_oracle(tmp_path, name):
    case = Case(tmp_path, *MODELS[name], batch=5)
    reply = case.evaluate("--targets", case.targets_file)
    np.testing.assert_allclose(reply["outputs"], case.outputs(), rtol=0, atol=1e-12)
    assert reply["loss"] == pytest.approx(case.objective(True), abs=1e-12)
    assert "gradient" not in reply


def along(case, with_targets, d_weights, d_x):
    """The oracle's derivative of the objective along a direction."""

    def moved(t):
        weights = {name: value + t * d_weights[name] for name, value in case.weights.items()}
        return case.objective(with_targets, weights, case.x + t * d_x)

    return oracle.derivative(moved)


def directions(case, rng):
    """One through everything, one through the inputs alone, and one for each tensor alone."""
    zero = {name: np.zeros_like(value) for name, value in case.weights.items()}
    full = {name: rng.normal(size=value.shape) for name, value in case.weights.items()}
    size = np.sqrt(sum((value**2).sum() for value in full.values()))
    yield {name: value / size for name, value in full.items()}, rng.normal(size=case.x.shape) / 10
    yield zero, rng.normal(size=case.x.shape) / 10
    for name, value in full.items():
        yield {**zero, name: value / size}, np.zeros_like(case.x)


WITHOUT_TARGETS = ["chen2020", "qdi bidirectional", "lstm inversward"]


@pytest.mark.parametrize(
    "name, with_targets", [(name, True) for name in MODELS] + [(name, False) for name in WITHOUT_TARGETS]
)
def test_gradient_equals_finite_differences_of_the_oracle(tmp_path, name, with_targets):
    case = Case(tmp_path, *MODELS[name], seed=2, batch=2, steps=2)
    reply = case.evaluate("--gradient", *(["--targets", case.targets_file] if with_targets else []))
    assert reply["gradient_of"] == ("loss" if with_targets else "sum(outputs)")
    assert ("loss" in reply) == with_targets
    gradient = {key: np.array(value) for key, value in reply["gradient"]["weights"].items()}
    assert {key: value.shape for key, value in gradient.items()} == {k: v.shape for k, v in case.weights.items()}
    d_inputs = np.array(reply["gradient"]["inputs"])
    assert d_inputs.shape == case.x.shape
    for d_weights, d_x in directions(case, np.random.default_rng(3)):
        expected = along(case, with_targets, d_weights, d_x)
        found = sum((gradient[key] * d_weights[key]).sum() for key in gradient) + (d_inputs * d_x).sum()
        # All angles of an hqrnn move with its controller: differences of second order are that much less exact.
        assert found == pytest.approx(expected, **({"rel": 1e-6} if name.startswith("hqrnn") else {"abs": 2e-10}))


def test_gradient_of_mae(tmp_path):
    case = Case(tmp_path, *MODELS["lstm"], batch=5, training={"loss": "mae"})
    reply = case.evaluate("--gradient", "--targets", case.targets_file)
    assert reply["loss"] == pytest.approx(case.objective(True), abs=1e-12)
    signs = np.sign(case.outputs() - case.y) / case.y.size
    np.testing.assert_allclose(reply["gradient"]["weights"]["layers.1.bias"], signs.sum(axis=0), atol=1e-15)


@pytest.mark.parametrize("plan", ["batch", "reference"])
def test_plans_agree(tmp_path, plan):
    case = Case(tmp_path, *MODELS["chen2020"], simulation={"plan": plan})
    np.testing.assert_allclose(case.evaluate()["outputs"], case.outputs(), rtol=0, atol=1e-12)


# Golden values. "Psin": 0.1 sin(i + 1) over the flat order of the angles.

SEQUENCE = [[[0.1], [0.2], [0.3], [0.4]]]


def psin(count, first=0):
    return 0.1 * np.sin(np.arange(first, first + count) + 1)


def golden(folder, layers, weights, *more):
    return answer(
        "evaluate",
        dump(folder / "spec.json", {"model": {"layers": layers}}),
        "--weights",
        dump(folder / "weights.json", {name: np.asarray(value).tolist() for name, value in weights.items()}),
        "--inputs",
        dump(folder / "inputs.json", SEQUENCE),
        *more,
    )


def test_golden_g3(tmp_path):
    weights = {
        "layers.0.circuits": psin(144).reshape(6, 2, 4, 3),
        "layers.1.weight": [[0.1, 0.2, 0.3, 0.4]],
        "layers.1.bias": [0.5],
    }
    layers = [{"type": "qlstm", "variant": "chen2020", "hidden_size": 3, "n_qubits": 4, "depth": 2}]
    reply = golden(tmp_path, layers, weights, "--gradient")
    assert reply["outputs"][0][0] == pytest.approx(0.524129187489, abs=1e-11)
    expected = [0.001264361836, 0.002511349951, 0.004866938583, 0.006201687414]
    np.testing.assert_allclose(np.ravel(reply["gradient"]["inputs"]), expected, atol=1e-11)
    circuits = np.array(reply["gradient"]["weights"]["layers.0.circuits"]).reshape(6, -1)
    sums = [-0.0008621955, -0.0032748981, 0.0330530165, -0.0035901817, -0.0021876160, -1.0076194399]
    norms = [0.0012063089, 0.0036546775, 0.0268672682, 0.0036084777, 0.0016232386, 0.5401254393]
    np.testing.assert_allclose(circuits.sum(axis=1), sums, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(circuits, axis=1), norms, atol=1e-9)


def test_golden_g3_earlier_steps(tmp_path):
    """y_1 .. y_3 are the outputs for shorter sequences."""
    layers = [{"type": "qlstm", "variant": "chen2020", "hidden_size": 3, "n_qubits": 4, "depth": 2}]
    weights = {
        "layers.0.circuits": psin(144).reshape(6, 2, 4, 3),
        "layers.1.weight": np.array([[0.1, 0.2, 0.3, 0.4]]),
        "layers.1.bias": np.array([0.5]),
    }
    spec = dump(tmp_path / "spec.json", {"model": {"layers": layers}})
    file = write_safetensors(tmp_path / "weights.safetensors", weights)
    for steps, expected in [(1, 0.517698522426), (2, 0.520069338116), (3, 0.522376132772)]:
        text = json.dumps([SEQUENCE[0][:steps]])
        reply = answer("evaluate", spec, "--weights", file, "--inputs", "-", stdin=text)
        assert reply["outputs"][0][0] == pytest.approx(expected, abs=1e-11)


def test_golden_g6(tmp_path):
    weights = {
        "layers.0.circuits": psin(120).reshape(4, 5, 6),
        "layers.1.weight": [[0.1, 0.2, 0.3, 0.4, 0.5]],
        "layers.1.bias": [0.5],
    }
    layers = [{"type": "qlstm", "variant": "chen2024", "hidden_size": 5, "n_qubits": 6, "depth": 5}]
    assert golden(tmp_path, layers, weights)["outputs"][0][0] == pytest.approx(0.497627124303, abs=1e-11)


@pytest.mark.parametrize(
    "given, circuits, expected",
    [
        (dict(variant="linear"), [4, 1, 4], [0.017666989444, -0.071078923184, 0.102195393660]),
        (dict(variant="qdi"), [4, 2, 1, 4], [0.043137567138, -0.001272032793, -0.035438408582]),
        (
            dict(variant="qdi", entangling="strong", depth=2, n_qlayers=2),
            [4, 3, 2, 4, 3],
            [0.052058043683, 0.020837041947, -0.022817230252],
        ),
    ],
)
def test_golden_g8(tmp_path, given, circuits, expected):
    """h_4 is read through a head that is the unit matrix."""
    fed = 4 * given.get("n_qlayers", 1)
    shapes = [("linear_in.weight", [fed, 4]), ("linear_in.bias", [fed]), ("circuits", circuits),
              ("linear_out.weight", [3, 4]), ("linear_out.bias", [3])]
    weights, first = {}, 0
    for name, shape in shapes:
        weights["layers.0." + name] = psin(int(np.prod(shape)), first).reshape(shape)
        first += int(np.prod(shape))
    weights["layers.1.weight"], weights["layers.1.bias"] = np.eye(3), np.zeros(3)
    layers = [{"type": "qlstm", "hidden_size": 3, "n_qubits": 4, **given}, {"type": "dense", "units": 3}]
    np.testing.assert_allclose(golden(tmp_path, layers, weights)["outputs"][0], expected, atol=1e-11)


# Inputs and their axes


def test_batch_first_false_swaps_axes_of_inputs_and_gradient(tmp_path):
    layers, n_inputs, n_outputs = MODELS["lstm"]
    first = Case(tmp_path, layers, n_inputs, n_outputs).evaluate("--gradient")
    turned = [{**one, "batch_first": False} for one in layers]
    case = Case(tmp_path, turned, n_inputs, n_outputs)
    dump(case.inputs_file, case.x.transpose(1, 0, 2).tolist())
    reply = case.evaluate("--gradient")
    assert reply["outputs"] == first["outputs"]
    expected = np.array(first["gradient"]["inputs"]).transpose(1, 0, 2).tolist()
    assert reply["gradient"]["inputs"] == expected


def test_inversward_reads_the_reversed_sequence(tmp_path):
    layers, n_inputs, n_outputs = MODELS["qdi inversward"]
    plain = Case(tmp_path, [{**one, "inversward": False} for one in layers], n_inputs, n_outputs)
    expected = plain.evaluate()["outputs"]
    case = Case(tmp_path, layers, n_inputs, n_outputs)
    dump(case.inputs_file, case.x[:, ::-1].tolist())
    assert case.evaluate()["outputs"] == expected


def test_inputs_and_targets_in_one_object(tmp_path):
    case = Case(tmp_path, *MODELS["lstm"])
    apart = case.evaluate("--targets", case.targets_file)
    dump(case.inputs_file, {"inputs": case.x.tolist(), "targets": case.y.tolist()})
    assert case.evaluate() == apart


def test_shorthand_spec_and_weights_as_json(tmp_path):
    case = Case(tmp_path, [qlstm("qdi", 3, 2)], 1, 1)
    expected = case.evaluate()
    dump(case.spec_file, {"hidden_size": 3, "n_qubits": 2})
    case.weights_file = dump(tmp_path / "weights.json", {k: v.tolist() for k, v in case.weights.items()})
    assert case.evaluate() == expected


def test_more_samples_do_not_change_a_sample(tmp_path):
    case = Case(tmp_path, *MODELS["chen2020"], batch=13)
    together = case.evaluate()["outputs"]
    dump(case.inputs_file, case.x[5:6].tolist())
    np.testing.assert_allclose(case.evaluate()["outputs"][0], together[5], rtol=0, atol=1e-14)


# Misuse


def refusal(case, *more, **changed):
    files = {"spec": case.spec_file, "weights": case.weights_file, "inputs": case.inputs_file, **changed}
    return problem("evaluate", files["spec"], "--weights", files["weights"], "--inputs", files["inputs"], *more)


def test_wrong_weights_are_refused_by_name(tmp_path):
    case = Case(tmp_path, *MODELS["lstm"])
    others = {"missing": dict(case.weights), "extra": dict(case.weights), "shape": dict(case.weights)}
    del others["missing"]["layers.1.bias"]
    others["extra"]["layers.1.biass"] = np.zeros(2)
    others["shape"]["layers.1.weight"] = np.zeros((5, 2))
    said = {}
    for name, weights in others.items():
        plain = {k: v.tolist() for k, v in weights.items()}
        files = [write_safetensors(tmp_path / "w.safetensors", weights), dump(tmp_path / "w.json", plain)]
        binary, text = ({**refusal(case, weights=file), "file": file} for file in files)
        for reply in (binary, text):
            beginning = f"--weights {reply.pop('file')}: "
            assert reply["message"].startswith(beginning)
            reply["message"] = reply["message"][len(beginning) :]
        assert binary == text
        said[name] = binary["message"]
    assert "'layers.1.bias'" in said["missing"] and "[2]" in said["missing"]
    assert "'layers.1.biass'" in said["extra"] and "'layers.1.bias'?" in said["extra"]
    assert "[5][2]" in said["shape"] and "[2][5]" in said["shape"]


def test_corrupt_weights_are_refused(tmp_path):
    case = Case(tmp_path, *MODELS["lstm"])
    data = case.weights_file.read_bytes()
    case.weights_file.write_bytes(data[:-3])
    assert refusal(case)["code"] == "corrupt"
    case.weights_file.write_bytes(b"")
    assert refusal(case)["code"] == "corrupt"
    assert refusal(case, weights=tmp_path / "nothing.safetensors")["code"] == "not_found"


@pytest.mark.parametrize(
    "inputs, pointer",
    [
        ([[1, 2], [3, 4]], "/0/0"),
        ([[[1], [2]], [[3]]], "/1"),
        ([[[1], ["a"]]], "/0/1/0"),
        ([[[1], [None]]], "/0/1/0"),
        ([[[[1]]]], "/0/0/0"),
        ([], ""),
        ([[]], "/0"),
        ({"inputs": [[[1], [2, 3]]]}, "/inputs/0/1"),
        ({"input": [[[1]]]}, "/inputs"),
        (7, ""),
    ],
)
def test_misshapen_inputs(tmp_path, inputs, pointer):
    case = Case(tmp_path, [layer("lstm", hidden_size=2)], 1, 1)
    assert refusal(case, inputs=dump(tmp_path / "x.json", inputs))["pointer"] == pointer


def test_inputs_that_are_no_json(tmp_path):
    case = Case(tmp_path, [layer("lstm", hidden_size=2)], 1, 1)
    case.inputs_file.write_text("[[[1], [2]]")
    said = refusal(case)
    assert said["code"] == "syntax" and "line 1" in said["message"]


def test_errors_say_which_file(tmp_path):
    case = Case(tmp_path, [layer("lstm", hidden_size=2)], 1, 1)
    bad, none = dump(tmp_path / "bad.json", [["a"]]), tmp_path / "none.json"
    for option, say in (
        ("--inputs", lambda file: refusal(case, inputs=file)),
        ("--targets", lambda file: refusal(case, "--targets", file)),
        ("--weights", lambda file: refusal(case, weights=file)),
    ):
        for file in (bad, none):
            message = say(file)["message"]
            assert message.startswith(option) and message.count(str(file)) == 1, message
    both = dump(tmp_path / "both.json", {"inputs": [[[1]]], "targets": [["a"]]})
    said = refusal(case, inputs=both)
    assert said["pointer"] == "/targets/0/0" and said["message"].startswith(f"--inputs {both}: ")


def test_what_is_not_finite_is_an_error(tmp_path):
    case = Case(tmp_path, [layer("lstm", hidden_size=2)], 1, 1)
    weights = {k: np.full(v.shape, 1e308) for k, v in case.weights.items()}
    said = refusal(case, weights=write_safetensors(tmp_path / "w.safetensors", weights))
    assert said["code"] == "nan_loss"
    assert said["message"] == "output 0 of sample 0 is not a finite number"
    targets = dump(tmp_path / "y.json", [[1e300]] * len(case.x))
    assert refusal(case, "--targets", targets)["message"] == "the loss is not a finite number"


def test_targets_of_another_batch(tmp_path):
    case = Case(tmp_path, [layer("lstm", hidden_size=2)], 1, 1)
    targets = dump(tmp_path / "y.json", [[0.5]])
    assert "1 samples" in refusal(case, "--targets", targets)["message"]


def test_columns_of_the_spec_rule(tmp_path):
    case = Case(tmp_path, *MODELS["lstm"])
    named = {"model": {"type": "lstm", "hidden_size": 5}, "data": {"inputs": ["a", "b"], "targets": ["c"]}}
    said = refusal(case, spec=dump(tmp_path / "s.json", named))
    assert said["message"] == "3 features a time step given; /data/inputs of the spec names 2"


def test_inputs_that_are_too_wide_are_blamed(tmp_path):
    case = Case(tmp_path, [qlstm("linear", 2, 2)], 1, 1)
    two = dump(tmp_path / "two.json", [[[0.1, 0.2], [0.3, 0.4]]])
    said = refusal(case, spec=dump(tmp_path / "s.json", {"variant": "linear", "hidden_size": 2, "n_qubits": 2}), inputs=two)
    assert said["message"] == "the inputs have 2 features, the weights were made for 1"


def test_spec_errors_have_pointers(tmp_path):
    case = Case(tmp_path, *MODELS["qdi"])
    said = refusal(case, spec=dump(tmp_path / "s.json", {"n_qubits": 26}))
    assert said["code"] == "out_of_range" and said["pointer"].endswith("n_qubits")
    (tmp_path / "s.json").write_text("{")
    assert refusal(case, spec=tmp_path / "s.json")["code"] == "syntax"


def test_where_a_gradient_is_not_finite(tmp_path):
    """Outputs and loss are finite, and the product of a large slope and a large weight is not: it is told which."""
    case = Case(tmp_path, [layer("rnn", hidden_size=1)], 2, 1, batch=3, steps=4)
    rows = np.zeros((3, 4, 2))
    rows[1, 3, 0] = 1e-200
    rows[:, 3, 1] = 1.0
    dump(case.inputs_file, rows.tolist())
    weights = {name: np.zeros_like(value) for name, value in case.weights.items()}
    weights["layers.0.weight_ih"] = np.array([[1e200, 1.0]])
    weights["layers.1.weight"] = np.array([[1.0]])
    file = write_safetensors(tmp_path / "w.safetensors", weights)
    targets = dump(tmp_path / "y.json", [[1.0], [1e152], [1.0]])
    said = refusal(case, "--targets", targets, "--gradient", weights=file)
    assert said["code"] == "nan_loss"
    assert said["message"] == "the gradient by feature 0 at step 3 of sample 1 is not a finite number"


def test_cross_entropy_of_classes(tmp_path):
    """Outputs are logits; the loss is the mean of -log softmax, its gradient on the head's bias the mean of softmax - 1."""
    rng = np.random.default_rng(8)
    layers = [layer("lstm", hidden_size=3), layer("dense", units=4)]
    weights = {"layers.0.weight_ih": rng.normal(size=(12, 2)), "layers.0.weight_hh": rng.normal(size=(12, 3)),
               "layers.0.bias_ih": rng.normal(size=12), "layers.0.bias_hh": rng.normal(size=12),
               "layers.1.weight": rng.normal(size=(4, 3)), "layers.1.bias": rng.normal(size=4)}
    spec = dump(tmp_path / "spec.json", {"data": {"task": "classification", "classes": 4, "steps": 5},
                                         "model": {"layers": layers}})
    files = {"--weights": {name: value.tolist() for name, value in weights.items()},
             "--inputs": rng.normal(size=(6, 5, 2)).tolist(), "--targets": [[0], [3], [1], [1], [2], [3]]}
    options = [word for key, value in files.items() for word in (key, dump(tmp_path / f"{key[2:]}.json", value))]
    reply = answer("evaluate", spec, *options, "--gradient")
    logits, truth = np.array(reply["outputs"]), np.array(files["--targets"])[:, 0]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert reply["loss"] == pytest.approx(-np.mean(np.log(shares[np.arange(6), truth])), rel=1e-13)
    expected = (shares - np.eye(4)[truth]).mean(axis=0)
    assert np.allclose(reply["gradient"]["weights"]["layers.1.bias"], expected, rtol=0, atol=1e-14)
    for bad in (4, -1, 0.5):
        dump(tmp_path / "targets.json", [[0], [3], [bad], [1], [2], [3]])
        said = problem("evaluate", spec, *options)
        assert said["code"] == "invalid" and "the target of sample 2 is" in said["message"]
