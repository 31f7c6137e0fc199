#!/usr/bin/env python3
"""How long a prediction of one row takes through HTTP, once warm: `make bench-predict`.

    predict.py [--requests 5000] [--warm 500] [SPEC ...]

Each SPEC (JSON; `{}`, the default model, where none is given) is trained for an epoch; then one row after the other is sent
over one connection that stays open, from a socket, so that next to nothing is the client's. Prints microseconds: median,
least, 95 and 99 of 100, of the first request too, for which a process begins; beside it the same of GET /healthz, which is
what HTTP alone takes."""
import argparse
import json
import pathlib
import socket
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api_daemon import Daemon  # noqa: E402


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, message):
        """Status, body and seconds."""
        start = time.perf_counter()
        self.socket.sendall(message)
        got = self.socket.recv(65536)
        while b"\r\n\r\n" not in got:
            got += self.socket.recv(65536)
        head, _, body = got.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(body) < int(fields[b"content-length"]):
            body += self.socket.recv(65536)
        return int(head.split()[1]), body, time.perf_counter() - start


def request(method, path, body=b""):
    return (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode() + body


def measure(connection, messages, warm):
    times = []
    for message in messages:
        status, body, seconds = connection.ask(message)
        assert status == 200, body
        times.append(1e6 * seconds)
    first, rest = times[0], sorted(times[warm:])
    return first, rest


def said(name, first, times):
    at = [times[len(times) * part // 100] for part in (50, 95, 99)]
    print(f"{name:60} median {at[0]:6.0f} us, least {times[0]:6.0f}, 95 % {at[1]:6.0f}, 99 % {at[2]:6.0f}, the first {first:8.0f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--warm", type=int, default=500)
    parser.add_argument("specs", nargs="*", default=["{}"])
    options = parser.parse_args()
    count = options.warm + options.requests
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(folder).start()
        for text in options.specs:
            spec = json.loads(text)
            run = daemon.train({**spec, "training": {**spec.get("training", {}), "epochs": 1}})
            window = run["spec"]["data"]["window"]
            rows = [json.dumps({"inputs": [[[0.001 * (k + t)] for t in range(window)]]}).encode() for k in range(100)]
            path = f"/experiments/{run['id']}/predict"
            connection = Connection(daemon.port)
            said(f"predict, {text[:50]}", *measure(connection, [request("POST", path, rows[k % 100]) for k in range(count)], options.warm))
        said("GET /healthz", *measure(connection, [request("GET", "/healthz")] * count, options.warm))
        daemon.close()


if __name__ == "__main__":
    main()
