"""HTTPS with certificate files: the same service behind it, and wrong files are said at the start."""
import concurrent.futures
import contextlib
import re
import socket
import ssl
import subprocess
import time

import pytest
import requests

from api_daemon import BUILD, DEADLINE, Daemon

GET = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n"


def make_certificate(folder, name):
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out",
                    certificate], check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return make_certificate(folder, "one"), make_certificate(folder, "other")


class SecureDaemon(Daemon):
    """The daemon of the other tests, over TLS; every request checks the certificate."""

    def start(self):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [str(BUILD / "qlstmd"), "--data", str(self.data), "--listen", "127.0.0.1:0", *self.options],
            stdout=subprocess.PIPE, stderr=log, text=True)
        log.close()
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on (https://127\.0\.0\.1:(\d+))\n", line)
        assert match, f"{line!r}\n{self.log()}"
        self.url, self.port = match[1], int(match[2])
        self.session = requests.Session()
        return self

    def request(self, method, path, **arguments):
        return self.session.request(method, self.url + path, timeout=DEADLINE, verify=self.options[1], **arguments)


@pytest.fixture(scope="module")
def secure(files, tmp_path_factory):
    certificate, key = files[0]
    daemon = SecureDaemon(tmp_path_factory.mktemp("secure"), "--tls-certificate", str(certificate), "--tls-key", str(key),
                          "--checkpoint", "0")
    yield daemon.start()
    daemon.close()


def connect(secure, **options):
    context = ssl.create_default_context(cafile=secure.options[1])
    for name, value in options.items():
        setattr(context, name, value)
    raw = socket.create_connection(("127.0.0.1", secure.port), timeout=DEADLINE)
    return context.wrap_socket(raw, server_hostname="localhost")


def receive(connection):
    received = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while part := connection.recv(65536):
            received += part
    return received


def test_an_experiment_from_end_to_end(secure):
    csv = "a,b\n" + "".join(f"{i},{i * i % 97}\n" for i in range(400000))  # 3.6 MB, in many records
    assert secure.upload("large", csv).status_code == 201
    assert secure.get("/datasets/large/content").text == csv
    row = secure.train({"data": {"dataset": "sine"}, "hidden_size": 2, "n_qubits": 2, "training": {"epochs": 2}})
    assert secure.get(f"/experiments/{row['id']}/weights").status_code == 200
    part = secure.get(f"/experiments/{row['id']}/weights", headers={"Range": "bytes=8-15"})
    assert part.status_code == 206 and len(part.content) == 8
    events = secure.get(f"/experiments/{row['id']}/events", headers={"Accept": "text/event-stream"}, stream=True)
    assert b"event: epoch" in b"".join(events.iter_content(4096))


def test_many_requests_on_one_connection(secure):
    with connect(secure) as connection:
        connection.sendall(GET * 50 + GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert receive(connection).count(b"HTTP/1.1 200 OK") == 51


def test_many_connections_at_once(secure):
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(secure)) for _ in range(150)]
        for _ in range(2):
            for connection in connections:
                connection.sendall(GET)
            for connection in connections:
                answer = b""
                while not answer.endswith(b"}\n"):  # head and body come in records of their own
                    answer += connection.recv(4096)
                assert answer.startswith(b"HTTP/1.1 200 ")


def test_many_uploads_at_once(secure):
    csv = "a\n" + "1\n2\n" * 200000
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda i: requests.post(
            f"{secure.url}/datasets?name=many-{i}", data=csv, headers={"Content-Type": "text/csv"}, timeout=DEADLINE,
            verify=secure.options[1]).status_code, range(16)))
    assert replies == [201] * 16


def test_versions(secure):
    with connect(secure) as connection:
        assert connection.version() == "TLSv1.3"
    with connect(secure, maximum_version=ssl.TLSVersion.TLSv1_2) as connection:
        assert connection.version() == "TLSv1.2"
    old = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{secure.port}", "-tls1_1", "-cipher",
                          "DEFAULT:@SECLEVEL=0"], input="", capture_output=True, text=True, timeout=DEADLINE)
    assert old.returncode != 0 and "Cipher is (NONE)" in old.stdout


