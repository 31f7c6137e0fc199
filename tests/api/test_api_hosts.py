"""By which names the daemon may be called: a page whose name was made to lead to it (DNS rebinding) stays outside."""
import socket
import subprocess

import pytest

from api_daemon import BUILD, DEADLINE, problem

OURS = ["localhost", "LocalHost", "localhost:80", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:9", "localhost:"]
OTHERS = ["evil.example", "evil.example:80", "localhost.evil.example", "evil.example:localhost", "localhost.", "127.0.0.2",
          "[::1", "[::1].evil.example", "::1", "localhost:80x", "localhost:80:80", "user@localhost", "127.0.0.1.nip.io",
          "0.0.0.0", "", ",localhost"]


def ask(daemon, host, method="GET", path="/version", **headers):
    return daemon.request(method, path, headers={"Host": host, **headers})


@pytest.mark.parametrize("host", OURS)
def test_names_of_a_loopback_address(daemon, host):
    assert ask(daemon, host).status_code == 200


@pytest.mark.parametrize("host", OTHERS)
def test_other_names_are_refused(daemon, host):
    reply = ask(daemon, host)
    assert "--host-name" in problem(reply, 421, "wrong_host")
    assert reply.headers["Connection"] == "close"


def test_rebinding_changes_nothing_and_reads_nothing(daemon):
    """Host and Origin agree with one another, as they do in a browser that was led here."""
    before = len(daemon.get("/experiments?project=rebound").json()["experiments"])
    reply = daemon.post("/experiments", {"project": "rebound"},
                        headers={"Host": "evil.example", "Origin": "http://evil.example"})
    problem(reply, 421, "wrong_host")
    for path in ["/experiments", "/healthz", "/metrics", "/datasets/sine/content", "/nothing"]:
        problem(ask(daemon, "evil.example", path=path), 421, "wrong_host")
    problem(ask(daemon, "evil.example", "OPTIONS", "/experiments"), 421, "wrong_host")
    assert len(daemon.get("/experiments?project=rebound").json()["experiments"]) == before


def test_origins(daemon):
    host = f"localhost:{daemon.port}"
    for origin, status in [(f"http://{host}", 200), ("http://evil.example", 403), ("null", 403),
                           ("http://localhost:1", 403), ("http://localhost", 403)]:
        reply = daemon.post("/experiments?validate_only=true", {}, headers={"Host": host, "Origin": origin})
        assert reply.status_code == status, origin


def test_names_by_option(make_daemon):
    daemon = make_daemon("--host-name", "train.example.org", "--host-name=qlstmd")
    for host in OURS + ["train.example.org", "TRAIN.example.org:8443", "qlstmd:8080"]:
        assert ask(daemon, host).status_code == 200, host
    for host in ["example.org", "evil.train.example.org", "qlstmd.evil.example"]:
        problem(ask(daemon, host), 421, "wrong_host")
    reply = daemon.post("/experiments?validate_only=true", {},
                        headers={"Host": "qlstmd:8080", "Origin": "https://qlstmd:8080"})
    assert reply.status_code == 200


def test_http_1_0_without_a_host(daemon):
    """No browser sends it; health checks of old load balancers do."""
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=DEADLINE) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b" 200 OK\r\n" in connection.recv(4096)


@pytest.mark.parametrize("options, any_name, word", [
    (["--listen", "127.0.0.2:0"], False, "127.0.0.2"),
    (["--listen", "0.0.0.0:0", "--published-on-loopback"], False, "localhost"),
    (["--listen", "0.0.0.0:0", "--allow-remote"], True, "anything.example"),
    (["--listen", "0.0.0.0:0", "--allow-remote", "--host-name", "a.example"], False, "a.example"),
    (["--listen", "0.0.0.0:0", "--allow-remote", "--host-name", "a.example"], False, "localhost"),
])
def test_names_of_other_addresses(tmp_path, options, any_name, word):
    """Elsewhere than on a loopback address every name will do, until some are given."""
    log = open(tmp_path / "log", "w")
    process = subprocess.Popen([str(BUILD / "qlstmd"), "--data", str(tmp_path / "data"), *options],
                               stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        line = process.stdout.readline()
        address = options[1].split(":")[0].replace("0.0.0.0", "127.0.0.1")
        port = int(line.rsplit(":", 1)[1])
        for host, expected in [(word, 200), ("evil.example", 200 if any_name else 421)]:
            with socket.create_connection((address, port), timeout=DEADLINE) as connection:
                connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                assert int(connection.recv(4096).split()[1]) == expected, host
    finally:
        process.terminate()
        assert process.wait(DEADLINE) == 0
        process.stdout.close()
        log.close()


@pytest.mark.parametrize("options, words", [
    (["--host-name", "a:80"], "without a port"), (["--host-name", ""], "a name such as"),
    (["--host-name", "http://a"], "a name such as"), (["--host-name", "[::1"], "a name such as"),
    (["--host-name", "a"] * 17, "more than 16 names"), (["--host-name"], "--host-name needs NAME"),
])
def test_names_that_are_none(tmp_path, options, words):
    done = subprocess.run([str(BUILD / "qlstmd"), "--data", str(tmp_path / "data"), *options],
                          capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 2 and words in done.stderr
