"""HTTP itself: methods, limits, requests that mean two things, slow and many clients."""
import concurrent.futures
import socket
import time

import pytest

from api_daemon import DEADLINE, problem


def exchange(daemon, data, timeout=DEADLINE):
    """Sends literal bytes; everything that comes back until the end."""
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=timeout) as connection:
        connection.sendall(data)
        received = b""
        while True:
            part = connection.recv(65536)
            if not part:
                return received
            received += part


def test_unknown_paths(daemon):
    for path in ["/nothing", "/experiments/", "//experiments", "/experiments/a/b/c/d/e/f/g", "/%ff%fe"]:
        problem(daemon.get(path), 404, "not_found")


def test_wrong_methods(daemon):
    for method, path, allow in [("PUT", "/experiments", "POST, GET, HEAD, OPTIONS"),
                                ("DELETE", "/metrics", "GET, HEAD, OPTIONS"),
                                ("GET", "/experiments/01ARZ3NDEKTSV4RRFFQ69G5FAV/cancel", "POST, OPTIONS"),
                                ("BREW", "/datasets", "POST, GET, HEAD, OPTIONS")]:
        reply = daemon.request(method, path)
        problem(reply, 405, "method_not_allowed")
        assert reply.headers["Allow"] == allow
    reply = daemon.request("OPTIONS", "/datasets/sine")
    assert reply.status_code == 204 and reply.headers["Allow"] == "GET, HEAD, DELETE, OPTIONS"


@pytest.mark.parametrize("size", [(1 << 20) + 1, 5 << 20])
def test_bodies_too_large(daemon, size):
    problem(daemon.post("/experiments", b" " * size), 413, "too_large")
    chunks = (b" " * 65536 for _ in range(size // 65536 + 1))
    problem(daemon.request("POST", "/experiments", data=chunks), 413, "too_large")
    problem(daemon.post("/nothing", b" " * size), 404, "not_found")
    problem(daemon.request("PUT", "/experiments", data=b" " * size), 405, "method_not_allowed")


@pytest.mark.parametrize("method, path, size", [
    ("POST", "/experiments", 1 << 20), ("POST", "/experiments/01ARZ3NDEKTSV4RRFFQ69G5FAV/cancel", 4096),
    ("GET", "/healthz", 0), ("DELETE", "/datasets/nobody", 0),
])
def test_limits_of_bodies_to_the_byte(daemon, method, path, size):
    fits = daemon.request(method, path, data=b" " * size, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert fits.status_code in (200, 400, 404)
    problem(daemon.request(method, path, data=b" " * (size + 1)), 413, "too_large")


def test_head_is_get_without_the_body(daemon):
    for path in ["/experiments", "/datasets", "/datasets/sine", "/datasets/sine/content", "/readyz", "/version",
                 "/openapi.json", "/openapi.yaml", "/schema/experiment", "/problems/io", "/nothing", "/experiments?x=1"]:
        whole, head = daemon.get(path), daemon.request("HEAD", path)
        assert head.status_code == whole.status_code and head.content == b"" and whole.content
        ours, theirs = ({key: value for key, value in reply.headers.items() if key != "Date"} for reply in (head, whole))
        assert ours == theirs


def test_expect_is_answered_before_the_body(daemon):
    head = "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n"
    assert exchange(daemon, head.format("/experiments", 2000000).encode()).startswith(b"HTTP/1.1 413 ")
    assert exchange(daemon, head.format("/nothing", 20).encode()).startswith(b"HTTP/1.1 404 ")
    assert exchange(daemon, head.format("/metrics", 20).encode()).startswith(b"HTTP/1.1 405 ")
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=DEADLINE) as connection:
        connection.sendall(head.format("/experiments?validate_only=true", 2).encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("head", [
    "POST /experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "POST /experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "POST /experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /experiments HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
    "0\r\n\r\n",
    "POST /experiments HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "POST /experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length : 2\r\n\r\n{}",
    "POST /experiments HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length: -2\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n",
    "GET /healthz HTTP/1.1\r\n\r\n",
])
def test_requests_that_could_be_read_in_two_ways(daemon, head):
    smuggled = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = exchange(daemon, head.encode() + smuggled)
    assert answer.startswith(b"HTTP/1.1 400 ") and b"onnection: close" in answer
    assert b"qlstmd" not in answer and b"200 OK" not in answer


def test_http_1_0_needs_no_host(daemon):
    answer = exchange(daemon, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert answer.split(b"\r\n")[0].endswith(b"200 OK")


def test_keep_alive_and_pipelining(daemon):
    request = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = exchange(daemon, request * 3 + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert answer.count(b"HTTP/1.1 200 OK") == 4


def test_pages_of_other_sites_change_nothing(daemon):
    for origin in ["http://evil.example", "null", daemon.url + ".evil.example"]:
        problem(daemon.post("/experiments", {}, headers={"Origin": origin}), 403, "cross_origin")
        assert daemon.get("/healthz", headers={"Origin": origin}).status_code == 200
    reply = daemon.post("/experiments?validate_only=true", {}, headers={"Origin": daemon.url})
    assert reply.status_code == 200


def test_headers_on_every_answer(daemon):
    for path in ["/healthz", "/nothing", "/openapi.yaml", "/experiments?x=1"]:
        reply = daemon.get(path)
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "no-store"
        assert "Server" not in reply.headers


def test_many_connections_ready_at_once(daemon):
    """More than 128 at once used to stall the HTTP library when it ran its own event loop."""
    connections = [socket.create_connection(("127.0.0.1", daemon.port), timeout=DEADLINE) for _ in range(300)]
    for _ in range(3):
        for connection in connections:
            connection.sendall(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for connection in connections:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    for connection in connections:
        connection.close()


def test_many_clients_post_at_once(daemon):
    spec = {"hidden_size": 1, "n_qubits": 1, "training": {"epochs": 1}, "project": "many"}
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        ids = list(pool.map(lambda _: daemon.submit(spec), range(120)))
    assert len(set(ids)) == 120
    for experiment in ids:
        daemon.post(f"/experiments/{experiment}/cancel")
    for experiment in ids:
        daemon.wait(experiment)


def test_slow_heads_are_cut(daemon):
    """A byte now and then does not hold a connection past the deadline of 10 s; nor does none."""
    def seconds_held(start):
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=1) as connection:
            connection.sendall(start)
            while time.monotonic() - begin < 60:
                try:
                    if start:
                        connection.sendall(b"a")
                    if connection.recv(100) == b"":
                        break
                except socket.timeout:
                    continue
                except OSError:
                    break
            return time.monotonic() - begin
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for seconds in pool.map(seconds_held, [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "]):
            assert 9.5 < seconds < 50, "60 s are what an idle connection has"
    assert daemon.get("/healthz").status_code == 200
