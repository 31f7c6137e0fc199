"""The dashboard's files, and the cookie by which a browser shows its key. What the page does with them is tested in
clients/web."""
import gzip
import hashlib
import re

import pytest
import requests

from api_daemon import DEADLINE, ENDLESS, ROOT, Daemon, problem
from api_keys import Client, add_key, key_command

DIST = ROOT / "clients/web/dist"
FILES = {"index.html": "text/html", "app.js": "text/javascript", "app.css": "text/css", "icon.svg": "image/svg+xml",
         "LICENCES.txt": "text/plain"}


def raw(daemon, path, **headers):
    """Bytes as they were sent, not unpacked."""
    reply = requests.get(daemon.url + path, headers={"Accept-Encoding": None, **headers}, stream=True, timeout=DEADLINE)
    return reply, reply.raw.read(decode_content=False)


def path_of(name):
    return "/" if name == "index.html" else f"/assets/{name}"


@pytest.mark.parametrize("name", FILES)
def test_files(daemon, name):
    stored = (DIST / name).read_bytes()
    reply, body = raw(daemon, path_of(name))
    assert (reply.status_code, body) == (200, stored)
    assert reply.headers["Content-Type"].split(";")[0] == FILES[name]
    assert reply.headers["ETag"] == f'"{hashlib.sha256(stored).hexdigest()}"'
    assert "Content-Encoding" not in reply.headers and reply.headers["Vary"] == "Accept-Encoding"
    packed, body = raw(daemon, path_of(name), **{"Accept-Encoding": "br, gzip;q=0.8"})
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(body) == stored
    assert packed.headers["ETag"] != reply.headers["ETag"]
    for unwanted in ("gzip;q=0", "identity", "br"):
        assert raw(daemon, path_of(name), **{"Accept-Encoding": unwanted})[1] == stored
    for etag in (reply.headers["ETag"], f'"x", {reply.headers["ETag"]}', "*"):
        same, body = raw(daemon, path_of(name), **{"If-None-Match": etag})
        assert (same.status_code, body) == (304, b"") and same.headers["ETag"] == reply.headers["ETag"]
    assert raw(daemon, path_of(name), **{"If-None-Match": packed.headers["ETag"]})[0].status_code == 200


def test_browsers_keep_what_the_page_names_by_version(daemon):
    page = daemon.get("/")
    assert page.headers["Cache-Control"] == "no-cache"
    named = re.findall(r'"(/assets/[\w.]+\?v=\w+)"', page.text)
    assert len(named) == 3
    for path in named:
        assert "immutable" in daemon.get(path).headers["Cache-Control"], path
        assert daemon.get(path[:-1] + "x").headers["Cache-Control"] == "no-cache"
        assert daemon.get(path[:-1]).headers["Cache-Control"] == "no-cache"
    problem(daemon.get("/assets/nothing.js"), 404, "not_found")
    problem(daemon.get("/assets/app.js?w=1"), 400, "unknown_field")


def test_pages_may_load_nothing_from_elsewhere(daemon):
    for name in FILES:
        policy = daemon.get(path_of(name)).headers["Content-Security-Policy"]
        parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert parts.pop("default-src") == "'none'" and parts["script-src"] == parts["connect-src"] == "'self'"
        assert "unsafe" not in policy and "http" not in policy and "*" not in policy
        assert not re.search(rb"https?://(?!www\.w3\.org/)[\w.]+", (DIST / name).read_bytes()) or name == "LICENCES.txt"
    assert daemon.get("/healthz").headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    page = (DIST / "index.html").read_text()
    assert "<style" not in page and "style=" not in page and not re.search(r"<script(?![^>]* src=)", page)


def test_without_keys_everybody_is_known(daemon):
    assert daemon.get("/session").json() == {"name": "everybody", "owner": None, "scope": "admin"}


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    daemon = Daemon(tmp_path_factory.mktemp("session"), "--require-keys").start()
    daemon.key = add_key(daemon, "laptop", "submit", "alice")
    yield daemon
    daemon.close()


