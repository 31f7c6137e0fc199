"""Clients and limits that once stopped the whole service: it goes on answering, or says at its start why it cannot."""
import pathlib
import resource
import signal
import socket
import subprocess
import time

import pytest
import requests

from api_daemon import BUILD, DEADLINE, poll

CHUNKED = b" HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
PROMPT = 20  # seconds; an answer takes milliseconds, what is tested here kept it back for 56


def connect(daemon):
    return socket.create_connection(("127.0.0.1", daemon.port), timeout=DEADLINE)


def send_all(connection, data):
    """As far as the other side takes it: it may close the connection in the middle."""
    try:
        connection.sendall(data)
    except (ConnectionError, socket.timeout):
        pass


def ends(connection):
    """Reads until the other side has closed the connection; whether it did."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("head, line", [
    (b"POST /experiments" + CHUNKED, b"2;" + b"a" * 100000),
    (b"GET /healthz" + CHUNKED, b"2;" + b"a" * 100000),
    (b"POST /experiments" + CHUNKED, b"0" * 100000),
    (b"POST /experiments" + CHUNKED, b"0" * 100000 + b"2\r\n{}\r\n0\r\n\r\n"),
    (b"POST /experiments" + CHUNKED, b"2\r\n{}\r\n0\r\nX: " + b"a" * 200000),
], ids=["extension", "unwanted body", "size", "size to its end", "trailer"])
def test_endless_lines_in_a_body_stop_nobody(daemon, head, line):
    """A line that the HTTP library can neither finish nor refuse; others are answered, and it ends within 20 s."""
    with connect(daemon) as attacker:
        send_all(attacker, head + line)
        begin = time.monotonic()
        for _ in range(5):
            assert requests.get(daemon.url + "/healthz", timeout=PROMPT).status_code == 200
        attacker.settimeout(PROMPT)
        assert ends(attacker)
        assert time.monotonic() - begin < 2 * PROMPT


def test_endless_line_after_continue(daemon):
    with connect(daemon) as attacker:
        attacker.sendall(b"POST /experiments HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                         b"Expect: 100-continue\r\n\r\n")
        assert attacker.recv(100).startswith(b"HTTP/1.1 100 ")
        send_all(attacker, b"2;" + b"a" * 100000)
        assert requests.get(daemon.url + "/healthz", timeout=PROMPT).status_code == 200


def test_endless_lines_do_not_keep_it_from_stopping(make_daemon):
    daemon = make_daemon()
    with connect(daemon) as attacker:
        send_all(attacker, b"POST /experiments" + CHUNKED + b"2;" + b"a" * 100000)
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(timeout=PROMPT) == 0


def test_slow_uploads_are_not_taken_for_endless_lines(daemon):
    """Bytes that come in one by one, some waiting at any moment, are a body like any other."""
    body = b'{"hidden_size": 1}' + b" " * 60
    with connect(daemon) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(b"POST /experiments?validate_only=true" + CHUNKED)
        for byte in body:
            client.sendall(b"1\r\n" + bytes([byte]) + b"\r\n")
            time.sleep(0.05)  # the slowness itself; nothing waits for it
        client.sendall(b"0\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")


def accepts_again(daemon):
    """A fresh connection is accepted and answered."""
    def answered():
        try:
            return requests.get(daemon.url + "/healthz", timeout=2).status_code == 200
        except requests.RequestException:
            return False
    poll(answered, "accepts connections again")


def open_files(daemon):
    return len(list((pathlib.Path(f"/proc/{daemon.process.pid}/fd")).iterdir()))


def test_accepts_again_after_the_last_descriptor(make_daemon):
    """More connections than descriptors, held until some were ended for lack of them, then all closed at once."""
    daemon = make_daemon()
    limit = open_files(daemon) + 40
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    connections = [connect(daemon) for _ in range(100)]
    poll(lambda: open_files(daemon) >= limit * 3 // 5, "hardly a descriptor is left")
    time.sleep(2)  # held: the HTTP library has to have taken its listener out
    for connection in connections:
        connection.close()
    accepts_again(daemon)


def test_accepts_again_after_a_pause(make_daemon):
    """At the limit of connections the daemon is paused, everybody leaves, and it goes on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    daemon = make_daemon()
    connections = [connect(daemon) for _ in range(1100)]
    poll(lambda: open_files(daemon) > 1024, "the limit of connections is reached")
    daemon.process.send_signal(signal.SIGSTOP)
    for connection in connections:
        connection.close()
    daemon.process.send_signal(signal.SIGCONT)
    accepts_again(daemon)


without_sanitizer = pytest.mark.skipif("san-" in BUILD.name, reason="sanitizers take terabytes of addresses")


@without_sanitizer
@pytest.mark.parametrize("megabytes", [110, 160, 250])
def test_fewer_threads_under_a_limit_of_memory(make_daemon, monkeypatch, megabytes):
    """What the limit leaves no room for is not started: requests at once are fewer, none ends the daemon."""
    limit = megabytes << 20
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *arguments, **options: popen(
        *arguments, **options, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))))
    daemon = make_daemon()
    connections = [connect(daemon) for _ in range(60)]
    for connection in connections:
        connection.sendall(b"GET /experiments HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for connection in connections:
        assert connection.recv(4096).startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 500 ")), daemon.log()
    assert daemon.get("/healthz").status_code == 200
    assert "threads instead of 64" in daemon.log()


@without_sanitizer
@pytest.mark.parametrize("megabytes", [60, 75])
def test_says_at_its_start_that_threads_are_missing(tmp_path, megabytes):
    limit = megabytes << 20
    done = subprocess.run([str(BUILD / "qlstmd"), "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"],
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
                          capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 1 and done.stdout == ""
    assert "threads can be started and at least 6 are needed" in done.stderr