def test_plain_http_gets_nothing(secure):
    with socket.create_connection(("127.0.0.1", secure.port), timeout=DEADLINE) as connection:
        connection.sendall(GET)
        assert b"HTTP" not in receive(connection)
    assert secure.get("/healthz").status_code == 200


def test_silent_handshakes_are_cut(files, tmp_path):
    """A client that connects and says nothing, or begins a handshake, has as long as for a head."""
    certificate, key = files[0]
    secure = SecureDaemon(tmp_path, "--tls-certificate", str(certificate), "--tls-key", str(key), "--head-timeout", "1")
    secure.start()
    for begin in [b"", b"\x16\x03\x01"]:
        with socket.create_connection(("127.0.0.1", secure.port), timeout=DEADLINE) as connection:
            connection.sendall(begin)
            start = time.monotonic()
            assert receive(connection)[:1] in (b"", b"\x15")  # nothing, or an alert
            assert time.monotonic() - start < 50
    secure.close()


def test_clients_that_leave_in_a_body(secure):
    with connect(secure) as connection:
        connection.sendall(b"POST /experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
        connection.shutdown(socket.SHUT_WR)
        start = time.monotonic()
        receive(connection)
        assert time.monotonic() - start < 50


def test_heads_are_read_as_strictly(secure):
    for head in [GET[:-2] + b"X: a\0b\r\n\r\n", GET[:-2] + b": x\r\n", GET.replace(b"\r", b""),
                 GET.replace(b"localhost", b"evil.example")]:
        with connect(secure) as connection:
            connection.sendall(head + GET)
            answer = receive(connection)
            assert re.findall(rb"HTTP/1\.1 (\d+)", answer) in ([b"400"], [b"421"]), answer


def test_health(secure):
    def health(address):
        return subprocess.run([str(BUILD / "qlstmd"), "--health", address], capture_output=True, text=True, timeout=DEADLINE)
    done = health(f"https://127.0.0.1:{secure.port}")
    assert done.returncode == 0, done.stderr
    assert health(f"http://127.0.0.1:{secure.port}").returncode == 1
    said = secure.log().count("handshake message out of context")
    for _ in range(3):  # as the image's check asks, whose address says nothing of TLS
        assert health(f"127.0.0.1:{secure.port}").returncode == 0
    assert secure.log().count("handshake message out of context") <= said + 1
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = health(f"https://127.0.0.1:{silent.getsockname()[1]}")
        assert done.returncode == 1 and "no whole answer in time" in done.stderr and "https://" in done.stderr


def test_certificates_are_checked_by_clients(secure, files):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(secure.url + "/healthz", timeout=DEADLINE, verify=str(files[1][0]))


def test_wrong_files_are_said_at_the_start(files, tmp_path):
    (certificate, key), (_, other_key) = files
    locked, empty, binary = tmp_path / "locked.key", tmp_path / "empty.pem", tmp_path / "binary.pem"
    subprocess.run(["openssl", "ec", "-aes256", "-passout", "pass:secret", "-in", key, "-out", locked], check=True,
                   capture_output=True)
    empty.write_text("")
    binary.write_bytes(b"-----BEGIN CERTIFICATE-----\0\n")
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for one, other, status, words in [
            (certificate, other_key, 1, "is not the key of"), (tmp_path / "none.pem", key, 1, "No such file"),
            (certificate, tmp_path / "none.key", 1, "No such file"), (empty, key, 1, "no PEM file"),
            (binary, key, 1, "no PEM file"), (broken, key, 1, "holds no certificate"), (key, key, 1, "holds no certificate"),
            (certificate, certificate, 1, "no key that can be used"), (certificate, locked, 1, "no key that can be used"),
            (certificate, None, 2, "together or not at all"), (None, key, 2, "together or not at all")]:
        options = (["--tls-certificate", one] if one else []) + (["--tls-key", other] if other else [])
        done = subprocess.run([BUILD / "qlstmd", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", *options],
                              capture_output=True, text=True, timeout=DEADLINE)
        assert done.returncode == status and words in done.stderr, (one, other, done.stderr)
        assert done.stdout == "" and not (tmp_path / "data").exists()
