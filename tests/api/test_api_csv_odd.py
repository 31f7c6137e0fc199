"""Files that people bring by mistake, or written in an unusual way: what is said of them points at the cause."""
import io
import json
import zipfile

import pytest

from api_daemon import problem

ROWS = 14
VALUES = [50 + (i * 37 % 23) + i % 10 / 10 for i in range(ROWS)]
SMALL = {"type": "rnn", "hidden_size": 1, "training": {"epochs": 1}}


def upload(daemon, name, body, **said):
    reply = daemon.request("POST", "/datasets", params={"name": f"odd {name}", **said}, data=body if isinstance(body, bytes) else body.encode(),
                           headers={"Content-Type": "application/octet-stream"})
    assert reply.status_code == 201, reply.text
    return reply.json()


def lines(head, row):
    return head + "\n" + "".join(row(i) + "\n" for i in range(ROWS))


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("a.csv", "a,b\n1,2\n")
    return out.getvalue()


@pytest.mark.parametrize("body, words", [
    (json.dumps([{"t": i, "x": x} for i, x in enumerate(VALUES)]), "look like JSON; a table is expected: CSV"),
    (lines("{\"t\": 0}", lambda i: json.dumps({"t": i})), "look like JSON"),
    ("  [[1, 2],\n [3, 4]]", "look like JSON"),
    ("<!DOCTYPE html>\n<html><body>\n<p>Sign in, please</p>\n</body></html>\n", "a page of the Web (HTML)"),
    ("<?xml version=\"1.0\"?>\n<a>\n<b>1</b>\n</a>\n", "XML"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old spreadsheet (.xls)"),
    (b"PAR1" + bytes(range(256)), "Parquet"),
    ("%PDF-1.4\n1 0 obj\n<<>>\nendobj\n", "PDF"),
    (archive(), "the archive is no spreadsheet"),
])
def test_what_is_no_table(daemon, body, words):
    reply = daemon.request("POST", "/datasets", params={"name": "odd refused"}, data=body if isinstance(body, bytes) else body.encode(),
                           headers={"Content-Type": "application/octet-stream"})
    assert words in problem(reply, 400, "syntax")


@pytest.mark.parametrize("write", ["{:.1f} %", "$ {:.2f}", "EUR {:.2f}", "{:.2f} kW"])
def test_the_column_that_was_meant_is_named(daemon, write):
    """Not that of the dates."""
    body = lines("day,load", lambda i: f"2020-01-{i + 1:02},{write.format(VALUES[i])}")
    reply = daemon.request("POST", "/datasets", params={"name": "odd refused"}, data=body.encode(), headers={"Content-Type": "text/csv"})
    assert f"column 'load' is not numeric: line 2 holds '{write.format(VALUES[0])}'" in problem(reply, 422, "invalid")


def test_a_column_that_is_not_taken_is_said(daemon):
    row = upload(daemon, "marks", lines("t;x", lambda i: f"{i};{VALUES[i]}".replace(".", "," if i % 2 else ".")))
    note = "column 'x' is text: line 3 holds '"
    assert any(text.startswith(note) for text in row["description"]["notes"])
    preview = daemon.post("/experiments?validate_only=true", {**SMALL, "data": {"dataset": "odd marks"}}).json()
    assert preview["spec"]["data"]["targets"] == ["t"] and "column 'x' is not numeric: line 3" in preview["data"]["warnings"][0]


def test_times_as_numbers_can_be_turned(daemon):
    text = lines("unix_time,x", lambda i: f"{1700000000 - 60 * i},{VALUES[i]}")
    assert "turned=true" in upload(daemon, "falling", text)["description"]["notes"][0]
    row = upload(daemon, "turned", text, turned="true")
    assert row["description"]["dialect"]["turned"] is True
    data = {"dataset": "odd turned", "targets": ["x"], "window": 2, "drop_last_window": False}
    done = daemon.train({**SMALL, "data": data})
    rows = daemon.get(done["links"]["predictions"]).text.splitlines()[1:]
    assert [float(line.split(",")[2]) for line in rows] == VALUES[::-1][2:]
    reply = daemon.request("POST", "/datasets", params={"name": "odd refused", "turned": "maybe"}, data=text.encode(),
                           headers={"Content-Type": "text/csv"})
    assert "turned is 'maybe'; allowed are 'true' and 'false'" in problem(reply, 422, "invalid")


@pytest.mark.parametrize("write", [
    lambda i: f"\"Jan {i + 1}, 2021\"", lambda i: f"{i + 1}. Januar 2021", lambda i: f"{2000 + i // 4}Q{i % 4 + 1}",
    lambda i: f"{2000 + i // 4}-Q{i % 4 + 1}", lambda i: f"2020-W{i + 1:02}", lambda i: f"{('Jan', 'Feb', 'Mar')[i % 3]} {2000 + i}",
])
def test_dates_in_words(daemon, write):
    name = f"dates {write(0)}"
    row = upload(daemon, name, lines("when,x", lambda i: f"{write(ROWS - 1 - i)},{VALUES[i]}"))
    assert row["description"]["time"] == 0 and row["columns"][0]["type"] == "time" and row["description"]["dialect"]["turned"] is True
    done = daemon.train({**SMALL, "data": {"dataset": f"odd {name}", "window": 2}})
    last = daemon.get(done["links"]["predictions"]).text.splitlines()[-1]
    assert write(ROWS - 2).strip('"') in last


def test_parts_that_end_at_a_date_are_counted_at_once(daemon):
    """Not estimated, and not refused by the worker alone."""
    upload(daemon, "ends", lines("when;x", lambda i: f"{i + 1:02}.03.2020;{VALUES[i]}"))
    upload(daemon, "endless", lines("n;x", lambda i: f"{i};{VALUES[i]}"))

    def ask(until, name="ends"):
        data = {"dataset": f"odd {name}", "targets": ["x"], "window": 2, "split": {"train_until": until}}
        return daemon.post("/experiments", {**SMALL, "data": data})

    for until, train in (("2020-03-09", 6), ("9.3.2020", 6), ("March 9, 2020", 6), ("2020-03-04", 1)):
        row = ask(until).json()
        report = daemon.get(daemon.wait(row["id"])["links"]["report"]).json()
        assert row["data"]["train"] == train == report["data"]["train"] and row["data"]["test"] == report["data"]["test"]
    for until, words in (("2019-01-01", "no training window"), ("2021-01-01", "no test window"), ("soon", "'soon' is no time")):
        assert words in problem(ask(until), 422, "invalid", "/data/split/train_until")
    for name in ("endless",):
        assert "the rows have none" in problem(ask("2020-03-09", name), 422, "invalid", "/data/split/train_until")
