"""Heads and bodies that two programs may read in two ways: one reply, the end of the connection, and what stands behind
is never read as a request."""
import re
import socket

import pytest

from api_daemon import DEADLINE, problem

SMUGGLED = b"DELETE /datasets/victim HTTP/1.1\r\nHost: localhost\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\n"
POST = b"POST /experiments?validate_only=true HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
CHUNKED = POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"\r\n"

# Name: bytes before the smuggled request, the status of the one reply.
REFUSED = {
    # the end of the head
    "colon at line start": GET + HOST + b": x\r\n",
    "colon alone": GET + HOST + b":\r\n",
    "colon before the first header": GET + b": x\r\n" + HOST + END,
    "colon and blank": GET + HOST + b" : x\r\n",
    "NUL at line start": GET + HOST + b"\0\r\n",
    "NUL and text at line start": GET + HOST + b"\0x: y\r\n",
    "line without a colon": GET + HOST + b"nothing\r\n" + END,
    "bare LF, colon and value": GET + b"Host: localhost\n:x\r\n",
    "bare LF, colon and blank": GET + b"Host: localhost\n: \r\n",
    "bare LF, colon, bare LF": GET + b"Host: localhost\n:\n",
    "bare LF, NUL and more": GET + b"Host: localhost\n\0xy\r\n",
    "bare LF behind the request line": GET.replace(b"\r", b"") + HOST + END,
    "bare LF behind a header": GET + b"Host: localhost\n" + END,
    "bare LF as the blank line": GET + HOST + b"\n",
    "bare LF everywhere": (GET + HOST + END).replace(b"\r", b""),
    "bare LF inside a value": GET + HOST + b"X: a\nY: b\r\n" + END,
    "bare CR in a value": GET + HOST + b"X: a\rY: b\r\n" + END,
    "bare CR as the blank line": GET + HOST + b"X: a\r\n\r",
    "CR CR LF": GET + HOST + b"X: a\r\r\n" + END,
    "obs-fold": GET + HOST + b"X: a\r\n b\r\n" + END,
    "obs-fold with a tab": GET + HOST + b"X: a\r\n\tb\r\n" + END,
    "obs-fold of the length": POST + HOST + b"Content-Length:\r\n 2\r\n" + END + b"{}",
    "obs-fold first": GET + b" X: a\r\n" + HOST + END,
    # names and values
    "blank before the colon": POST + HOST + b"Content-Length : 2\r\n" + END + b"{}",
    "tab before the colon": POST + HOST + b"Transfer-Encoding\t: chunked\r\n" + END + b"0\r\n\r\n",
    "NUL in a name": GET + HOST + b"X\0y: 1\r\n" + END,
    "byte above 127 in a name": GET + HOST + b"X\xe9: 1\r\n" + END,
    "NUL in a value": GET + HOST + b"X: a\0b\r\n" + END,
    "NULs that look like the end of a line": GET + HOST + b"X: a\0\0Content-Length\x0053\r\n" + END,
    "NULs that look like two lines": GET + HOST + b"X: a\0\0Y\0b\0\0Z\0c\r\n" + END,
    "NUL in the host": GET + b"Host: localhost\0.example\r\n" + END,
    "NUL behind the host": GET + b"Host: localhost\0\r\n" + END,
    "NUL in the length": POST + HOST + b"Content-Length: 2\x00999\r\n" + END + b"{}",
    "NUL in the encoding": POST + HOST + b"Transfer-Encoding: chunked\0x\r\n" + END + b"0\r\n\r\n",
    "control character in a value": GET + HOST + b"X: a\x08b\r\n" + END,
    # Host
    "no Host": GET + END,
    "two Hosts": GET + HOST + HOST + END,
    "Host and another": GET + HOST + b"host: example.org\r\n" + END,
    # lengths
    "two lengths": POST + HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n" + END + b"{}",
    "the same length twice": POST + HOST + b"Content-Length: 2\r\nContent-Length: 2\r\n" + END + b"{}",
    "list of lengths": POST + HOST + b"Content-Length: 2, 2\r\n" + END + b"{}",
    "negative length": POST + HOST + b"Content-Length: -2\r\n" + END,
    "length with a plus": POST + HOST + b"Content-Length: +2\r\n" + END + b"{}",
    "hexadecimal length": POST + HOST + b"Content-Length: 0x2\r\n" + END + b"{}",
    "empty length": POST + HOST + b"Content-Length:\r\n" + END,
    "blank in the length": POST + HOST + b"Content-Length: 2 2\r\n" + END + b"{}",
    "blank behind the length": POST + HOST + b"Content-Length: 2 \r\n" + END + b"{}",
    "length past 64 bits": POST + HOST + b"Content-Length: 99999999999999999999999\r\n" + END,
    # encodings
    "length and encoding": POST + HOST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n" + END + b"0\r\n\r\n",
    "encoding and length": POST + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n" + END + b"0\r\n\r\n",
    "two encodings": POST + HOST + b"Transfer-Encoding: chunked\r\n" * 2 + END + b"0\r\n\r\n",
    "list of encodings": POST + HOST + b"Transfer-Encoding: gzip, chunked\r\n" + END + b"0\r\n\r\n",
    "chunked twice in a list": POST + HOST + b"Transfer-Encoding: chunked, chunked\r\n" + END + b"0\r\n\r\n",
    "encoding identity": POST + HOST + b"Transfer-Encoding: identity\r\n" + END + b"{}",
    "unknown encoding": POST + HOST + b"Transfer-Encoding: xchunked\r\n" + END + b"0\r\n\r\n",
    "empty encoding": POST + HOST + b"Transfer-Encoding:\r\n" + END + b"0\r\n\r\n",
    "encoding with a parameter": POST + HOST + b"Transfer-Encoding: chunked;q=1\r\n" + END + b"0\r\n\r\n",
    "encoding in quotes": POST + HOST + b"Transfer-Encoding: \"chunked\"\r\n" + END + b"0\r\n\r\n",
    "blank behind the encoding": POST + HOST + b"Transfer-Encoding: chunked \r\n" + END + b"0\r\n\r\n",
    "vertical tab before the encoding": POST + HOST + b"Transfer-Encoding: \x0bchunked\r\n" + END + b"0\r\n\r\n",
    "encoding in HTTP/1.0": POST.replace(b"1.1", b"1.0") + HOST + b"Transfer-Encoding: chunked\r\n" + END + b"0\r\n\r\n",
    # the request line
    "NUL in the target": b"GET /healthz\0x HTTP/1.1\r\n" + HOST + END,
    "control character in the method": b"G\x05T /healthz HTTP/1.1\r\n" + HOST + END,
    "byte above 127 in the method": b"G\xe9T /healthz HTTP/1.1\r\n" + HOST + END,
    "slash in the method": b"GET/x /healthz HTTP/1.1\r\n" + HOST + END,
    "NUL in the method": b"GET\0 /healthz HTTP/1.1\r\n" + HOST + END,
    "two blanks before the target": b"GET  /healthz HTTP/1.1\r\n" + HOST + END,
    "two blanks behind the target": b"GET /healthz  HTTP/1.1\r\n" + HOST + END,
    "blank in the target": b"GET /healthz /x HTTP/1.1\r\n" + HOST + END,
    "tab in the target": b"GET /healthz\tx HTTP/1.1\r\n" + HOST + END,
    "blank behind the version": b"GET /healthz HTTP/1.1 \r\n" + HOST + END,
    "no version": b"GET /healthz\r\n" + HOST + END,
    "version in small letters": b"GET /healthz http/1.1\r\n" + HOST + END,
    "version 1.2": b"GET /healthz HTTP/1.2\r\n" + HOST + END,
    "version with a NUL": b"GET /healthz HTTP/1.1\0\r\n" + HOST + END,
    "target without a slash": b"GET healthz HTTP/1.1\r\n" + HOST + END,
    "target of another server": b"GET http://example.org/healthz HTTP/1.1\r\n" + HOST + END,
    "asterisk": b"GET * HTTP/1.1\r\n" + HOST + END,
    "authority": b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + END,
    "encoded NUL in the path": b"GET /healthz%00x HTTP/1.1\r\n" + HOST + END,
    "encoded NUL in a parameter": b"GET /experiments?limit=5%00 HTTP/1.1\r\n" + HOST + END,
    "encoded NUL in a parameter's name": b"GET /experiments?limit%00x=5 HTTP/1.1\r\n" + HOST + END,
    "encoded slash": b"GET /experiments%2fx HTTP/1.1\r\n" + HOST + END,
    "half an escape": b"GET /healthz%4 HTTP/1.1\r\n" + HOST + END,
    "escape of no digits": b"GET /healthz%zz HTTP/1.1\r\n" + HOST + END,
    # chunks
    "chunk size with a sign": CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n",
    "chunk size 0x2": CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
    "chunk size with a blank before": CHUNKED + b" 2\r\n{}\r\n0\r\n\r\n",
    "chunk size with a blank behind": CHUNKED + b"2 \r\n{}\r\n0\r\n\r\n",
    "empty chunk size": CHUNKED + b"\r\n{}\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
    "chunk size past 64 bits": CHUNKED + b"10000000000000002\r\n{}\r\n0\r\n\r\n",
    "trailer with a colon at line start": CHUNKED + b"2\r\n{}\r\n0\r\n: x\r\n",
    "chunk size that is no number": CHUNKED + b"two\r\n{}\r\n0\r\n\r\n",
}
# Fields of one value, twice: with the same value and with another, in other letters.
SINGLE = {"Content-Type": "application/json", "Authorization": "Bearer a", "Cookie": "qlstmd=a",
          "Origin": "http://localhost", "Sec-Fetch-Site": "none", "Range": "bytes=0-1", "If-Range": '"a"',
          "Idempotency-Key": "a", "Last-Event-ID": "1", "Inference-Header-Content-Length": "2"}
