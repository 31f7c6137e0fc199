"""CSV files as users bring them: what was understood is shown, what is unclear is refused, and experiments train on it."""
import gzip
import socket

import pytest

from api_daemon import problem

PRICES = [50, 54.79, 58.41, 59.97, 59.09, 55.98, 51.41, 46.49, 42.43, 40.22, 40.41, 42.94, 47.21, 52.15]
DAYS = [f"2020-01-{i + 1:02}" for i in range(14)]
SMALL = {"type": "lstm", "hidden_size": 2, "training": {"epochs": 1}}


def table(names, *columns, separator=","):
    lines = [separator.join(names)] if names else []
    return "\n".join(lines + [separator.join(map(str, row)) for row in zip(*columns)]) + "\n"


def upload(daemon, name, body, said=""):
    reply = daemon.request("POST", f"/datasets?name={name}{said}", data=body, headers={"Content-Type": "text/csv"})
    assert reply.status_code == 201, reply.text
    return reply.json()


def refused(daemon, body, status=422, said="", **headers):
    reply = daemon.request("POST", f"/datasets?name=refused{said}", data=body,
                           headers={"Content-Type": "text/csv", **headers})
    return problem(reply, status, "invalid" if status == 422 else "syntax")


def truths(daemon, data, window=2):
    """The truths of the predictions of a run, in order."""
    done = daemon.train({**SMALL, "data": {"window": window, "drop_last_window": False, **data}})
    lines = daemon.get(done["links"]["predictions"]).text.splitlines()
    return done, lines


def column(lines, k):
    return [float(line.split(",")[k]) for line in lines[1:]]


def test_what_was_understood_is_shown(daemon):
    comma = [f"{price:.2f}".replace(".", ",") for price in PRICES]
    row = upload(daemon, "german", table(["Zeit", "Preis, EUR"], DAYS, comma, separator=";").encode("latin-1"))
    description = row["description"]
    assert description["dialect"] == {
        "separator": ";", "decimal": ",", "thousands": "none", "header": 1, "skip_rows": 0, "comment": "",
        "encoding": "utf-8", "missing": "", "names_in_comment": False, "turned": False}
    assert description["preview"][:2] == [["2020-01-01", 50.0], ["2020-01-02", 54.79]] and description["time"] == 0
    assert [c["name"] for c in row["columns"]] == ["Zeit", "Preis, EUR"]
    _, lines = truths(daemon, {"dataset": "german"})
    assert column(lines, 2) == PRICES[2:]


def test_unclear_files_are_refused_with_both_readings(daemon):
    body = "".join(f"{price:.2f}\n".replace(".", ",") for price in PRICES)
    words = refused(daemon, body)
    assert "50 | 00 in the first row (say separator=,)" in words and "50.00 (say decimal=,)" in words
    one = upload(daemon, "one", body, "&decimal=,")
    assert one["description"]["preview"][:2] == [[50.0], [54.79]]
    _, lines = truths(daemon, {"dataset": "one"})
    assert column(lines, 2) == PRICES[2:]
    assert upload(daemon, "two", body, "&separator=,")["description"]["preview"][0] == [50.0, 0.0]
    # The same bytes under the same name, read in another way, are other data.
    reply = daemon.request("POST", "/datasets?name=two&decimal=,", data=body, headers={"Content-Type": "text/csv"})
    assert "read in another way" in problem(reply, 409, "conflict")
    assert "skip_rows=2" in refused(daemon, "Load report\n\n" + table(["t", "load"], range(14), PRICES))
    assert "1234 with thousands=," in refused(daemon, "t;x\n1;1,234\n2;5,678\n")
    assert "allowed are" in refused(daemon, "1\n2\n", said="&separator=x")
    assert "no UTF-8" in refused(daemon, "1\n2\n", said="&comment=%ff")
    assert "no UTF-8" in refused(daemon, "1\n2\n", said="&missing=%c3")
    reply = daemon.request("POST", "/datasets?name=refused&quote=x", data="1\n2\n", headers={"Content-Type": "text/csv"})
    problem(reply, 400, "unknown_field")


