"""Data as .npy, IDX and packed by gzip: the same numbers, however they come, give the same weights."""
import gzip
import hashlib
import io
import pathlib
import struct
import zlib

import numpy
import pytest

from api_daemon import BUILD, problem, read_safetensors

ROWS = 40
VALUES = (numpy.arange(2 * ROWS) * 37 % 101).reshape(ROWS, 2)
SPEC = {"hidden_size": 2, "n_qubits": 2, "training": {"epochs": 2}}


def npy(array, version=None):
    file = io.BytesIO()
    numpy.lib.format.write_array(file, numpy.asanyarray(array), version=version, allow_pickle=True)
    return file.getvalue()


def idx(array, code):
    array = numpy.asarray(array)
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.tobytes()


def csv(array):
    return "".join(",".join(repr(float(value)) for value in row) + "\n" for row in array).encode()


def upload(daemon, body, kind="application/octet-stream"):
    name = hashlib.sha256(body + kind.encode()).hexdigest()[:20]
    return daemon.upload(name, body, headers={"Content-Type": kind} if kind else {})


def stored(daemon, body, kind="application/octet-stream"):
    reply = upload(daemon, body, kind)
    assert reply.status_code in (200, 201), reply.text
    return reply.json()


def trained(daemon, row, inputs, targets):
    done = daemon.train({**SPEC, "data": {"dataset": row["id"], "inputs": inputs, "targets": targets}})
    content = daemon.get(f"/experiments/{done['id']}/weights").content
    return read_safetensors(content)[0]


# Each with the media type of its download.
FORMS = {
    "csv": (csv(VALUES), "text/csv"),
    "csv.gz": (gzip.compress(csv(VALUES)), "application/gzip"),
    "npy": (npy(VALUES), "application/x-npy"),
    "npy, big-endian, Fortran": (npy(numpy.asfortranarray(VALUES.astype(">f4"))), "application/x-npy"),
    "npy.gz": (gzip.compress(npy(VALUES.astype("<i2"))), "application/gzip"),
    "idx": (idx(VALUES.astype(">u1"), 0x08), "application/x-idx"),
    "idx.gz in two members": (b"".join(map(gzip.compress, (idx(VALUES.astype(">f8"), 0x0e)[:99],
                                                           idx(VALUES.astype(">f8"), 0x0e)[99:]))),
                              "application/gzip"),
}


@pytest.fixture(scope="module")
def from_csv(daemon):
    return trained(daemon, stored(daemon, csv(VALUES), "text/csv"), ["column_0", 1], ["column_1"])


@pytest.mark.parametrize("form", FORMS)
def test_the_same_numbers_give_the_same_weights(daemon, from_csv, form):
    body, media_type = FORMS[form]
    row = stored(daemon, body)
    kind = form[:3]
    assert row["kind"] == kind and row["rows"] == ROWS and row["bytes"] == len(body)
    assert [(c["name"], c["numeric"], c["minimum"], c["maximum"]) for c in row["columns"]] == [
        (f"column_{k}", True, VALUES[:, k].min(), VALUES[:, k].max()) for k in (0, 1)]
    assert row["description"].get("compression") == ("gzip" if "gz" in form else None)
    if kind != "csv":
        assert row["description"]["shape"] == [ROWS, 2]
    content = daemon.get(row["links"]["content"])
    assert content.content == body and content.headers["Content-Type"] == media_type
    assert daemon.get(f"/datasets/{row['id']}").json() == row
    assert row in daemon.get("/datasets").json()["datasets"]
    assert trained(daemon, row, ["column_0", 1], ["column_1"]) == from_csv
    suffix = "." + kind + (".gz" if "gz" in form else "")
    (file,) = (daemon.data / "datasets").glob(row["sha256"] + "*")
    assert file.name == row["sha256"] + suffix and file.read_bytes() == body


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", *(order + kind for order in "<>" for kind in (
    "i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8"))])
def test_every_dtype_reads_as_numpy_reads_it(daemon, dtype):
    values = (numpy.arange(24).reshape(12, 2) * 5 % 7).astype(dtype)
    for array, version in ((values, (1, 0)), (numpy.asfortranarray(values), (2, 0)), (values, (3, 0))):
        row = stored(daemon, npy(array, version))
        assert row["description"] == {"dtype": values.dtype.str, "shape": [12, 2]}
    done = daemon.train({**SPEC, "training": {"epochs": 1},
                         "data": {"dataset": row["id"], "targets": [1], "window": 2, "drop_last_window": False}})
    lines = daemon.get(f"/experiments/{done['id']}/predictions").text.splitlines()
    truth = [float(line.split(",")[2]) for line in lines[1:]]
    assert truth == values[2:, 1].astype(float).tolist()