for name, value in SINGLE.items():
    line, other = f"{name}: {value}\r\n".encode(), f"{name.upper()}: other\r\n".encode()
    REFUSED[f"the same {name} twice"] = POST + HOST + b"Content-Length: 2\r\n" + line + line + END + b"{}"
    REFUSED[f"{name} and another"] = GET + HOST + line + b"X: y\r\n" + other + END
# A body that is understood, and the end of the connection behind it, however it ended.
TAKEN = {
    "chunks": CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
    "chunk extension": CHUNKED + b"2;a=b\r\n{}\r\n0;c\r\n\r\n",
    "chunk extension with a bare LF": CHUNKED + b"2;a\n{}\r\n0\r\n\r\n",
    "bare LF behind a size": CHUNKED + b"2\n{}\n0\n\n",
    "size with leading zeros": CHUNKED + b"0000002\r\n{}\r\n000\r\n\r\n",
    "trailer": CHUNKED + b"2\r\n{}\r\n0\r\nX: y\r\n\r\n",
    "trailer that a colon at line start ends": CHUNKED + b"2\r\n{}\r\n0\r\nX: y\r\n: x\r\n",
    "trailer with a NUL": CHUNKED + b"2\r\n{}\r\n0\r\n\0\r\n",
    "trailer of a length": CHUNKED + b"2\r\n{}\r\n0\r\nContent-Length: 500\r\n\r\n",
    "encoding in capitals": POST + HOST + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "version 1.0": POST.replace(b"1.1", b"1.0") + HOST + b"Content-Length: 2\r\n\r\n{}",
    "lists in two lines": POST.replace(b"1.1", b"1.0") + HOST + b"Accept: */*\r\nAccept: text/csv\r\n"
                          b"Accept-Encoding: gzip\r\nAccept-Encoding: br\r\nIf-None-Match: \"a\"\r\n"
                          b"If-None-Match: \"b\"\r\nX: 1\r\nX: 2\r\nContent-Length: 2\r\n\r\n{}",
    "Connection: close": POST + HOST + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.fixture
def victim(daemon):
    """There when a test begins, whatever the one before did to it."""
    reply = daemon.upload("victim", "a\n" + "\n".join(str(i) for i in range(20)))
    assert reply.status_code in (200, 201), reply.text


def until_end(daemon, data, parts=1):
    """Sends the bytes in that many parts; all that comes back until the daemon ends the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=DEADLINE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            step = -(-len(data) // parts)
            for at in range(0, len(data), step):
                connection.sendall(data[at:at + step])
            while part := connection.recv(65536):
                received += part
        except ConnectionError:
            pass  # it closed with bytes of ours unread
    return received


def statuses(answer):
    answer = re.sub(rb"(?s)^(HTTP/1\.1 4.*?\r\n\r\n)\1", rb"\1", answer)  # the library's own about a Content-Length
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


@pytest.mark.parametrize("parts", [1, 7], ids=["at once", "in parts"])
@pytest.mark.parametrize("kind", REFUSED)
def test_refused(daemon, victim, kind, parts):
    answer = until_end(daemon, REFUSED[kind] + SMUGGLED, parts)
    if answer or parts == 1:
        assert statuses(answer) in ([400], [413], [505]), answer
        assert b"onnection: close" in answer
    assert daemon.get("/datasets/victim").status_code == 200


@pytest.mark.parametrize("kind", TAKEN)
def test_taken_and_ended(daemon, victim, kind):
    answer = until_end(daemon, TAKEN[kind] + SMUGGLED)
    assert statuses(answer) == [200], answer
    assert daemon.get("/datasets/victim").status_code == 200


@pytest.mark.parametrize("kind", ["NUL in a value", "bare LF inside a value", "colon at line start", "obs-fold",
                                  "encoded NUL in the path", "two blanks before the target"])
def test_refused_on_a_connection_that_was_in_use(daemon, victim, kind):
    answer = until_end(daemon, GET + HOST + END + REFUSED[kind] + SMUGGLED)
    assert statuses(answer) == [200, 400], answer
    assert daemon.get("/datasets/victim").status_code == 200


def test_faults_of_a_head_are_problems(daemon):
    for kind, words in [("NUL in a value", "holds a NUL"), ("bare CR in a value", "control character"),
                        ("encoded NUL in the path", "%00"), ("encoded slash", "%2F"), ("no Host", "Host"), ("two Hosts", "more than one Host"),
                        ("Authorization and another", "more than one Authorization"),
                        ("two blanks before the target", "request line"), ("version 1.2", "HTTP/1.1")]:
        head, _, body = until_end(daemon, REFUSED[kind]).partition(b"\r\n\r\n")
        assert b"Content-Type: application/problem+json" in head, head
        assert words in body.decode(), body


def test_targets_that_name_the_server(daemon):
    """RFC 9112 section 3.2: an absolute target is understood, an asterisk asks about the whole server."""
    for target in [b"http://localhost/healthz", b"HTTP://LOCALHOST/healthz?", b"http://localhost/version"]:
        answer = until_end(daemon, b"GET " + target + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + END)
        assert statuses(answer) == [200], answer
    assert statuses(until_end(daemon, b"GET http://localhost HTTP/1.1\r\nConnection: close\r\n" + HOST + END)) == [200]
    answer = until_end(daemon, b"OPTIONS * HTTP/1.1\r\nConnection: close\r\n" + HOST + END)
    assert statuses(answer) == [204] and b"Allow: POST, GET, HEAD, PATCH, DELETE, OPTIONS\r\n" in answer


def test_encoded_bytes_reach_nothing(daemon):
    """What the HTTP library took for the end of a path or a parameter."""
    for path in ["/experiments/01ARZ3NDEKTSV4RRFFQ69G5FAV%00", "/datasets/sine%00x", "/experiments?limit=5%00",
                 "/datasets%2Fsine", "/datasets/a%2fb"]:
        problem(daemon.get(path), 400, "syntax")
    problem(daemon.post("/datasets?name=a%00b", "a\n1\n2\n", headers={"Content-Type": "text/csv"}), 400, "syntax")
    assert daemon.get("/datasets/%73ine").status_code == 200