def test_curl_without_line_ends(daemon):
    for text in (table(None, range(14), PRICES), table(["day", "load"], range(14), PRICES)):
        words = refused(daemon, text.replace("\n", ""), 400, **{"Content-Type": "application/x-www-form-urlencoded"})
        assert "no line end in the text" in words and "--data-binary" in words


def test_the_header_may_be_said(daemon):
    text = table(["2019", "2020"], PRICES, PRICES)
    row = upload(daemon, "years", text, "&header=true")
    assert row["rows"] == 14 and [c["name"] for c in row["columns"]] == ["2019", "2020"]
    assert upload(daemon, "no%20years", text)["rows"] == 15


def test_one_odd_cell_is_that_columns_alone(daemon):
    words = refused(daemon, "Date;P\n" + "".join(f"{day};{price} kW\n" for day, price in zip(DAYS, PRICES)))
    assert "column 'P' is not numeric: line 2 holds '50 kW'" in words and "separator ';'" in words
    cells = [*map(str, PRICES[:13]), "x"]
    words = refused(daemon, table(["Date", "P"], DAYS, cells))
    assert "column 'P' is not numeric: line 15 holds 'x'" in words


def test_an_index_stays_an_index(daemon):
    double = [round(2 * price, 2) for price in PRICES]
    row = upload(daemon, "equal%20names", table(["day", "load", "load"], range(14), PRICES, double))
    done, lines = truths(daemon, {"dataset": row["id"], "inputs": [2], "targets": [2]})
    assert done["spec"]["data"]["inputs"] == [2] and column(lines, 2) == double[2:]
    _, lines = truths(daemon, done["spec"]["data"])
    assert column(lines, 2) == double[2:]
    reply = daemon.post("/experiments", {"data": {"dataset": row["id"], "inputs": ["load"]}})
    assert "columns 1 and 2 both have that name" in problem(reply, 422, "invalid", "/data/inputs/0")
    _, lines = truths(daemon, {"dataset": row["id"], "inputs": [1, 2], "targets": [2]})
    assert column(lines, 2) == double[2:]
    reply = daemon.post("/experiments", {"data": {"dataset": row["id"], "inputs": [1, 1]}})
    problem(reply, 422, "invalid", "/data/inputs/1")


@pytest.mark.parametrize("names", [["column_1", "", "x"], ["x" * 300, "y" * 300, "v"]])
def test_an_index_of_a_name_that_is_none(daemon, names):
    squares, cubes = [i * i for i in range(1, 15)], [i ** 3 for i in range(1, 15)]
    row = upload(daemon, f"odd%20names%20{len(names[0])}", table(names, range(1, 15), squares, cubes))
    done, lines = truths(daemon, {"dataset": row["id"], "inputs": [1], "targets": [1]})
    assert column(lines, 2) == squares[2:]
    assert done["spec"]["data"]["targets"] == [1]
    # Its inputs, in a file that has nothing else, and in the whole one.
    for body in ("1\n4\n", table(names, [1, 2], [1, 4], [1, 8])):
        reply = daemon.request("POST", done["links"]["self"] + "/predict", data=body, headers={"Content-Type": "text/csv"})
        assert reply.status_code == 200, reply.text
        assert len(reply.json()["outputs"]) == 1


def test_defaults_that_somebody_means(daemon):
    row = upload(daemon, "stock", table(["Date", "Close", "Volume"], DAYS, PRICES, range(14)))
    for data in ({"inputs": ["Close"]}, {"targets": ["Close"]}, {"targets": [1]}):
        done, lines = truths(daemon, {"dataset": row["id"], **data})
        named = list(data.values())[0]
        assert done["spec"]["data"]["inputs"] == done["spec"]["data"]["targets"] == named
        assert column(lines, 2) == PRICES[2:]
    reply = daemon.post("/experiments", {"data": {"dataset": row["id"]}})
    assert "2 numeric columns: 'Close', 'Volume'" in problem(reply, 422, "missing", "/data/targets")
    upload(daemon, "only", table(["Date", "Close"], DAYS, PRICES))
    assert truths(daemon, {"dataset": "only"})[0]["spec"]["data"]["targets"] == ["Close"]
    upload(daemon, "Value", table(["Value", "id"], PRICES, range(14)))
    assert truths(daemon, {"dataset": "Value"})[0]["spec"]["data"]["targets"] == ["Value"]


