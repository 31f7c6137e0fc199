"""Keys: every route by every kind of caller, made from the contract, so that a new route is in it by itself."""
import json
import os
import re
import socket
import time

import pytest

from api_daemon import ENDLESS, Daemon, problem
from api_keys import Client, add_key, key_command
from test_api_contract import operations, routes

SPEC = {"type": "lstm", "hidden_size": 2, "training": {"epochs": 2}}
NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
SCOPES = ["none", "read", "submit", "admin"]


class World:
    """A daemon that asks for keys, keys of each kind, and rows of two owners."""

    def __init__(self, folder):
        self.daemon = Daemon(folder, "--require-keys").start()
        make = lambda *words: Client(self.daemon, add_key(self.daemon, *words))
        self.read, self.submit = make("reader", "read", "alice"), make("writer", "submit", "alice")
        self.admin, self.other = make("root", "admin"), make("bob", "submit")
        self.revoked, self.rotated, self.expired = make("gone"), make("turned"), make("late", "admin", "alice")
        key_command(self.daemon, "revoke", "gone")
        key_command(self.daemon, "rotate", "turned")
        self.edit(lambda key: key.update(expires_at=1000) if key["name"] == "late" else None)
        for client, text in ((self.submit, "a\n1\n2\n3\n"), (self.other, "b\n4\n5\n6\n7\n")):
            assert client.upload("mine", text).status_code == 201
        self.mine, self.others = self.submit.train(SPEC)["id"], self.other.train(SPEC)["id"]

    def edit(self, change):
        """Rewrites the file of keys, as `qlstmd key` does."""
        path = self.daemon.data / "keys.json"
        ring = json.loads(path.read_text())
        for key in ring["keys"]:
            change(key)
        path.with_suffix(".new").write_text(json.dumps(ring))
        os.replace(path.with_suffix(".new"), path)

    def operations(self):
        contract = self.daemon.get("/openapi.json").json()
        found = [(method.upper(), path, operation["x-scope"]) for method, path, operation, _ in operations(contract)]
        assert {(m.lower(), p): s for m, p, s in found} == {row: scope for row, (scope, _) in routes().items()}
        return sorted(found, key=lambda row: row[0] == "DELETE")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("keys"))
    yield made
    made.daemon.close()


def path_of(template, experiment=NOBODY, name="nothing"):
    return template.replace("{id}", experiment).replace("{name}", name)


def refused(reply):
    message = problem(reply, 401, "unauthorized")
    assert reply.headers["WWW-Authenticate"].startswith('Bearer realm="qlstmd"')
    return message


def test_nobody(world):
    """No header, and headers that hold no key in force: every route that has a scope, and only those."""
    good = world.submit.key
    wrong = {
        None: "this needs a key",
        "": "does not hold a key",
        "Bearer": "does not hold a key",
        "Bearer ": "does not hold a key",
        "Bearer x": "does not hold a key",
        f"Basic {good}": "does not hold a key",
        good: "does not hold a key",
        f"Bearer {good}x": "does not hold a key",
        f"Bearer {good[:-1]}": "does not hold a key",
        f"Bearer {good[:-1]}+": "does not hold a key",
        f"Bearer {good[:-1]}{'A' if good[-1] != 'A' else 'B'}": "no key of this service",
        f"Bearer qlstmd_{NOBODY}_{good[-43:]}": "no key of this service",
        f"Bearer {world.other.key[:34]}{good[34:]}": "no key of this service",
        f"Bearer {world.revoked.key}": "revoked",
        f"Bearer {world.rotated.key}": "rotated",
        f"Bearer {world.expired.key}": "expired",
    }
    for method, template, scope in world.operations():
        for header, words in wrong.items():
            headers = {} if header is None else {"Authorization": header}
            reply = world.daemon.request(method, path_of(template), headers=headers)
            if scope == "none":
                assert reply.status_code in ((200, 404) if template != "/session" else (204, 400)) and "WWW-Authenticate" not in reply.headers, (template, header)
            else:
                assert words in refused(reply), (template, header)
                assert ('error="invalid_token"' in reply.headers["WWW-Authenticate"]) == (header is not None)
    assert world.daemon.get("/experiments", headers={"Authorization": f"bearer   {good}"}).status_code == 200


