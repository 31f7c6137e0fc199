"""`bench`: what its rows say, not how fast anything is."""

import json

import pytest

from qlstm_worker import lines, problem, run

FIELDS = {
    "case", "quantity", "plan", "precision", "threads", "batch", "sets", "ns_per_sample", "ns_per_sample_median",
    "ns_per_call", "operations", "repeats", "fraction_of_peak", "peak_gflops", "isa",
}  # fmt: skip


def bench(case, *more, seconds=0.01):
    done = run("bench", "--case", case, "--seconds", seconds, "--json", *more)
    assert done.returncode == 0, done.stderr
    return lines(done.stdout)


def test_a_row_for_each_precision():
    rows = bench("V(4,1)", seconds=0.1)  # thirty repeats have eight times as long
    assert [row["precision"] for row in rows] == ["float64", "float32"]
    for row in rows:
        assert set(row) == FIELDS
        assert (row["case"], row["plan"], row["threads"], row["batch"]) == ("V(4,1)", "batch", 1, 256)
        assert row["sets"] == 1
        assert row["repeats"] >= 30 and 0 < row["ns_per_sample"] <= row["ns_per_sample_median"]
        assert row["ns_per_call"] == pytest.approx(256 * row["ns_per_sample"])
        expected = row["operations"] / row["ns_per_sample"] / row["peak_gflops"]
        assert row["fraction_of_peak"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "case, operations",
    [
        # 2^n amplitudes; product state and readout 7 + 11, a rotation or a diagonal behind the first ring 16
        ("V(4,1)", 16 * 18),
        ("V(4,2)", 16 * (18 + 4 * 16)),
        ("V(8,2)", 256 * (18 + 8 * 16)),
        # X and Y: RX, ring, RZ(x), RX, ring, <Y>: one diagonal and n rotations behind the ring
        ("qdi(4)", 16 * (18 + 5 * 16)),
    ],
)
def test_operations_of_the_leanest_statevector(case, operations):
    assert [row["operations"] for row in bench(case) if row["plan"] == "batch"][0] == operations


def test_a_shortcut_has_the_statevector_beside_it():
    rows = bench("V(8,1)")
    assert [row["plan"] for row in rows] == ["local", "batch"]
    assert rows[0]["fraction_of_peak"] is None and rows[1]["fraction_of_peak"] > 0


def test_a_layer_is_computed_each_time():
    """What four more layers add to a call: no call finds the state of the one before."""
    assert all(row["ns_per_sample"] > 0 for row in bench("layer(20)"))


def test_a_step_of_words():
    """Of each sequence: 99 steps of 24 neurons, 16 rotations and an output stage of two bits on 256 amplitudes."""
    row = bench("qrnn-99/200", seconds=0)[1]
    assert (row["precision"], row["batch"], row["operations"]) == ("float32", 200, 99 * 256 * (24 * 11 + 16 * 9 + 42))


@pytest.mark.parametrize("case", ["chen2020/1", "lstm-4"])
def test_training_steps(case):
    row = bench(case)[0]
    assert row["quantity"] == "training step" and row["ns_per_sample"] > 0
    assert row["plan"] == ("none" if case == "lstm-4" else "batch")


def test_threads_share_samples():
    one, two = bench("V(6,2)")[0], bench("V(6,2)", "--threads", "2")[0]
    assert (one["threads"], two["threads"]) == (1, 2)
    assert two["operations"] == one["operations"]


def test_for_a_person():
    done = run("bench", "--case", "V(4,2)/1", "--seconds", "0.01")
    assert done.returncode == 0 and "peak" in done.stdout and "us per sample" in done.stdout
    assert len(done.stdout.splitlines()) == 3 + 4  # cases beginning so: batches of 10 and 1


def test_a_set_of_weights_is_a_sample_of_its_own():
    row = bench("4xV(4,2)/4")[0]
    assert (row["sets"], row["batch"]) == (4, 4)
    assert row["ns_per_call"] == pytest.approx(16 * row["ns_per_sample"])


def test_unknown_cases():
    said = problem("bench", "--case", "V(4,3)")
    assert said["code"] == "not_found" and "did you mean 'V(4," in said["message"]
    assert run("bench", "V(4,2)").returncode == 2
    assert run("bench", "--threads", "0").returncode == 2
    assert "threads" in problem("bench", "--case", "V(4,1)", "--threads", "100000")["message"]
    assert json.loads(run("bench", "--case", "xyzzy").stderr)["error"]["code"] == "not_found"