def test_newest_first(daemon):
    snow = [20] * 14
    row = upload(daemon, "newest", table(["date", "t", "snow"], DAYS[::-1], PRICES[::-1], snow))
    assert row["description"]["dialect"]["turned"] is True
    assert any("the times fall" in note for note in row["description"]["notes"])
    assert row["columns"][2]["constant"] is True
    reply = daemon.post("/experiments", {"data": {"dataset": "newest"}})
    assert "'t', 'snow' (constant)" in problem(reply, 422, "missing", "/data/targets")
    _, lines = truths(daemon, {"dataset": "newest", "targets": ["t"]})
    assert column(lines, 2) == PRICES[2:]


GAPS = "Date;P;U\n" + "".join(f"{day};{'?' if i in (3, 8) else price};{'' if i == 5 else i}\n"
                              for i, (day, price) in enumerate(zip(DAYS, PRICES)))


def predicted_rows(lines):
    return [int(line.split(",")[-2]) for line in lines[1:]]


def test_missing_values(daemon):
    upload(daemon, "gaps", GAPS)
    reply = daemon.post("/experiments", {"data": {"dataset": "gaps", "inputs": ["P"]}})
    words = problem(reply, 422, "invalid", "/data/inputs/0")
    assert "column 'P' has no value in 2 rows, first in line 5, which holds '?'" in words and "data.missing" in words
    both = {"dataset": "gaps", "inputs": ["P", "U"], "targets": ["P"], "split": {"train": 0.5}}
    done, lines = truths(daemon, {**both, "missing": "interpolate"})
    between = [*PRICES]
    between[3], between[8] = (PRICES[2] + PRICES[4]) / 2, (PRICES[7] + PRICES[9]) / 2
    assert column(lines, 2) == pytest.approx(between[2:], rel=1e-15) and done["data"]["rows"] == 14
    assert column(truths(daemon, {**both, "missing": "ffill"})[1], 2)[1] == PRICES[2]
    done, lines = truths(daemon, {**both, "missing": "drop"})
    left = [i for i in range(14) if i not in (3, 5, 8)]
    assert column(lines, 2) == [PRICES[i] for i in left][2:] and done["data"]["rows"] == 11
    assert done["data"]["train"] + done["data"]["test"] == 9 == len(lines) - 1
    assert predicted_rows(lines) == left[2:] and lines[1].endswith(",2020-01-03") and lines[2].endswith(",2020-01-05")
    done, _ = truths(daemon, {"dataset": "gaps", "inputs": ["P"], "missing": "drop"})
    assert done["data"]["rows"] == 12
    assert daemon.get(done["links"]["report"]).json()["data"]["completed"] == 2


def test_predictions_say_which_row(daemon):
    upload(daemon, "dated", table(["Date", "Close"], DAYS, PRICES))
    done, lines = truths(daemon, {"dataset": "dated", "horizon": 2})
    assert lines[0] == "part,index,Close,Close_predicted,row,time"
    assert predicted_rows(lines) == list(range(3, 14))
    assert [line.split(",")[-1] for line in lines[1:]] == DAYS[3:]
    _, lines = truths(daemon, {"dataset": "sine"})
    assert lines[0] == "part,index,value,value_predicted,row" and lines[1].endswith(",2")


def test_a_constant_target(daemon):
    upload(daemon, "constant", "v\n" + "7.3\n" * 30)
    for train in (0.3, 0.5, 0.67):
        done, _ = truths(daemon, {"dataset": "constant", "split": {"train": train}})
        assert done["data"]["warnings"] == ["the target 'v' is constant: every value is 7.2999999999999998"]
        metrics = daemon.get(done["links"]["report"]).json()["metrics"]
        assert metrics["train"][0]["r2"] is None and metrics["test"][0]["r2"] is None
        assert metrics["test"][0]["rmse"] >= 0
    assert truths(daemon, {"dataset": "sine"})[0]["data"]["warnings"] == []


@pytest.mark.parametrize("train", [0.29, 0.57, 0.58])
def test_fractions_are_decimals(daemon, train):
    upload(daemon, f"hundred%20{train}", "v\n" + "".join(f"{i % 7}\n" for i in range(105)))
    reply = daemon.post("/experiments?validate_only=true",
                        {"data": {"dataset": f"hundred {train}", "window": 4, "split": {"train": train}}})
    assert reply.json()["data"]["train"] == round(100 * train)