def test_the_wrong_scope(world):
    callers = {"read": world.read, "submit": world.submit, "admin": world.admin}
    for method, template, scope in world.operations():
        for name, client in callers.items():
            reply = client.request(method, path_of(template))
            if SCOPES.index(name) >= SCOPES.index(scope):
                assert reply.status_code not in (401, 403), (method, template, name, reply.text)
                continue
            assert f"the scope '{scope}'" in problem(reply, 403, "scope_missing")
            assert f'error="insufficient_scope", scope="{scope}"' in reply.headers["WWW-Authenticate"]


def test_another_owner(world):
    """What is another's does not exist: the very answer of a row that was never there, and it is there afterwards."""
    def normal(reply, *secret):
        text = reply.text
        for word in secret:
            text = text.replace(word, "?")
        hidden = {"Date", "Content-Length"}
        return reply.status_code, text, {k: v for k, v in reply.headers.items() if k not in hidden}

    seen, mine = 0, world.other.get("/datasets/mine").json()["id"]
    for method, template, scope in world.operations():
        if "{" not in template or scope == "none":
            continue
        body = {"json": {"inputs": [[[0.1]] * 4]}} if method == "POST" else {}
        own = world.submit.request(method, path_of(template, world.others, mine), **body)
        none = world.submit.request(method, path_of(template), **body)
        assert own.status_code in (404, 403), (method, template, own.text)
        assert normal(own, world.others, mine) == normal(none, NOBODY, "nothing"), (method, template)
        stream = world.submit.request(method, path_of(template, world.others, mine),
                                      headers={"Accept": "text/event-stream"}, **body)
        assert stream.status_code in (404, 403)
        seen += 1
    assert seen > 10
    assert world.other.get(f"/experiments/{world.others}").json()["status"] == "succeeded"
    assert world.other.get("/datasets/mine/content").text == "b\n4\n5\n6\n7\n"


def test_lists_and_names_are_an_owners_own(world):
    for client, experiment, text in ((world.read, world.mine, "a\n1\n2\n3\n"), (world.other, world.others, "b\n4\n5\n6\n7\n")):
        for query in ("", "?status=succeeded", "?project=default", "?status=succeeded&project=default"):
            rows = client.get("/experiments" + query).json()["experiments"]
            assert [row["id"] for row in rows] == [experiment], query
        uploads = [row for row in client.get("/datasets").json()["datasets"] if not row["builtin"]]
        assert [row["name"] for row in uploads] == ["mine"]
        assert client.get("/datasets/mine/content").text == text
        assert rows[0]["owner"] == uploads[0]["owner"] == ("alice" if client is world.read else "bob")
    assert world.read.get("/experiments?status=failed").json()["experiments"] == []
    everything = {row["id"] for row in world.admin.get("/experiments").json()["experiments"]}
    assert {world.mine, world.others} <= everything
    names = [row["name"] for row in world.admin.get("/datasets").json()["datasets"]]
    assert names.count("mine") == 2
    assert world.admin.get("/datasets/mine").json()["owner"] == "bob"  # the newest of those that are not its own
    suggestion = problem(world.read.get("/datasets/mime"), 404, "not_found")
    assert "mine" in suggestion
    key = add_key(world.daemon, "stranger")
    assert "mine" not in problem(Client(world.daemon, key).get("/datasets/mime"), 404, "not_found")


def test_runs_of_another_owner_are_none_of_mlflow(world):
    home = "/api/2.0/mlflow"
    for client, mine, others in ((world.submit, world.mine, world.others), (world.other, world.others, world.mine)):
        for order in ([], ["start_time"]):
            found = client.post(f"{home}/runs/search", {"experiment_ids": ["0"], "order_by": order}).json()["runs"]
            ids = {run["info"]["run_id"] for run in found}
            assert mine in ids and others not in ids
        for path in ("runs/get?", "artifacts/list?", "metrics/get-history?metric_key=test_loss&"):
            assert client.get(f"{home}/{path}run_id={mine}").status_code == 200
            problem(client.get(f"{home}/{path}run_id={others}"), 404, "not_found")
        assert client.get(f"{home}-artifacts/artifacts?path={mine}").status_code == 200
        problem(client.get(f"{home}-artifacts/artifacts?path={others}"), 404, "not_found")
    made = world.other.post("/experiments", {**SPEC, "project": "of bob alone"}).json()
    names = {client: [item["name"] for item in client.post(f"{home}/experiments/search", {}).json()["experiments"]]
             for client in (world.submit, world.other, world.admin)}
    assert "of bob alone" in names[world.other] and "of bob alone" in names[world.admin]
    assert "of bob alone" not in names[world.submit] and "default" in names[world.submit]
    problem(world.submit.get(f"{home}/experiments/get?experiment_id=of+bob+alone"), 404, "not_found")
    world.other.post(f"/experiments/{made['id']}/cancel")


