"""Many connections, slow ones, and clients that leave in an upload: others are answered all the while."""
import contextlib
import pathlib
import re
import resource
import socket
import time

import pytest
import requests

from api_daemon import BUILD, DEADLINE, poll, problem

PROMPT = 20  # seconds; an answer takes milliseconds, what is tested here kept it back for 60
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(daemon):
    return socket.create_connection(("127.0.0.1", daemon.port), timeout=DEADLINE)


@contextlib.contextmanager
def connections(daemon, count):
    """That many open connections; this process may need more descriptors for them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count + 500)), hard))
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect(daemon)) for _ in range(count)]


def answers(daemon, path="/healthz"):
    return requests.get(daemon.url + path, timeout=PROMPT).status_code


def sockets(daemon):
    """Connections that the daemon holds, established or closed by the client: [(state, bytes that wait to be read)]."""
    port = f":{daemon.port:04X}"
    lines = pathlib.Path(f"/proc/{daemon.process.pid}/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    return [(row[3], int(row[4].split(":")[1], 16)) for row in rows if row[1].endswith(port) and row[3] in ("01", "08")]


def resident(daemon):
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) << 10


def is_closed(connection):
    connection.settimeout(DEADLINE)
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


# --- limits ---

def test_idle_connections_of_one_client_keep_nobody_out(make_daemon):
    """More than an address may have: the one that has been idle longest goes for the next."""
    daemon = make_daemon("--connections", "200", "--connections-per-address", "50")
    with connections(daemon, 120) as idle:
        poll(lambda: len(sockets(daemon)) <= 51, "no more than 50 are left")
        begin = time.monotonic()
        assert [answers(daemon) for _ in range(20)] == [200] * 20
        assert time.monotonic() - begin < PROMPT
        assert is_closed(idle[0])


def test_idle_connections_that_once_asked(make_daemon):
    daemon = make_daemon("--connections", "40")
    with connections(daemon, 60) as idle:
        for connection in idle:
            with contextlib.suppress(ConnectionError):
                connection.sendall(GET)
                connection.recv(4096)
        assert answers(daemon) == 200


def test_requests_past_the_limit_are_told(make_daemon):
    """Where every connection is in the midst of a request, the next gets a 503; when one ends, it goes on."""
    daemon = make_daemon("--connections", "8", "--connections-per-address", "8")
    with connections(daemon, 8) as busy:
        for connection in busy:
            connection.sendall(b"POST /experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
        poll(lambda: daemon.get("/healthz").status_code == 503, "all eight are taken")
        reply = daemon.get("/healthz")
        assert "too many connections" in problem(reply, 503, "unavailable")
        assert reply.headers["Retry-After"] and reply.headers["Connection"] == "close"
        busy[3].close()
        poll(lambda: daemon.get("/healthz").status_code == 200, "one has left")


def test_1100_connections(make_daemon):
    """All have asked once and stay: the next is answered too."""
    daemon = make_daemon()
    with connections(daemon, 1100) as many:
        for connection in many:
            connection.sendall(GET)
        for connection in many[:1000]:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert answers(daemon) == 200
    poll(lambda: not sockets(daemon), "all are gone")


def test_descriptors_in_reserve(make_daemon):
    """As many connections as there are descriptors: what the daemon opens files for still works."""
    daemon = make_daemon()
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (256, 256))
    with connections(daemon, 400):
        for _ in range(3):
            assert answers(daemon) == 200
        assert daemon.upload("kept", "a\n" + "1\n2\n" * 20).status_code == 201
        assert daemon.get("/datasets/kept/content").status_code == 200
        row = daemon.train({"hidden_size": 1, "n_qubits": 1, "training": {"epochs": 1}})
        assert daemon.get(f"/experiments/{row['id']}/weights").status_code == 200


def test_busy_connections_leave_descriptors(make_daemon):
    """None of these can be ended for another; new ones are told so, and never get a 500."""
    daemon = make_daemon()
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (256, 256))
    with connections(daemon, 300) as busy:
        for connection in busy:
            connection.sendall(b"POST /experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")

        def refused():
            try:
                return requests.get(daemon.url + "/datasets/sine/content", timeout=5).status_code
            except requests.RequestException:
                return None  # in the queue of the kernel, or ended
        found = {refused() for _ in range(3)}
        assert found <= {200, 503, None}, found
    poll(lambda: refused() == 200, "it goes on when they have left")


# --- slow clients ---

@pytest.mark.parametrize("head", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "],
                         ids=["silent", "request line", "header"])
def test_slow_heads_hold_nobody_up(make_daemon, head):
    """300 clients that send a byte now and then (slowloris): cut after the time for a head, others answered meanwhile."""
    daemon = make_daemon("--head-timeout", "2")
    with connections(daemon, 300) as slow:
        begin, left = time.monotonic(), list(slow)
        for connection in slow:
            connection.sendall(head)
            connection.settimeout(0)
        while left and time.monotonic() - begin < PROMPT + 2:
            for connection in list(left):
                try:
                    if head:
                        connection.send(b"a")
                    if connection.recv(100) == b"":
                        left.remove(connection)
                except BlockingIOError:
                    pass
                except OSError:
                    left.remove(connection)
            assert answers(daemon) == 200
        assert not left
        assert time.monotonic() - begin > 1.9


def test_a_head_begun_late_on_a_kept_connection(make_daemon):
    daemon = make_daemon("--head-timeout", "1", "--idle-timeout", "300")
    with connect(daemon) as connection:
        connection.sendall(GET)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        begin = time.monotonic()
        assert is_closed(connection)
        assert time.monotonic() - begin < 100


def test_slow_bodies_and_idle_connections(make_daemon):
    daemon = make_daemon("--body-timeout", "2", "--idle-timeout", "1")
    begin = time.monotonic()
    with connect(daemon) as slow, connect(daemon) as idle:
        idle.sendall(GET)
        assert idle.recv(4096).startswith(b"HTTP/1.1 200 ")
        slow.sendall(b"POST /experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
        assert is_closed(idle)
        slow.settimeout(0.1)
        while time.monotonic() - begin < PROMPT:
            try:
                slow.sendall(b" ")
                if slow.recv(100) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert 0.9 < time.monotonic() - begin < PROMPT


# --- clients that leave in an upload ---

UPLOAD = b"POST /datasets?name=flood HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 20000000\r\n\r\n"
PART = b"1,2,3\n" * 100000


def upload_partly(daemon, parts=8):
    connection = connect(daemon)
    with contextlib.suppress(OSError):
        connection.sendall(UPLOAD)
        for _ in range(parts):
            connection.sendall(PART)
    return connection


def test_uploads_that_die_are_freed_at_once(make_daemon):
    """4.8 of 20 MB, and gone: connections and buffers were held for a minute, and no POST was taken."""
    daemon = make_daemon()
    before = resident(daemon)
    for _ in range(60):
        upload_partly(daemon).close()
    begin = time.monotonic()
    poll(lambda: not sockets(daemon), "every connection is closed")
    assert time.monotonic() - begin < PROMPT
    assert daemon.post("/experiments?validate_only=true", {}).status_code == 200
    assert daemon.upload("after", "a\n1\n2\n").status_code == 201
    if "san-" not in BUILD.name:  # a sanitizer keeps what is freed
        assert resident(daemon) - before < 200 << 20


def test_half_closed_in_a_body(daemon):
    for head in [b"POST /experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
                 b"POST /experiments HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
                 b"GET /healthz HTTP/1.1\r\nHost: local"]:
        with connect(daemon) as connection:
            connection.sendall(head)
            connection.shutdown(socket.SHUT_WR)
            begin = time.monotonic()
            assert is_closed(connection)
            assert time.monotonic() - begin < PROMPT


def test_half_closed_behind_a_request(daemon):
    """`nc -N` and the like: the request is whole, and is answered."""
    with connect(daemon) as connection:
        connection.sendall(GET)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        begin = time.monotonic()
        while part := connection.recv(4096):
            received += part
        assert received.startswith(b"HTTP/1.1 200 ") and time.monotonic() - begin < PROMPT


def test_a_flood_of_uploads_leaves_experiments_alone(make_daemon):
    """Large bodies go to the disk: three that are held half-way take nothing of the 8 MiB for bodies in memory."""
    daemon = make_daemon("--body-memory", "8M")
    held = []
    try:
        held = [upload_partly(daemon, parts=15) for _ in range(3)]  # 9 MB each
        poll(lambda: all(unread == 0 for _, unread in sockets(daemon)), "the daemon has read what was sent")
        chunks = (part for part in [b"a\n", b"1\n2\n" * 1000000])
        reply = daemon.request("POST", "/datasets?name=more", data=chunks, headers={"Content-Type": "text/csv"})
        assert reply.status_code == 201
        assert daemon.post("/experiments?validate_only=true", {}).status_code == 200
        assert daemon.upload("small", "a\n1\n2\n").status_code == 201
    finally:
        for connection in held:
            connection.close()
    poll(lambda: daemon.upload("after", "a\n" + "1\n2\n" * 300000).status_code == 201, "there is room again")