def test_one_dimension_is_the_column_value(daemon):
    series = numpy.sin(numpy.arange(50) / 5)
    for body in (npy(series), idx(series.astype(">f8"), 0x0e)):
        row = stored(daemon, body)
        assert [(c["name"], c["numeric"]) for c in row["columns"]] == [("value", True)] and row["rows"] == 50
        assert daemon.train({**SPEC, "data": {"dataset": row["id"]}})["spec"]["data"]["inputs"] == ["value"]


def test_images_are_rows_of_pixels(daemon):
    images = (numpy.arange(20 * 28 * 28) % 251).reshape(20, 28, 28).astype("u1")
    row = stored(daemon, gzip.compress(idx(images, 0x08)), "application/gzip")
    assert row["kind"] == "idx" and row["rows"] == 20 and len(row["columns"]) == 784
    assert row["description"] == {"compression": "gzip", "dtype": "|u1", "shape": [20, 28, 28]}
    names = [column["name"] for column in row["columns"]]
    assert names == [f"column_{i}" for i in range(784)]
    done = daemon.train({"model": {"layers": [{"type": "lstm", "hidden_size": 2}]}, "training": {"epochs": 1},
                         "data": {"dataset": row["id"], "inputs": names, "targets": ["column_5"], "window": 2}})
    tensors, _ = read_safetensors(daemon.get(f"/experiments/{done['id']}/weights").content)
    assert tensors["layers.0.weight_ih"][0] == [8, 784]


def test_what_is_no_number_is_named_when_chosen(daemon):
    values = VALUES.astype(float)
    values[7, 1] = numpy.nan
    values[3, 1] = -numpy.inf
    row = stored(daemon, npy(values))
    assert row["columns"][1] == {"name": "column_1", "numeric": False, "type": "text", "missing": 0, "bad_row": 3,
                                 "bad_text": "-inf"}
    daemon.train({**SPEC, "data": {"dataset": row["id"]}})
    reply = daemon.post("/experiments", {"data": {"dataset": row["id"], "inputs": ["column_1"]}})
    message = problem(reply, 422, "invalid", "/data/inputs/0")
    assert message == "column 'column_1' is not numeric: row 3 holds '-inf'"
    message = problem(upload(daemon, npy(numpy.full((3, 2), numpy.nan))), 422, "invalid")
    assert "no numeric column" in message and "row 0 holds 'nan'" in message


HEADER = len(npy(numpy.zeros(1))) - 8


@pytest.mark.parametrize("body, status, code, words", [
    (npy(numpy.array([1, "a"], object)), 422, "invalid", "'|O': objects, which are never unpickled"),
    (npy(numpy.array(["a", "b"])), 422, "invalid", "'<U1': text"),
    (npy(numpy.array([b"a", b"b"])), 422, "invalid", "'|S1': text"),
    (npy(numpy.zeros(3, complex)), 422, "invalid", "'<c16': complex numbers"),
    (npy(numpy.zeros(3, "M8[s]")), 422, "invalid", "'<M8[s]': dates"),
    (npy(numpy.zeros(3, [("x", "f8"), ("y", "i4")])), 422, "invalid", "structure, [('x', '<f8'), ('y', '<i4')]"),
    (npy(numpy.zeros(3, "V5")), 422, "invalid", "raw bytes"),
    (npy(numpy.zeros(())), 422, "invalid", "0 dimensions"),
    (npy(numpy.zeros((2, 3, 4))), 422, "invalid", "3 dimensions"),
    (npy(numpy.zeros((0, 3))), 422, "invalid", "holds nothing"),
    (npy(numpy.zeros((1, 4097))), 413, "too_large", "4097 columns; at most 4096"),
    (npy(numpy.zeros(9))[:-1], 400, "syntax", f"byte {HEADER}: an array of shape (9,) of f8 takes 72 bytes"),
    (npy(numpy.zeros(9)) + b"\0", 400, "syntax", "the file has 73"),
    (npy(numpy.zeros(9))[:50], 400, "syntax", "byte 10: the .npy header should have"),
    (b"\x93NUMPY\x01\x00\xff\xff{", 400, "syntax", "65535 bytes, the file has 1 more"),
    (b"\0\0\x08\x02" + b"\xff" * 8, 400, "syntax", "takes 18446744065119617025 bytes from here, the file has 0"),
    (idx(numpy.zeros(9, "u1"), 8)[:-1], 400, "syntax", "byte 8:"),
    (gzip.compress(csv(VALUES))[:-9], 400, "syntax", "the gzip data end too early"),
    (gzip.compress(csv(VALUES)) + b"more", 400, "syntax", "4 bytes follow the end of the gzip data"),
    (gzip.compress(gzip.compress(csv(VALUES))), 400, "syntax", "packed once is enough"),
    (gzip.compress(b"a,b\n1\n2,3\n4,5\n"), 400, "syntax", "line 2 has 1 field"),
    (b"\x1f\x8b\x08\0", 400, "syntax", "end too early"),
])
def test_what_cannot_be_read_says_where(daemon, body, status, code, words):
    before = sorted((daemon.data / "datasets").iterdir())
    assert words in problem(upload(daemon, body), status, code)
    assert sorted((daemon.data / "datasets").iterdir()) == before