def own(daemon):
    """What a browser says of a request of the service's own page."""
    return {"Origin": daemon.url, "Sec-Fetch-Site": "same-origin"}


def sign_in(daemon, key):
    session = requests.Session()
    reply = session.post(daemon.url + "/session", json={"key": key}, headers=own(daemon), timeout=DEADLINE)
    assert reply.status_code == 200, reply.text
    return session, reply


def test_files_need_no_key(locked):
    for name in FILES:
        assert locked.get(path_of(name)).status_code == 200
    problem(locked.get("/session"), 401, "unauthorized")


def test_sign_in_and_out(locked):
    session, reply = sign_in(locked, locked.key)
    assert reply.json() == {"name": "laptop", "owner": "alice", "scope": "submit"}
    cookie = reply.headers["Set-Cookie"]
    name, *attributes = cookie.split("; ")
    assert name == f"qlstmd_{locked.port}={locked.key}"
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Strict"} and reply.headers["Cache-Control"] == "no-store"
    assert locked.key not in reply.text
    assert session.get(locked.url + "/session", headers=own(locked)).json()["name"] == "laptop"
    made = session.post(locked.url + "/experiments", json={"type": "lstm"}, headers=own(locked))
    assert made.status_code == 202 and made.json()["owner"] == "alice"
    problem(session.get(locked.url + "/keys", headers=own(locked)), 403, "scope_missing")
    out = session.delete(locked.url + "/session", headers=own(locked))
    assert out.status_code == 204 and "Max-Age=0" in out.headers["Set-Cookie"]
    problem(session.get(locked.url + "/experiments", headers=own(locked)), 401, "unauthorized")


def test_a_page_of_https_gets_a_cookie_for_https_alone(locked):
    headers = {"Origin": "https://example.org", "Host": "example.org"}
    reply = locked.request("POST", "/session", json={"key": locked.key}, headers=headers)
    if reply.status_code == 421:  # this service knows its own names alone
        headers = {"Origin": locked.url.replace("http:", "https:")}
        reply = locked.request("POST", "/session", json={"key": locked.key}, headers=headers)
    assert reply.status_code == 200 and "; Secure" in reply.headers["Set-Cookie"]


@pytest.mark.parametrize("body, status, code", [
    ('{"key":"qlstmd_x"}', 401, "unauthorized"), ('{"key":""}', 401, "unauthorized"), ('{"key":"%s"}' % ("x" * 200), 401, "unauthorized"),
    ("{}", 422, "missing"), ('{"key":1}', 422, "wrong_type"), ('{"key":"x","name":"y"}', 422, "unknown_field"), ("{", 400, "syntax"),
    ('["key"]', 422, "missing")])
def test_what_is_no_key(locked, body, status, code):
    reply = locked.request("POST", "/session", data=body, headers={"Content-Type": "application/json"})
    problem(reply, status, code)
    assert "Set-Cookie" not in reply.headers


def test_cookies_count_on_the_services_own_pages_alone(locked):
    """Who sees what a request says of its origin: status of a GET and of a POST with the cookie."""
    cookie = {"Cookie": f"other=1; qlstmd_{locked.port}={locked.key}"}
    elsewhere = "http://127.0.0.1:1"
    for headers, get, post in [
            ({"Origin": locked.url, "Sec-Fetch-Site": "same-origin"}, 200, 202), ({"Origin": locked.url}, 200, 202),
            ({}, 200, 401), ({"Sec-Fetch-Site": "same-origin"}, 200, 401), ({"Sec-Fetch-Site": "none"}, 200, 401),
            ({"Origin": locked.url, "Sec-Fetch-Site": "none"}, 200, 401),
            ({"Origin": locked.url, "Sec-Fetch-Site": "same-site"}, 401, 401),
            ({"Origin": locked.url, "Sec-Fetch-Site": "cross-site"}, 401, 401),
            ({"Origin": elsewhere, "Sec-Fetch-Site": "same-site"}, 401, 403), ({"Origin": elsewhere}, 200, 403),
            ({"Origin": "null"}, 200, 403)]:
        assert locked.get("/experiments", headers={**cookie, **headers}).status_code == get, headers
        reply = locked.post("/experiments?validate_only=true", {}, headers={**cookie, **headers})
        assert reply.status_code == (200 if post == 202 else post), headers


