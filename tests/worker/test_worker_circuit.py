"""`circuit` against the oracle on random programs, golden values G1 and G2, and listings that are wrong."""

import json
import time

import numpy as np
import pytest

import oracle
from qlstm_worker import ROOT, answer, dump, problem, run


def random_angle(rng, n_features, n_weights):
    kind = rng.integers(3)
    if kind == 0:
        return float(rng.normal())
    if kind == 1:
        return {"weight": int(rng.integers(n_weights))}
    encoder = str(rng.choice(list(oracle.ENCODERS)))
    return {"feature": int(rng.integers(n_features)), "encoder": encoder}


def random_gate(rng, n, n_features, n_weights):
    names = ["H", "X", "Y", "Z", "S", "T"] + ["RX", "RY", "RZ", "Rot"] * 3
    names += ["CNOT", "CZ", "SWAP"] * 3 if n > 1 else []
    name = str(rng.choice(names))
    wires = [int(w) for w in rng.permutation(n)[: 2 if name in oracle.TWO_WIRES else 1]]
    gate = {"gate": name, "wires": wires}
    if name == "Rot":
        gate["angle"] = [random_angle(rng, n_features, n_weights) for _ in range(3)]
    elif name in ("RX", "RY", "RZ"):
        gate["angle"] = random_angle(rng, n_features, n_weights)
    return gate


def random_listing(seed, batch):
    rng = np.random.default_rng(seed)
    n, n_features, n_weights = 1 + seed % 6, 1 + seed % 4, 1 + seed % 5
    observables = ["".join(rng.choice(list("IXYZ"), size=n)) for _ in range(2)] + [f"Z0 X{n - 1}" if n > 1 else "Y0"]
    features = rng.uniform(-0.9, 0.9, size=(batch, n_features))
    return {
        "n_qubits": n,
        "gates": [random_gate(rng, n, n_features, n_weights) for _ in range(int(rng.integers(1, 30)))],
        "features": features.tolist(),
        "weights": rng.normal(size=n_weights).tolist(),
        "observables": observables,
    }


def moved(listing, sample, d_features, d_weights, t):
    changed = {**listing, "weights": (np.array(listing["weights"]) + t * d_weights).tolist()}
    return oracle.program(changed, np.array(sample) + t * d_features)


def derivatives(listing, sample):
    """d outputs / d features [o][j] and d outputs / d weights [o][k] by finite differences."""
    n_features, n_weights = len(sample), len(listing["weights"])
    zero_f, zero_w = np.zeros(n_features), np.zeros(n_weights)
    by_features = [oracle.derivative(lambda t, e=e: moved(listing, sample, e, zero_w, t)) for e in np.eye(n_features)]
    by_weights = [oracle.derivative(lambda t, e=e: moved(listing, sample, zero_f, e, t)) for e in np.eye(n_weights)]
    return np.array(by_features).T, np.array(by_weights).T


