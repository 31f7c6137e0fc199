"""Runs the qlstm-worker executable and reads what it writes."""

import json
import os
import pathlib
import struct
import subprocess

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKER = (ROOT / os.environ.get("QLSTM_BUILD", "build") / "qlstm-worker").resolve()
PATIENCE = 600  # seconds; for things that take a few on a quiet machine
PIPE_BYTES = 4096  # of output that a worker may be ahead of who reads it


def run(*arguments, stdin=""):
    command = [str(WORKER), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=PATIENCE)


def start(*arguments, **options):
    """Its output, in bytes, is read line by line and no further, from the smallest pipe there is: the worker waits for
    a reader however slow, so that it is never more than some 30 lines ahead."""
    command = [str(WORKER), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, pipesize=PIPE_BYTES,
                            **options)


def answer(*arguments, stdin=""):
    """The JSON object of a command that must succeed."""
    done = run(*arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def problem(*arguments, stdin=""):
    """The error object of a command that must fail."""
    done = run(*arguments, stdin=stdin)
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    return json.loads(done.stderr)["error"]


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def of_type(parsed, kind):
    return [line for line in parsed if line["type"] == kind]


def dump(path, value):
    path.write_text(json.dumps(value))
    return path


def read_safetensors(path):
    """(tensors by name, metadata), by the format's description alone."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    meta, tensors = header.pop("__metadata__", {}), {}
    for name, entry in header.items():
        assert entry["dtype"] == "F64"
        begin, end = entry["data_offsets"]
        raw = data[8 + length + begin : 8 + length + end]
        tensors[name] = np.frombuffer(raw, dtype="<f8").reshape(entry["shape"])
    return tensors, meta


def write_safetensors(path, tensors):
    """Without metadata, as other people's tools do."""
    header, body = {}, b""
    for name, value in tensors.items():
        raw = np.ascontiguousarray(value, dtype="<f8").tobytes()
        offsets = [len(body), len(body) + len(raw)]
        header[name] = {"dtype": "F64", "shape": list(np.shape(value)), "data_offsets": offsets}
        body += raw
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path
