"""The real daemon as a child process, and a small client for it."""
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / os.environ.get("QLSTM_BUILD", "build")
DEADLINE = int(os.environ.get("QLSTM_DEADLINE", 300))  # seconds; for things that take a few on a quiet machine
# An experiment that is still running whenever a test looks at it again; an epoch takes about 10 ms.
ENDLESS = {"hidden_size": 5, "n_qubits": 6, "depth": 8, "training": {"epochs": 100000}}
TERMINAL = {"succeeded", "failed", "cancelled"}

# So that no estimate, and no refusal by one, depends on what else this machine does.
SPEED = ("--speed", "100")


def poll(question, what, deadline=DEADLINE):
    """Asks until the answer is true and returns it."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {deadline} s: {what}")


def check_sanitizers():
    """That no process left a report (conftest.py) since the last call."""
    if "QLSTM_REPORTS" not in os.environ:
        return
    found = sorted(pathlib.Path(os.environ["QLSTM_REPORTS"]).glob("report*"))
    for index, path in enumerate(found):
        found[index] = path.rename(path.with_name(f"seen.{path.name}"))
    assert not found, "\n".join(f"{path}\n{path.read_text(errors='replace')[:8000]}" for path in found)


class Daemon:
    def __init__(self, directory, *options):
        self.data = pathlib.Path(directory) / "data"
        self.log_path = pathlib.Path(directory) / "daemon.log"
        self.options = options
        self.process = None

    def start(self, address="127.0.0.1"):
        log = open(self.log_path, "ab")
        speed = () if "--speed" in self.options else SPEED
        self.process = subprocess.Popen(
            [str(BUILD / "qlstmd"), "--data", str(self.data), "--listen", "127.0.0.1:0", *speed, *self.options],
            stdout=subprocess.PIPE, stderr=log, text=True)
        log.close()
        line = self.process.stdout.readline()
        match = re.fullmatch(rf"listening on http://{re.escape(address)}:(\d+)\n", line)
        assert match, f"{line!r}\n{self.log()}"
        self.port = int(match[1])
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def stop(self):
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=DEADLINE)
        self.process.stdout.close()
        return status

    def log(self):
        return self.log_path.read_text(errors="replace")

    def close(self):
        if self.process.poll() is None:
            status = self.stop()
            check_sanitizers()
            assert status == 0, self.log()[-4000:]
        assert "ERROR: AddressSanitizer" not in self.log(), self.log()[-8000:]
        assert "runtime error" not in self.log(), self.log()[-8000:]
        assert "ThreadSanitizer" not in self.log(), self.log()[-8000:]

    def request(self, method, path, **arguments):
        return requests.request(method, self.url + path, timeout=DEADLINE, **arguments)

    def get(self, path, **arguments):
        return self.request("GET", path, **arguments)

    def post(self, path, body=None, **arguments):
        """JSON unless body is bytes or text."""
        if isinstance(body, (bytes, str)):
            return self.request("POST", path, data=body, **arguments)
        return self.request("POST", path, json=body, **arguments)

    def submit(self, spec, **arguments):
        reply = self.post("/experiments", spec, **arguments)
        assert reply.status_code == 202, reply.text
        return reply.json()["id"]

    def wait(self, experiment, until=lambda row: row["terminal"]):
        def look():
            row = self.get(f"/experiments/{experiment}").json()
            return row if until(row) else None
        return poll(look, f"experiment {experiment}")

    def train(self, spec):
        row = self.wait(self.submit(spec))
        assert row["status"] == "succeeded", row
        return row

    def upload(self, name, text, **arguments):
        arguments.setdefault("headers", {"Content-Type": "text/csv"})
        return self.post("/datasets", text, params={"name": name}, **arguments)


def problem(reply, status, code, pointer=None):
    """Checks the shape of an error and returns its message."""
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    body = reply.json()
    assert body["status"] == status and body["type"] == f"/problems/{code}"
    assert body["detail"] and body["title"] and body["instance"].startswith(("/", "*"))
    assert body["errors"][0]["code"] == code
    if pointer is not None:
        assert body["errors"][0]["pointer"] == pointer
    return body["errors"][0]["message"]


def read_safetensors(data):
    """An independent reader: {name: (shape, flat values)}, metadata."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    body, tensors, end = data[8 + length:], {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        first, last = entry["data_offsets"]
        assert first == end and entry["dtype"] == "F64"
        end = last
        tensors[name] = (entry["shape"], struct.unpack(f"<{(last - first) // 8}d", body[first:last]))
    assert end == len(body)
    return tensors, metadata


def flatten(values):
    return [x for item in values for x in flatten(item)] if isinstance(values, list) else [values]