def test_data_of_another_owner_is_no_data(world):
    others = world.other.get("/datasets/mine").json()["id"]
    spec = {**SPEC, "data": {"dataset": others, "inputs": ["b"], "targets": ["b"], "window": 1}}
    assert "no data set" in problem(world.submit.post("/experiments", spec), 422, "not_found", "/data/dataset")
    assert world.admin.post("/experiments?validate_only=true", spec).status_code == 200


def test_an_idempotency_key_is_an_owners_own(world):
    headers = {"Idempotency-Key": "the-same-for-both"}
    made = [client.post("/experiments", {**SPEC, "name": name}, headers=headers)
            for client, name in ((world.submit, "a"), (world.other, "b"), (world.submit, "a"))]
    assert [reply.status_code for reply in made] == [202] * 3
    ids = [reply.json()["id"] for reply in made]
    assert [reply.json()["owner"] for reply in made] == ["alice", "bob", "alice"]
    assert ids[0] == ids[2] != ids[1]
    assert ["Idempotent-Replayed" in reply.headers for reply in made] == [False, False, True]
    for client, experiment in ((world.submit, ids[0]), (world.other, ids[1])):
        client.wait(experiment)
        assert client.request("DELETE", f"/experiments/{experiment}").status_code == 204


def test_one_owner_by_several_keys(world):
    assert world.read.get(f"/experiments/{world.mine}").json()["owner"] == "alice"
    with world.read.request("GET", f"/experiments/{world.mine}/events", stream=True,
                            headers={"Accept": "text/event-stream"}) as reply:
        assert "event: end" in reply.text


def test_keys_over_http(world):
    body = {"name": "made", "owner": "carol", "scope": "read", "expires_in_seconds": 60}
    reply = world.admin.post("/keys", body)
    assert reply.status_code == 201 and reply.headers["Cache-Control"] == "no-store"
    made = reply.json()
    client = Client(world.daemon, made.pop("key"))
    assert client.get("/experiments").json()["experiments"] == []
    problem(world.admin.post("/keys", body), 409, "conflict", "/name")
    listed = {key["name"]: key for key in world.admin.get("/keys").json()["keys"]}
    assert listed["made"].pop("last_used_at") and made.pop("last_used_at") is None
    assert listed["made"] == made and made["owner"] == "carol" and made["expires_at"] > made["created_at"]
    assert listed["gone"]["revoked_at"] and client.key[-43:] not in json.dumps(listed)
    turned = world.admin.post(f"/keys/{made['id']}/rotate").json()
    assert "rotated" in refused(client.get("/experiments"))
    client = Client(world.daemon, turned["key"])
    assert client.get("/experiments").status_code == 200 and turned["id"] == made["id"]
    assert world.admin.request("DELETE", f"/keys/{made['id']}").json()["revoked_at"]
    assert "revoked" in refused(client.get("/experiments"))
    assert world.admin.request("DELETE", f"/keys/{made['id']}").status_code == 200
    problem(world.admin.post(f"/keys/{made['id']}/rotate"), 404, "not_found")
    problem(world.admin.request("DELETE", f"/keys/{NOBODY}"), 404, "not_found")


