"""Several horizons at once, and forecasts that go on beyond the end of the data, through the API."""
import csv
import io
import pathlib

import pytest

from api_daemon import problem

PASSENGERS = pathlib.Path(__file__).parents[2] / "clients/curl/airpassengers.csv"
MODEL = {"type": "lstm", "hidden_size": 3}


@pytest.fixture(scope="module")
def passengers(daemon):
    reply = daemon.post("/datasets?name=forecast-passengers", PASSENGERS.read_bytes(), headers={"Content-Type": "text/csv"})
    assert reply.status_code in (200, 201), reply.text
    rows = list(csv.DictReader(PASSENGERS.open()))
    return [float(row["value"]) for row in rows]


@pytest.fixture(scope="module")
def several(daemon, passengers):
    data = {"dataset": "forecast-passengers", "targets": ["value"], "window": 12, "horizon": [1, 2, 3], "period": 12}
    return daemon.train({**MODEL, "data": data, "training": {"epochs": 2}})


def ask(daemon, experiment, body, query=""):
    return daemon.post(f"/experiments/{experiment['id']}/predict{query}", body)


def test_each_horizon_has_its_numbers(daemon, several, passengers):
    rows = list(csv.DictReader(io.StringIO(daemon.get(f"/experiments/{several['id']}/predictions").text)))
    for row in (rows[0], rows[-1]):
        begin = int(row["index"])
        assert [float(row[f"value_h{h}"]) for h in (1, 2, 3)] == passengers[begin + 12:begin + 15]
        assert int(row["row"]) == begin + 14
        body = ask(daemon, several, {"inputs": [[[v] for v in passengers[begin:begin + 12]]]}).json()
        assert body["horizons"] == [1, 2, 3] and body["targets"] == ["value"]
        assert body["outputs"] == [[float(row[f"value_h{h}_predicted"]) for h in (1, 2, 3)]]
    report = daemon.get(f"/experiments/{several['id']}/report").json()
    for scores in (report["metrics"], *report["baselines"].values()):
        assert [entry["horizon"] for entry in scores["test"]] == [1, 2, 3]
    last = [entry["mae"] for entry in report["baselines"]["last_value"]["test"]]
    assert last[0] < last[1] < last[2]  # farther is harder
    assert [entry["horizon"] for entry in report["scaling"]["targets"]] == [1, 2, 3]
    assert several["spec"]["data"]["horizon"] == [1, 2, 3]
    assert several["spec"]["model"]["layers"][-1]["units"] == 3


def test_beyond_the_end(daemon, several, passengers):
    """Blocks of three rows, each behind the one before; without inputs behind the last rows of the data."""
    window, expected = passengers[-12:], []
    for _ in range(3):
        block = ask(daemon, several, {"inputs": [[[v] for v in window]]}).json()["outputs"][0]
        window, expected = (window + block)[-12:], expected + block
    body = ask(daemon, several, {"steps": 8}).json()
    assert body["outputs"] == [[[v] for v in expected[:8]]]
    assert body["steps"] == 8 and body["from"]["row"] == len(passengers) - 1
    given = ask(daemon, several, {"inputs": [[[v] for v in passengers[-12:]]], "steps": 8}).json()
    assert given["outputs"] == body["outputs"] and "from" not in given
    content = PASSENGERS.read_bytes()
    reply = daemon.post(f"/experiments/{several['id']}/predict?steps=8", content, headers={"Content-Type": "text/csv"})
    assert reply.json()["outputs"] == body["outputs"]


def test_one_step_again_and_again(daemon, passengers):
    done = daemon.train({**MODEL, "data": {"dataset": "forecast-passengers", "inputs": ["value"], "window": 4},
                         "training": {"epochs": 1}})
    window, expected = passengers[-4:], []
    for _ in range(6):
        value = ask(daemon, done, {"inputs": [[[v] for v in window]]}).json()["outputs"][0][0]
        window, expected = window[1:] + [value], expected + [[value]]
    assert ask(daemon, done, {"steps": 6}).json()["outputs"] == [expected]


@pytest.mark.parametrize("data, words", [
    ({"inputs": ["time", "value"], "targets": ["value"]}, "reads column 'time'"),
    ({"inputs": ["value"], "horizon": 2}, "2 rows behind its window"),
])
def test_a_model_that_cannot_go_on(daemon, passengers, data, words):
    done = daemon.train({**MODEL, "data": {"dataset": "forecast-passengers", **data}, "training": {"epochs": 1}})
    assert words in problem(ask(daemon, done, {"steps": 3}), 409, "conflict", "/steps")


def test_bad_steps(daemon, several):
    problem(ask(daemon, several, {"steps": 0}), 422, "out_of_range", "/steps")
    problem(ask(daemon, several, {"steps": 1.5}), 422, "wrong_type", "/steps")
    problem(ask(daemon, several, {"inputs": [[[1]]]}, "?steps=0"), 400, "out_of_range")
    problem(ask(daemon, several, {}), 422, "missing", "/inputs")


def test_rows_do_not_go_on(daemon):
    rows = b"x,label\n" + b"".join(b"%d,%d\n" % (i, i % 2) for i in range(20))
    assert daemon.post("/datasets?name=forecast-rows", rows, headers={"Content-Type": "text/csv"}).status_code in (200, 201)
    data = {"dataset": "forecast-rows", "task": "classification", "classes": 2}
    done = daemon.train({**MODEL, "data": data, "training": {"epochs": 1}})
    problem(ask(daemon, done, {"steps": 3}), 409, "conflict", "/steps")