def test_names_and_values_of_cookies(locked):
    def status(cookie):
        return locked.get("/experiments", headers={"Cookie": cookie, **own(locked)}).status_code
    name = f"qlstmd_{locked.port}"
    assert status(f"{name}={locked.key}") == status(f"a=b;{name}={locked.key};c=d") == 200
    for wrong in (f"qlstmd={locked.key}", f"qlstmd_1={locked.key}", f"x{name}={locked.key}", f"{name}x={locked.key}", f"{name}",
                  f"{name}=", f"{name}={locked.key}x", f"{name}={locked.key[:-1]}", f"{name}=" + "x" * 5000, f"a={name}={locked.key}",
                  "; ;=;;", f"{name.upper()}={locked.key}"):
        assert status(wrong) == 401, wrong


def test_the_header_comes_before_the_cookie(locked):
    session, _ = sign_in(locked, locked.key)
    reply = session.get(locked.url + "/session", headers={"Authorization": "Bearer x", **own(locked)})
    problem(reply, 401, "unauthorized")
    other = add_key(locked, "script", "read", "bob")
    reply = session.get(locked.url + "/session", headers={"Authorization": f"Bearer {other}", **own(locked)})
    assert reply.json()["owner"] == "bob"


def test_a_revoked_key_ends_the_session_and_its_streams(locked):
    key = add_key(locked, "short", "submit", "alice")
    session, _ = sign_in(locked, key)
    made = session.post(locked.url + "/experiments", json=ENDLESS, headers=own(locked)).json()
    with session.get(f"{locked.url}/experiments/{made['id']}/events", stream=True, timeout=DEADLINE,
                     headers={"Accept": "text/event-stream", **own(locked)}) as stream:
        assert stream.status_code == 200
        key_command(locked, "revoke", "short")
        for _ in stream.iter_content(4096):
            pass
    problem(session.get(locked.url + "/session", headers=own(locked)), 401, "unauthorized")
    Client(locked, locked.key).post(f"/experiments/{made['id']}/cancel")


def test_pages_of_events_without_epochs(daemon):
    made = daemon.train({"type": "lstm", "hidden_size": 2, "training": {"epochs": 30}})
    path = f"/experiments/{made['id']}/events"
    everything = daemon.get(path + "?limit=1000").json()["events"]
    assert sum(event["type"] == "epoch" for event in everything) == 30
    brief = daemon.get(path + "?skip=epoch").json()
    assert brief["events"] == [event for event in everything if event["type"] != "epoch"]
    assert brief["after"] == everything[-1]["id"]
    first = daemon.get(path + "?skip=epoch&limit=2").json()  # not the last page
    assert first["events"] == brief["events"][:2] and first["after"] == first["events"][-1]["id"]
    rest = daemon.get(f"{path}?skip=epoch&limit=2&after={first['after']}").json()
    assert rest["events"] == brief["events"][2:] and rest["after"] == brief["after"]
    nothing = daemon.get(f"{path}?skip=epoch&after={brief['after']}").json()
    assert (nothing["events"], nothing["after"]) == ([], brief["after"])
    problem(daemon.get(path + "?skip=status"), 400, "invalid")
    stream = daemon.get(path + "?skip=epoch", headers={"Accept": "text/event-stream"}).text
    assert stream.count("event: epoch") == 30