def test_large_files(daemon):
    """More than stays in memory while it arrives; the same packed."""
    text = "value\n" + "0.123456789\n" * 900000
    row = upload(daemon, "large%20file", text)
    assert row["rows"] == 900000 and row["bytes"] == len(text)
    assert daemon.get(row["links"]["content"]).content == text.encode()
    packed = upload(daemon, "large%20packed", gzip.compress(text.encode()))
    assert packed["rows"] == 900000 and packed["description"]["compression"] == "gzip"
    assert not [file for file in daemon.data.rglob("*") if file.name.endswith(".tmp")]


def test_the_limit_is_named(daemon):
    """The head alone is sent: nobody sends a gigabyte to hear that it is too much."""
    with socket.create_connection(("127.0.0.1", daemon.port)) as client:
        client.sendall(b"POST /datasets?name=huge HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
                       b"Content-Length: 2147483648\r\n\r\n")
        answer = client.makefile("rb").read()
    assert b" 413 " in answer.splitlines()[0]
    assert b"2147483648 bytes; allowed are 1073741824" in answer


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_large_text_in_utf_16(daemon, encoding):
    """Past 1 MiB it is read by the disk: to the same table, also by the worker."""
    text = "zeit;wert €\n" + "".join(f"{i};{i % 7 / 4:.2f}\n" for i in range(70_000))
    read = {}
    for name, content in {f"wide-{encoding}": ("\ufeff" + text).encode(encoding), "wide-8": text.encode()}.items():
        reply = daemon.upload(name, content)
        assert reply.status_code in (200, 201), reply.text
        row = reply.json()
        row["description"]["dialect"].pop("encoding")
        read[name] = (row["columns"], row["rows"], row["description"])
        assert daemon.get(f"/datasets/{name}").json()["description"]["dialect"]["encoding"] == ("utf-8" if name == "wide-8" else encoding.replace("16-", "16"))
    assert read["wide-8"] == read[f"wide-{encoding}"]
    spec = {"data": {"dataset": f"wide-{encoding}", "inputs": ["wert €"], "targets": ["wert €"], "stride": 500}, "type": "rnn", "hidden_size": 1,
            "training": {"epochs": 1}}
    assert daemon.train(spec)["data"]["rows"] == 70_000
    broken = ("\ufeff" + text).encode(encoding)[:-1]
    assert "half a character" in problem(daemon.upload("wide-broken", broken), 400, "syntax")


@pytest.mark.parametrize("name, encoding, end", [("latin", "cp1252", "\n"), ("cr", "utf-8", "\r"), ("latin-cr", "cp1252", "\r"),
                                                 ("wide-cr", "utf-16", "\r")])
def test_a_large_text_that_is_not_read_as_it_stands(daemon, name, encoding, end):
    """Likewise; the marks stand at the end, so that nothing but the whole file says what it is."""
    head, body = ["tag;länge €"], [f"{i};{i % 7 / 4:.2f}" for i in range(120_000)]
    lines = head + body if name != "latin" else ["tag;wert"] + body + ["120000;1 # später"]
    row = upload(daemon, f"foreign-{name}", (end.join(lines) + end).encode(encoding))
    small = upload(daemon, f"foreign-{name}-8", "\n".join(lines).encode() + b"\n")
    for one in (row, small):
        one["description"]["dialect"].pop("encoding")
    assert (row["columns"], row["rows"], row["description"]) == (small["columns"], small["rows"], small["description"])
    wanted = {"cp1252": "latin-1", "utf-8": "utf-8", "utf-16": "utf-16le"}[encoding]
    assert daemon.get(f"/datasets/foreign-{name}").json()["description"]["dialect"]["encoding"] == wanted
    if name == "latin-cr":
        spec = {"data": {"dataset": f"foreign-{name}", "inputs": ["länge €"], "targets": ["länge €"], "stride": 5000}, "type": "rnn",
                "hidden_size": 1, "training": {"epochs": 1}}
        assert daemon.train(spec)["data"]["rows"] == 120_000