@pytest.mark.parametrize("body, status, code, pointer", [
    ("{", 400, "syntax", ""),
    ("[]", 422, "wrong_type", ""),
    ("{}", 422, "missing", "/name"),
    ('{"name": 1}', 422, "wrong_type", "/name"),
    ('{"name": "a b"}', 422, "invalid", "/name"),
    ('{"name": "-a"}', 422, "invalid", "/name"),
    ('{"name": "%s"}' % ("a" * 65), 422, "invalid", "/name"),
    ('{"name": "x", "owner": ""}', 422, "invalid", "/owner"),
    ('{"name": "x", "scope": "none"}', 422, "invalid", "/scope"),
    ('{"name": "x", "scope": "root"}', 422, "invalid", "/scope"),
    ('{"name": "x", "expires_in_seconds": 0}', 422, "out_of_range", "/expires_in_seconds"),
    ('{"name": "x", "expires_in_seconds": "1"}', 422, "wrong_type", "/expires_in_seconds"),
    ('{"name": "x", "rate": 0}', 422, "out_of_range", "/rate"),
    ('{"name": "x", "max_queued": "1"}', 422, "wrong_type", "/max_queued"),
    ('{"name": "x", "max_bytes": -1}', 422, "out_of_range", "/max_bytes"),
    ('{"name": "x", "expires": 1}', 422, "unknown_field", ""),
])
def test_wrong_keys(world, body, status, code, pointer):
    problem(world.admin.post("/keys", body), status, code, pointer)


def test_a_strangers_body_is_not_read(world):
    with socket.create_connection(("127.0.0.1", world.daemon.port)) as client:
        client.sendall(b"POST /datasets?name=x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000000\r\n\r\n")
        client.settimeout(60)
        assert client.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_no_secret_is_left_anywhere(world):
    secrets = [client.key[-43:] for client in (world.read, world.submit, world.admin, world.revoked)]
    places = [path for path in world.daemon.data.parent.rglob("*") if path.is_file()]
    assert world.daemon.log_path in places and world.daemon.data / "keys.json" in places
    for path in places:
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], path
    for name in ("keys.json", "keys.lock"):
        assert (world.daemon.data / name).stat().st_mode & 0o777 == 0o600


def test_keys_that_cannot_be_read_open_nothing(world):
    path = world.daemon.data / "keys.json"
    kept = path.read_bytes()
    path.with_suffix(".new").write_text("{")
    os.replace(path.with_suffix(".new"), path)
    assert "cannot be read" in refused(world.admin.get("/experiments"))
    assert world.daemon.get("/healthz").status_code == 200
    path.with_suffix(".new").write_bytes(kept)
    os.replace(path.with_suffix(".new"), path)
    assert world.admin.get("/experiments").status_code == 200


def test_none_is_needed_on_loopback(make_daemon):
    daemon = make_daemon()
    experiment = daemon.train(SPEC)
    assert experiment["owner"] is None
    client = Client(daemon, add_key(daemon, "alice"))
    assert client.get("/experiments").json()["experiments"] == []
    assert client.upload("mine", "a\n1\n2\n").json()["owner"] == "alice"
    assert daemon.upload("mine", "a\n5\n6\n").json()["owner"] is None
    assert daemon.get("/datasets/mine/content").text == "a\n5\n6\n"
    assert "does not hold" in refused(daemon.get("/experiments", headers={"Authorization": "Bearer x"}))
    problem(daemon.post("/keys", {"name": "x"}), 403, "scope_missing")
    for method, path in (("DELETE", f"/keys/{NOBODY}"), ("POST", f"/keys/{NOBODY}/rotate")):
        problem(daemon.request(method, path), 403, "scope_missing")
    assert [key["name"] for key in daemon.get("/keys").json()["keys"]] == ["alice"]


def test_other_addresses_need_keys(tmp_path):
    daemon = Daemon(tmp_path, "--allow-remote", "--listen", "0.0.0.0:0").start(address="0.0.0.0")
    try:
        assert daemon.get("/healthz").status_code == 200
        refused(daemon.get("/experiments"))
        assert "keys are required and there are none" in daemon.log()
        assert Client(daemon, add_key(daemon, "alice")).get("/experiments").status_code == 200
    finally:
        daemon.close()


def test_the_last_use_is_kept(make_daemon):
    daemon = make_daemon()
    client = Client(daemon, add_key(daemon, "alice"))
    before = time.time()
    assert client.get("/experiments").status_code == 200
    assert re.search(r"Z +- +- +alice alice\n$", key_command(daemon, "list")[0]), "not at once"
    assert daemon.stop() == 0
    used = json.loads((daemon.data / "keys.used.json").read_text())
    assert [before - 1 <= ms / 1000 <= time.time() + 1 for ms in used.values()] == [True]
    daemon.start()
    assert daemon.get("/keys").json()["keys"][0]["last_used_at"]
    assert re.search(r"in force +submit .+ - +20\S+Z +alice alice\n$", key_command(daemon, "list")[0])