def test_content_types(daemon):
    for body, kind in ((npy(VALUES), "application/x-npy"), (idx(VALUES.astype("u1"), 8), "application/x-idx"),
                       (gzip.compress(npy(VALUES)), "application/x-gzip"), (npy(VALUES), ""), (csv(VALUES), "")):
        stored(daemon, body, kind)
    for body, kind, words in (
            (npy(VALUES), "text/csv", "declared as text/csv, but the data begin as NumPy's .npy does"),
            (csv(VALUES), "application/x-npy", "but the data do not begin as NumPy's .npy does"),
            (csv(VALUES), "application/gzip", "but the data do not begin as gzip does"),
            (gzip.compress(npy(VALUES)), "application/x-idx", "but the data begin as NumPy's .npy does"),
            (csv(VALUES), "image/png", "text/csv is expected; also application/csv, text/plain, application/x-npy, "
                                       "application/x-idx, application/x-safetensors, application/vnd.")):
        assert words in problem(upload(daemon, body, kind), 415, "unsupported_media_type")


def bomb(size):
    """`size` zeros, packed about a thousand times smaller. Behind a full flush the same bytes mean the same again."""
    packer, block = zlib.compressobj(9, zlib.DEFLATED, 31), bytes(1 << 20)
    first, again = (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * ((size >> 20) - 1)


def peak_kb(daemon):
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


@pytest.mark.skipif("san-" in BUILD.name, reason="a sanitizer keeps what is freed")
def test_a_gzip_bomb_ends_at_the_limit(make_daemon):
    """Two gigabytes of zeros in two megabytes: refused, and unpacked to the disk, not into memory."""
    daemon = make_daemon()
    body = bomb(2 << 30)
    assert len(body) < 3 << 20
    before = peak_kb(daemon)
    reply = upload(daemon, body, "text/csv")
    assert "more than 1073741824 bytes, the limit" in problem(reply, 413, "too_large")
    assert peak_kb(daemon) - before < 64 << 10


def test_large_packed_data_train_in_the_sandbox(daemon):
    """Past 1 MiB, unpacked, the worker needs a file for them."""
    rows = numpy.stack([numpy.arange(9000) * 7919 % 1000 / 1000, numpy.arange(9000) % 7 / 7], 1)
    text = "".join(f"{a:.60f},{b:.60f}\n" for a, b in rows).encode()
    spec = {"type": "lstm", "hidden_size": 1, "training": {"epochs": 1, "batch_size": 256}}
    weights = []
    for body in (text, gzip.compress(text)):
        row = stored(daemon, body, "text/csv" if body is text else "application/gzip")
        done = daemon.train({**spec, "data": {"dataset": row["id"], "inputs": [0], "targets": [1]}})
        weights.append(read_safetensors(daemon.get(f"/experiments/{done['id']}/weights").content)[0])
        (folder,) = (daemon.data / "runs" / done["id"]).glob("attempt-1")
        assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    assert len(text) > 1 << 20 and weights[0] == weights[1]


def test_a_description_survives_a_restart(make_daemon):
    daemon = make_daemon()
    row = stored(daemon, gzip.compress(npy(VALUES)))
    daemon.stop()
    daemon.start()
    assert daemon.get(row["links"]["self"]).json() == row
    daemon.train({**SPEC, "data": {"dataset": row["id"], "inputs": [1]}})
    assert daemon.request("DELETE", row["links"]["self"]).status_code == 204
    assert list((daemon.data / "datasets").iterdir()) == []