@pytest.mark.parametrize("plan", ["reference", "batch"])
@pytest.mark.parametrize("seed", range(24))
def test_random_programs(tmp_path, seed, plan):
    listing = random_listing(seed, batch=[1, 3, 9][seed % 3])
    reply = answer("circuit", dump(tmp_path / "p.json", listing), "--plan", plan)
    assert reply["plan"] == plan and reply["n_qubits"] == listing["n_qubits"]
    expected = [oracle.program(listing, sample) for sample in listing["features"]]
    np.testing.assert_allclose(reply["outputs"], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("plan", ["reference", "batch"])
@pytest.mark.parametrize("seed", range(100, 110))
def test_gradients_of_random_programs(tmp_path, seed, plan):
    listing = random_listing(seed, batch=2)
    reply = answer("circuit", dump(tmp_path / "p.json", listing), "--gradient", "--plan", plan)
    for b, sample in enumerate(listing["features"]):
        by_features, by_weights = derivatives(listing, sample)
        np.testing.assert_allclose(reply["gradient"]["features"][b], by_features, rtol=0, atol=1e-8)
        np.testing.assert_allclose(reply["gradient"]["weights"][b], by_weights, rtol=0, atol=1e-8)


def test_one_sample_has_no_batch_axis(tmp_path):
    listing = random_listing(103, batch=1)
    batched = answer("circuit", dump(tmp_path / "p.json", listing), "--gradient")
    listing["features"] = listing["features"][0]
    single = answer("circuit", dump(tmp_path / "p.json", listing), "--gradient")
    assert single["outputs"] == batched["outputs"][0]
    assert single["gradient"] == {key: value[0] for key, value in batched["gradient"].items()}


def chen2020_listing(hadamard=True, depth=2):
    """The circuit of G1 written out gate by gate."""
    n, gates = 4, []
    for i in range(n):
        gates += [{"gate": "H", "wires": [i]}] if hadamard else []
    for i in range(n):
        gates.append({"gate": "RY", "wires": [i], "angle": {"feature": i, "encoder": "atan"}})
        gates.append({"gate": "RZ", "wires": [i], "angle": {"feature": i, "encoder": "atan_square"}})
    for d in range(depth):
        for step in (1, 2):
            gates += [{"gate": "CNOT", "wires": [i, (i + step) % n]} for i in range(n)]
        for i in range(n):
            gates.append({"gate": "Rot", "wires": [i], "angle": [{"weight": 12 * d + 3 * i + k} for k in range(3)]})
    weights = [0.1 * (1 + i) for i in range(24)]
    return {"gates": gates, "features": [0.1, -0.2, 0.3, 0.5], "weights": weights}


def test_golden_g1(tmp_path):
    expected = {
        True: [0.242995266811, -0.033986295395, 0.143637360796, -0.298473465578],
        False: [0.023000415779, -0.061348265222, -0.312137672518, 0.006593414406],
    }
    for hadamard, values in expected.items():
        reply = answer("circuit", dump(tmp_path / "p.json", chen2020_listing(hadamard)))
        np.testing.assert_allclose(reply["outputs"], values, rtol=0, atol=1e-12)


G2_WEIGHTS = """0.339253763540 -0.014006700284  0.345392100028  -0.059244250194  0.068822137875  0.001276686452
               -0.045289921585 -0.135329329039 -0.134972664020   0.320399252213  0.062952615870  0.388212497251
                0.073834838428 -0.049796290953  0 0 0 0 0 0 0 0 0 0"""


def test_golden_g2(tmp_path):
    gradient = answer("circuit", dump(tmp_path / "p.json", chen2020_listing()), "--gradient")["gradient"]
    np.testing.assert_allclose(gradient["weights"][0], [float(w) for w in G2_WEIGHTS.split()], rtol=0, atol=1e-11)
    expected = [0.193194964995, 0.298151166015, -0.334245804578, 0.303802521742]
    np.testing.assert_allclose(gradient["features"][0], expected, rtol=0, atol=1e-11)
    product = np.array([1, 2, 3, 4]) @ np.array(gradient["features"])
    expected = [0.068496526332, 0.543010179893, -0.177442186760, 0.286697069620]
    np.testing.assert_allclose(product, expected, rtol=0, atol=1e-11)


def test_defaults(tmp_path):
    """n_qubits: 1 + the largest wire; observables: Z on each; encoder x; n_wires is another name for n_qubits."""
    listing = {"gates": [{"gate": "RY", "wires": [1], "angle": {"feature": 0}}], "features": [0.3]}
    reply = answer("circuit", dump(tmp_path / "p.json", listing))
    assert reply["n_qubits"] == 2
    np.testing.assert_allclose(reply["outputs"], [1, np.cos(0.3)], atol=1e-15)
    assert len(answer("circuit", dump(tmp_path / "p.json", {**listing, "n_wires": 3}))["outputs"]) == 3


def test_constant_circuit_from_standard_input():
    text = json.dumps({"gates": [{"gate": "X", "wires": [0]}]})
    reply = answer("circuit", "-", "--gradient", stdin=text)
    assert reply["outputs"] == [-1]
    assert reply["gradient"] == {"features": [[]], "weights": [[]]}


def test_features_and_weights_that_no_gate_reads_have_gradient_zero(tmp_path):
    listing = {"gates": [{"gate": "RY", "wires": [0], "angle": {"weight": 0}}], "weights": [0.5, 9], "features": [1, 2]}
    gradient = answer("circuit", dump(tmp_path / "p.json", listing), "--gradient")["gradient"]
    np.testing.assert_allclose(gradient["weights"], [[-np.sin(0.5), 0]], atol=1e-15)
    assert gradient["features"] == [[0, 0]]


def ry(angle, wires=(0,)):
    return {"gate": "RY", "wires": list(wires), "angle": angle}


@pytest.mark.parametrize(
    "listing, code, pointer",
    [
        ([], "wrong_type", ""),
        ({}, "missing", "/gates"),
        ({"gates": {}}, "wrong_type", "/gates"),
        ({"gates": [], "feature": [1]}, "unknown_field", "/feature"),
        ({"gates": [], "n_qubits": 0}, "out_of_range", "/n_qubits"),
        ({"gates": [], "n_qubits": 26}, "out_of_range", "/n_qubits"),
        ({"gates": [], "n_qubits": "4"}, "wrong_type", "/n_qubits"),
        ({"gates": [], "n_wires": 1.5}, "wrong_type", "/n_wires"),
        ({"gates": [3]}, "wrong_type", "/gates/0"),
        ({"gates": [{"wires": [0]}]}, "wrong_type", "/gates/0/gate"),
        ({"gates": [{"gate": "CNTO", "wires": [0, 1]}]}, "not_found", "/gates/0/gate"),
        ({"gates": [ry(0.1), {"gate": "H", "wire": [0]}]}, "unknown_field", "/gates/1/wire"),
        ({"gates": [{"gate": "H"}]}, "missing", "/gates/0/wires"),
        ({"gates": [{"gate": "H", "wires": [0, 1]}]}, "wrong_type", "/gates/0/wires"),
        ({"gates": [{"gate": "CZ", "wires": [0]}]}, "wrong_type", "/gates/0/wires"),
        ({"gates": [{"gate": "CZ", "wires": [1, 1]}]}, "invalid", "/gates/0/wires/1"),
        ({"gates": [{"gate": "H", "wires": ["a"]}]}, "wrong_type", "/gates/0/wires/0"),
        ({"gates": [{"gate": "H", "wires": [-1]}]}, "out_of_range", "/gates/0/wires/0"),
        ({"gates": [{"gate": "H", "wires": [25]}]}, "out_of_range", "/gates/0/wires/0"),
        ({"gates": [{"gate": "H", "wires": [10**18]}]}, "out_of_range", "/gates/0/wires/0"),
        ({"gates": [ry(0.1, [2])], "n_qubits": 2}, "out_of_range", "/gates/0/wires/0"),
        ({"gates": [{"gate": "RY", "wires": [0]}]}, "missing", "/gates/0/angle"),
        ({"gates": [{"gate": "H", "wires": [0], "angle": 1}]}, "invalid", "/gates/0/angle"),
        ({"gates": [ry("0.1")]}, "wrong_type", "/gates/0/angle"),
        ({"gates": [ry({"feature": 0, "weight": 0})]}, "wrong_type", "/gates/0/angle"),
        ({"gates": [ry({"feature": 0})]}, "out_of_range", "/gates/0/angle/feature"),
        ({"gates": [ry({"feature": -1})], "features": [1]}, "out_of_range", "/gates/0/angle/feature"),
        ({"gates": [ry({"weight": 2})], "weights": [1, 2]}, "out_of_range", "/gates/0/angle/weight"),
        ({"gates": [ry({"weight": 0.5})], "weights": [1]}, "wrong_type", "/gates/0/angle/weight"),
        ({"gates": [ry({"weight": 0, "encoder": "x"})], "weights": [1]}, "unknown_field", "/gates/0/angle/encoder"),
        ({"gates": [ry({"feature": 0, "encoder": "atn"})], "features": [1]}, "not_found", "/gates/0/angle/encoder"),
        ({"gates": [ry({"feature": 0, "encoder": 3})], "features": [1]}, "wrong_type", "/gates/0/angle/encoder"),
        ({"gates": [{"gate": "Rot", "wires": [0]}]}, "missing", "/gates/0/angle"),
        ({"gates": [{"gate": "Rot", "wires": [0], "angle": [1, 2]}]}, "wrong_type", "/gates/0/angle"),
        ({"gates": [{"gate": "Rot", "wires": [0], "angle": [1, 2, None]}]}, "wrong_type", "/gates/0/angle/2"),
        ({"gates": [], "features": ["a"]}, "wrong_type", "/features/0"),
        ({"gates": [], "features": [[1], [1, 2]]}, "invalid", "/features/1"),
        ({"gates": [], "features": 3}, "wrong_type", "/features"),
        ({"gates": [], "weights": [[1]]}, "wrong_type", "/weights/0"),
        ({"gates": [], "observables": "Z"}, "wrong_type", "/observables"),
        ({"gates": [], "observables": []}, "wrong_type", "/observables"),
        ({"gates": [], "observables": ["Z", 3]}, "wrong_type", "/observables/1"),
        ({"gates": [], "observables": ["Z", "ZZ"]}, None, "/observables/1"),
        ({"gates": [], "observables": ["Q"]}, "syntax", "/observables/0"),
        ({"gates": [], "observables": ["Z7"]}, "out_of_range", "/observables/0"),
    ],
)
def test_wrong_listings(tmp_path, listing, code, pointer):
    said = problem("circuit", dump(tmp_path / "p.json", listing))
    assert said["pointer"] == pointer, said
    assert code is None or said["code"] == code, said
    assert said["message"]


def test_names_are_suggested(tmp_path):
    listing = {"gates": [{"gate": "CNTO", "wires": [0, 1]}]}
    assert "'CNOT'?" in problem("circuit", dump(tmp_path / "p.json", listing))["message"]
    listing = {"gate": []}
    assert "'gates'?" in problem("circuit", dump(tmp_path / "p.json", listing))["message"]


def test_float32(tmp_path):
    listing = dump(tmp_path / "p.json", random_listing(103, batch=3))
    exact, single = (answer("circuit", listing, "--gradient", *more) for more in ([], ["--precision", "float32"]))
    assert single["outputs"] != exact["outputs"]
    np.testing.assert_allclose(single["outputs"], exact["outputs"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(single["gradient"]["weights"], exact["gradient"]["weights"], rtol=0, atol=1e-5)
    assert problem("circuit", listing, "--precision", "half")["code"] == "invalid"


def test_unknown_plan(tmp_path):
    listing = dump(tmp_path / "p.json", {"gates": []})
    assert problem("circuit", listing, "--plan", "fast")["code"] == "not_found"


@pytest.mark.parametrize(
    "encoder, features, pointer, words",
    [
        ("asin", [2], "/features/0", "feature 0 is 2; asin takes -1 to 1"),
        ("acos", [[0.5], [-1.5]], "/features/1/0", "feature 0 of sample 1 is -1.5; acos takes -1 to 1"),
        ("pi_x", [1e308], "/features/0", "feature 0 is 1e+308; pi_x makes no finite angle of it"),
    ],
)
def test_a_feature_outside_its_encoders_domain(tmp_path, encoder, features, pointer, words):
    listing = {"gates": [ry({"feature": 0, "encoder": encoder})], "features": features}
    said = problem("circuit", dump(tmp_path / "p.json", listing))
    assert said == {"code": "out_of_range", "pointer": pointer, "message": words}


def test_an_infinite_slope_is_no_gradient(tmp_path):
    listing = {"gates": [ry({"feature": 0, "encoder": "acos"})], "features": [[0.5], [-1]], "observables": ["X"]}
    path = dump(tmp_path / "p.json", listing)
    np.testing.assert_allclose(answer("circuit", path)["outputs"], [[np.sin(np.arccos(0.5))], [0]], atol=1e-15)
    said = problem("circuit", path, "--gradient")
    assert said["code"] == "nan_loss"
    assert said["message"] == "the gradient of output 0 by feature 0 is not a finite number for sample 1"


def test_documented_programs_run(tmp_path):
    help_text = run("circuit", "--help").stdout
    manual = (ROOT / "server/worker/README.md").read_text()
    chapter = manual[manual.index("## Circuit programs") :]
    for text in (help_text[help_text.index("PROGRAM.json, whole") :], chapter):
        listing, _ = json.JSONDecoder().raw_decode(text[text.index('{"n_qubits"') :])
        reply = answer("circuit", dump(tmp_path / "p.json", listing), "--gradient")
        assert np.shape(reply["outputs"]) == (2, 2)
        assert np.shape(reply["gradient"]["features"]) == np.shape(reply["gradient"]["weights"]) == (2, 2, 1)
    for word in ("atan_square", "Rot", "SWAP", "observables", "[output][weight]"):
        assert word in help_text and word in chapter


def test_gradients_of_many_observables(tmp_path):
    """More than are computed at once: each as if it were alone."""
    rng = np.random.default_rng(3)
    observables = ["".join(rng.choice(list("IXYZ"), size=3)) for _ in range(150)]
    gates = [{"gate": "RY", "wires": [0], "angle": {"weight": 0}}, {"gate": "RX", "wires": [1], "angle": {"feature": 0}},
             {"gate": "CNOT", "wires": [0, 1]}, {"gate": "Rot", "wires": [2], "angle": [{"weight": 1}, {"feature": 1}, 0.3]},
             {"gate": "CNOT", "wires": [1, 2]}]
    program = {"n_qubits": 3, "gates": gates, "weights": [0.5, 0.7], "features": [[0.1, 0.2], [0.4, 0.5]]}
    whole = answer("circuit", dump(tmp_path / "p.json", {**program, "observables": observables}), "--gradient")
    for first in (0, 63, 64, 127, 128, 149):
        part = {**program, "observables": observables[first:first + 1]}
        alone = answer("circuit", dump(tmp_path / "p.json", part), "--gradient", "--plan", whole["plan"])
        for name in ("features", "weights"):
            assert np.allclose([sample[first] for sample in whole["gradient"][name]],
                               [sample[0] for sample in alone["gradient"][name]], rtol=0, atol=1e-14)


def test_gradients_cost_as_much_as_there_are_observables(tmp_path):
    """Ten times as many take about ten times as long, not a hundred."""
    def seconds(count):
        program = {"gates": [{"gate": "RY", "wires": [0], "angle": {"weight": 0}}], "weights": [0.5],
                   "observables": ["Z"] * count}
        path, times = dump(tmp_path / f"{count}.json", program), []
        for _ in range(3):
            start = time.perf_counter()
            answer("circuit", path, "--gradient")
            times.append(time.perf_counter() - start)
        return min(times)

    assert seconds(20000) < 30 * seconds(2000)