def test_a_rate(make_daemon):
    daemon = make_daemon()
    slow = Client(daemon, add_key(daemon, "slow", "read", None, "--rate", "0.001"))
    first, second = slow.get("/experiments"), slow.get("/experiments")
    assert first.status_code == 200
    assert [first.headers["RateLimit-" + name] for name in ("Limit", "Remaining", "Reset")] == ["1", "0", "1000"]
    assert "0.001 requests a second" in problem(second, 429, "too_many")
    assert 900 < int(second.headers["Retry-After"]) <= 1000
    other = Client(daemon, add_key(daemon, "other", "read"))
    assert "RateLimit-Limit" not in other.get("/experiments").headers
    quick = Client(daemon, add_key(daemon, "quick", "read", None, "--rate", "100000"))
    assert all(quick.get("/experiments").status_code == 200 for _ in range(20))


def test_what_an_owner_may_have(make_daemon):
    daemon = make_daemon("--slots", "1")
    blocker = daemon.submit(ENDLESS)
    daemon.wait(blocker, lambda row: row["status"] == "running")
    client = Client(daemon, add_key(daemon, "alice", "submit", None, "--max-queued", "2", "--max-bytes", "10"))
    waiting = [client.submit(SPEC) for _ in range(2)]
    reply = client.post("/experiments", SPEC)
    assert "2 experiments of 'alice' are waiting" in problem(reply, 429, "too_many") and reply.headers["Retry-After"]
    assert Client(daemon, add_key(daemon, "bob")).submit(SPEC) and daemon.submit(SPEC)
    assert client.post(f"/experiments/{waiting[0]}/cancel").status_code == 202
    client.submit(SPEC)
    assert client.upload("a", "a\n1\n2\n").status_code == 201
    assert "take 12 bytes; allowed are 10" in problem(client.upload("b", "a\n3\n4\n"), 413, "too_large")
    assert client.upload("a", "a\n1\n2\n").status_code == 200
    assert client.request("DELETE", "/datasets/a").status_code == 204
    assert client.upload("b", "a\n3\n4\n5\n6\n").status_code == 201
    assert len(list((daemon.data / "datasets").iterdir())) == 1


def test_who_did_what(make_daemon):
    daemon = make_daemon("--require-keys")
    client = Client(daemon, add_key(daemon, "alice", "submit", "team"))
    made = client.train(SPEC)["id"]
    client.get("/experiments")
    daemon.post("/experiments", SPEC)
    client.post("/keys", {"name": "x"})
    client.request("DELETE", f"/experiments/{made}")
    path = daemon.data / "audit.log"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["name"], line["method"], line["path"], line["status"], line["location"]) for line in lines] == [
        ("alice", "POST", "/experiments", 202, f"/experiments/{made}"),
        (None, "POST", "/experiments", 401, None),
        ("alice", "POST", "/keys", 403, None),
        ("alice", "DELETE", f"/experiments/{made}", 204, None)]
    assert lines[0]["owner"] == "team" and lines[0]["key"] == client.key[7:33] and lines[1]["key"] is None
    assert path.stat().st_mode & 0o777 == 0o600 and client.key[-43:] not in path.read_text()


@pytest.mark.parametrize("words, status, said", [
    (["frob"], 2, "unknown verb"),
    (["add"], 2, "add needs a NAME"),
    (["add", "a", "b"], 2, "too many words"),
    (["add", "a", "--days", "0"], 2, "--days takes"),
    (["add", "a", "--rate", "x"], 2, "--max-running, --max-bytes and --rate"),
    (["add", "a", "--frob"], 2, "frob"),
    (["add", "a b"], 1, "letters, digits"),
    (["add", "a", "--scope", "root"], 1, "read, submit or admin"),
    (["list", "--owner", "a"], 2, "are for add"),
    (["revoke", "nobody"], 1, "no key in force"),
    (["rotate"], 2, "rotate needs"),
])
def test_wrong_commands(world, words, status, said):
    out, errors = key_command(world.daemon, *words, status=status)
    assert out == "" and said in errors
