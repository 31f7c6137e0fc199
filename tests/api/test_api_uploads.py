"""Files as they arrive: in forms, up to the limit, cut off in the middle."""
import gzip
import os
import socket
import sys

import pytest

from api_daemon import ROOT, poll, problem

sys.path.insert(0, str(ROOT / "tests/bench"))
import uploads

CSV = b"month,value\n" + b"".join(b"%d,%d\n" % (i, 100 + i % 7) for i in range(20))


def post_form(daemon, files, query="", **fields):
    return daemon.request("POST", f"/datasets{query}", files=files, data=fields)


def test_a_form(daemon):
    row = post_form(daemon, {"file": ("prices.csv", CSV, "text/csv")}, name="from a form", header="true").json()
    assert row["name"] == "from a form" and row["rows"] == 20
    assert daemon.get(row["links"]["content"]).content == CSV
    raw = daemon.upload("as it is", CSV).json()
    assert raw["sha256"] == row["sha256"] and raw["columns"] == row["columns"]
    packed = post_form(daemon, {"upload": ("prices.csv.gz", gzip.compress(CSV), "application/gzip")}, name="packed form")
    assert packed.json()["description"]["compression"] == "gzip" and packed.json()["rows"] == 20
    beside = post_form(daemon, {"file": ("p", CSV.replace(b",", b";"), None)}, "?name=beside", separator=";")
    assert beside.status_code == 201 and beside.json()["description"]["dialect"]["separator"] == ";"


def test_large_forms(daemon):
    text = b"value\n" + b"0.123456789\n" * 300000
    row = post_form(daemon, {"file": ("large.csv", text, "text/csv")}, name="large form").json()
    assert row["rows"] == 300000 and row["bytes"] == len(text)


@pytest.mark.parametrize("files, fields, status, code, words", [
    ({}, {"name": "x", "header": "true"}, 415, "unsupported_media_type", "the Content-Type is"),  # a plain form
    ({"name": (None, "x")}, {}, 400, "syntax", "the form holds no file"),
    ({"file": ("a", CSV), "more": ("b", CSV)}, {"name": "x"}, 400, "syntax", "more than one file"),
    ({"file": ("a", CSV)}, {}, 400, "missing", "the query parameter name is missing"),
    ({"file": ("a", CSV)}, {"name": "x", "titel": "y"}, 400, "unknown_field", "'titel'"),
    ({"file": ("a", CSV)}, {"name": "x" * 5000}, 400, "syntax", "a field of the form is no text of at most 4096 bytes"),
    ({"file": ("a", CSV), **{f"f{i}": (None, "1") for i in range(40)}}, {}, 400, "syntax", "too many fields"),
    ({"file": ("a", CSV, "application/x-npy")}, {"name": "x"}, 415, "unsupported_media_type", "application/x-npy"),
    ({"file": ("a", CSV, "image/png")}, {"name": "x"}, 415, "unsupported_media_type", "image/png"),
    ({"file": ("a", b"")}, {"name": "x"}, 400, "syntax", "empty"),
], ids=lambda value: value[:20] if isinstance(value, str) else None)
def test_forms_that_are_refused(daemon, files, fields, status, code, words):
    reply = post_form(daemon, files, **fields)
    if not files:
        assert reply.status_code in (400, 422), reply.text  # taken for the file itself, as curl --data-binary sends it
        return
    assert words in problem(reply, status, code)


@pytest.mark.parametrize("boundary, body, words", [
    ("", b"x", "needs a boundary"),
    ("; boundary=" + "b" * 71, b"x", "needs a boundary"),
    ("; boundary=bb", b"--bb\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n" + CSV, "before its last boundary"),
    ("; boundary=bb", CSV, "form"),
], ids=["none", "long", "cut", "no form"])
def test_broken_forms(daemon, boundary, body, words):
    reply = daemon.request("POST", "/datasets?name=broken", data=body,
                           headers={"Content-Type": "multipart/form-data" + boundary})
    assert words in problem(reply, 400, "syntax")


def test_other_paths_take_no_form(daemon):
    reply = daemon.request("POST", "/experiments", files={"file": ("spec.json", b"{}")})
    problem(reply, 415, "unsupported_media_type")


def test_the_limit_is_an_option(make_daemon):
    daemon = make_daemon("--max-upload", "3M")
    text = b"value\n" + b"0.123456789\n" * 300000  # 3,600,006 bytes
    told = "(the server's --max-upload)"
    for reply in (daemon.upload("raw", text), post_form(daemon, {"file": ("f", text)}, name="form")):
        assert f"allowed are {3 << 20} bytes {told}" in problem(reply, 413, "too_large") or \
            f"allowed are {3 << 20} {told}" in problem(reply, 413, "too_large")
    packed = problem(daemon.upload("packed", gzip.compress(text), headers={}), 413, "too_large")
    assert f"unpack to more than {3 << 20} bytes" in packed
    assert daemon.upload("fits", text[:6 + 12 * 200000]).status_code == 201


def files_without_a_name(daemon):
    """Those of the data directory that are open and have no name: bodies on their way."""
    folder, found = f"/proc/{daemon.process.pid}/fd", []
    for entry in os.listdir(folder):
        try:
            target = os.readlink(f"{folder}/{entry}")
        except FileNotFoundError:
            continue
        if target.startswith(str(daemon.data)) and target.endswith("(deleted)"):
            found.append(target)
    return found


@pytest.mark.parametrize("form", [False, True])
def test_an_upload_that_is_cut_leaves_nothing(make_daemon, form):
    daemon = make_daemon()
    before = sorted(daemon.data.rglob("*"))
    part = b"value\n" + b"0.123456789\n" * 400000
    kind, head = "text/csv", b""
    if form:
        kind, head = "multipart/form-data; boundary=bb", b"--bb\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n"
    with socket.create_connection(("127.0.0.1", daemon.port)) as client:
        client.sendall(b"POST /datasets?name=cut HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
                       b"Content-Length: 20000000\r\n\r\n" % kind.encode() + head + part)
        poll(lambda: files_without_a_name(daemon), "the body is on its way to the disk")
    poll(lambda: not files_without_a_name(daemon), "the cut body is gone")
    assert sorted(daemon.data.rglob("*")) == before
    assert not [row for row in daemon.get("/datasets").json()["datasets"] if not row["builtin"]]


def test_many_at_once_while_an_experiment_trains(make_daemon):
    """The small form of tests/bench/uploads.py."""
    daemon = make_daemon()
    found = uploads.measure(daemon, 20, 2_000_000, 1)
    assert found["statuses"] == [201] * 20
    assert len(found["waits"]) > 0
    rows = [row for row in daemon.get("/datasets").json()["datasets"] if not row["builtin"]]
    assert len({row["sha256"] for row in rows}) == 20 and not files_without_a_name(daemon)
    assert found["memory_most"] - found["memory_before"] < 40 * 2  # MiB; the bodies went to the disk
