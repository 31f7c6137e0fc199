"""Two data sets side by side: by row, by date, and what does not fit."""
import pytest

from api_daemon import problem


@pytest.fixture(scope="module", autouse=True)
def files(daemon):
    dated = lambda days, name, values: f"day,{name}\n" + "".join(f"{day},{value}\n" for day, value in zip(days, values))
    days = [f"2024-01-{i:02}" for i in range(1, 31)]
    other = [f"{i:02}.01.2024" for i in range(3, 31)] + ["01.02.2024"]
    for name, text in {
        "join-inputs": dated(days, "wind", range(30)), "join-targets": dated(other, "power", range(100, 129)),
        "join-plain": "x\n" + "".join(f"{i / 7:.3f}\n" for i in range(30)), "join-short": "y\n1\n2\n3\n",
        "join-same": dated(days, "wind", range(30, 60)), "join-twice": dated(days[:5] + days[:1], "z", range(6)),
        "join-later": dated([f"2025-{m:02}-01" for m in range(1, 10)], "z", range(9)),
        "join-falling": dated(days[::-1], "down", range(30)), "join-text": "n,word\n1,a\n2,b\n3,c\n",
    }.items():
        assert daemon.upload(name, text).status_code == 201, name


def join(daemon, first, second, by, name, **more):
    return daemon.post(f"/datasets/{first}/join", {"dataset": second, "by": by, "name": name, **more})


def rows(daemon, name):
    return [line.split(",") for line in daemon.get(f"/datasets/{name}/content").text.splitlines()]


def test_by_row(daemon):
    reply = join(daemon, "join-inputs", "join-plain", "row", "join-by-row")
    assert reply.status_code == 201 and reply.headers["Location"] == f"/datasets/{reply.json()['id']}"
    assert [column["name"] for column in reply.json()["columns"]] == ["day", "wind", "x"] and reply.json()["rows"] == 30
    head, first, *_ = rows(daemon, "join-by-row")
    assert head == ["day", "wind", "x"] and first == ["2024-01-01", "0.0", "0.0"] and rows(daemon, "join-by-row")[8] == ["2024-01-08", "7.0", "1.0"]
    assert join(daemon, "join-inputs", "join-plain", "row", "join-by-row").status_code == 200


def test_by_date_however_it_is_written(daemon):
    reply = join(daemon, "join-inputs", "join-targets", "date", "join-by-date")
    assert reply.status_code == 201
    power = reply.json()["columns"][2]
    assert (power["name"], power["missing"], power["missing_line"]) == ("power", 2, 2)
    assert rows(daemon, "join-by-date")[1:4] == [["2024-01-01", "0.0", ""], ["2024-01-02", "1.0", ""], ["2024-01-03", "2.0", "100.0"]]
    done = daemon.train({"data": {"dataset": "join-by-date", "inputs": ["wind"], "targets": ["power"], "missing": "drop", "window": 3},
                         "type": "rnn", "hidden_size": 2, "training": {"epochs": 1}})
    assert done["data"]["rows"] == 28


def test_rows_that_were_turned_round(daemon):
    assert "turned round" in problem(join(daemon, "join-falling", "join-plain", "row", "join-no"), 422, "invalid")
    assert join(daemon, "join-falling", "join-inputs", "date", "join-turned").status_code == 201
    assert rows(daemon, "join-turned")[1] == ["2024-01-01", "29.0", "0.0"]


def test_one_name_twice(daemon):
    assert "both data sets have a column 'wind'" in problem(join(daemon, "join-inputs", "join-same", "date", "join-no"), 422, "invalid")
    reply = join(daemon, "join-inputs", "join-same", "date", "join-suffix", suffix="_2")
    assert [column["name"] for column in reply.json()["columns"]] == ["day", "wind", "wind_2"]


@pytest.mark.parametrize("first, second, by, more, status, code, pointer, words", [
    ("join-inputs", "join-short", "row", {}, 422, "invalid", "", "30 and 3 rows"),
    ("join-inputs", "join-plain", "date", {}, 422, "invalid", "", "second data set has no column of dates"),
    ("join-plain", "join-inputs", "date", {}, 422, "invalid", "", "first data set has no column of dates"),
    ("join-inputs", "join-twice", "date", {}, 422, "invalid", "", "the date '2024-01-01' twice, in rows 0 and 5"),
    ("join-inputs", "join-later", "date", {}, 422, "invalid", "", "not one date in common"),
    ("join-inputs", "nobody", "row", {}, 422, "not_found", "/dataset", "nobody"),
    ("nobody", "join-plain", "row", {}, 404, "not_found", "", "nobody"),
    ("join-inputs", "join-plain", "hour", {}, 422, "invalid", "/by", "row and date"),
    ("join-inputs", "join-plain", "row", {"name": "a/b"}, 422, None, "/name", ""),
    ("join-inputs", "join-plain", "row", {"how": 1}, 422, "unknown_field", "/how", "known are dataset"),
    ("join-inputs", 3, "row", {}, 422, "wrong_type", "/dataset", "text is expected"),
    ("join-inputs", "join-plain", "row", {"name": "sine"}, 422, "conflict", "/name", "sine"),
    ("join-inputs", "join-plain", "row", {"name": "join-short"}, 409, "conflict", None, ""),
])  # fmt: skip
def test_refusals(daemon, first, second, by, more, status, code, pointer, words):
    reply = join(daemon, first, second, by, **{"name": "join-no", **more})
    assert words in problem(reply, status, code or reply.json()["errors"][0]["code"], pointer)
    assert daemon.get("/datasets/join-no").status_code == 404


def test_text_is_left_behind(daemon):
    assert [c["name"] for c in join(daemon, "join-short", "join-text", "row", "join-numbers").json()["columns"]] == ["y", "n"]
