"""Clients of torture.py: each does one thing after another, whether the daemon is there or not, and History remembers
what was answered."""
import itertools
import socket
import threading
import time
import uuid

import requests

ON_DATA = {"dataset": "base", "inputs": ["value"], "targets": ["value"]}
# Small ones that take 0.1 to 3 s, so that a kill finds them at every stage.
SPECS = [
    {"type": "lstm", "hidden_size": 3, "training": {"epochs": 3}},
    {"type": "lstm", "hidden_size": 6, "training": {"epochs": 60, "shuffle": True}},
    {"hidden_size": 3, "n_qubits": 2, "training": {"epochs": 20}},
    {"hidden_size": 4, "n_qubits": 4, "training": {"epochs": 40, "shuffle": True, "optimizer": {"type": "adam"}}},
    {"hidden_size": 4, "n_qubits": 4, "depth": 3, "training": {"epochs": 120, "shuffle": True}},
    {"hidden_size": 3, "n_qubits": 3, "data": ON_DATA, "training": {"epochs": 30, "seed": 7}},
]
LIMITS = {"max_attempts": 10, "max_seconds": 600}


def table(seed, rows=90):
    return "value\n" + "".join(f"{((i * 7919 + seed * 104729) % 1000) / 1000}\n" for i in range(rows))


class History:
    """What clients were told. Sets and dictionaries by id; guarded by one lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.accepted = {}    # id: index of its spec
        self.keys = {}        # Idempotency-Key: (index of the spec, ids answered)
        self.deleting = set() # DELETE was asked for
        self.deleted = set()  # ... and answered
        self.cancelled = {}   # id: that it is cancelled was answered, and no retry asked for since
        self.retried = set()  # a retry was asked for
        self.uploads = {}     # name: seed of the table, once answered
        self.unnamed = set()  # names of uploads whose DELETE was asked for
        self.surprises = []   # answers that must not be

    def accept(self, key, index, experiment):
        with self.lock:
            self.accepted[experiment] = index
            self.keys.setdefault(key, (index, set()))[1].add(experiment)

    def begin(self, key, index):
        with self.lock:
            self.keys.setdefault(key, (index, set()))

    def pick(self, rng):
        with self.lock:
            ids = [x for x in self.accepted if x not in self.deleted]
        return rng.choice(ids[-40:]) if ids else None

    def repeat_unanswered(self, daemon):
        """Whoever got no answer asks again under the same key, and gets the one that was made, or one now."""
        for key, (index, ids) in list(self.keys.items()):
            reply = daemon.post("/experiments", body_of(index), headers={"Idempotency-Key": key})
            if reply.status_code == 202:
                self.accept(key, index, reply.json()["id"])
            elif not (reply.status_code == 404 and ids & self.deleting):
                self.surprises.append(f"POST again under {key}: {reply.status_code} {reply.text[:200]}")


def body_of(index):
    return {**SPECS[index], "limits": LIMITS}


class Client(threading.Thread):
    names = itertools.count()

    def __init__(self, daemon, history, rng, over):
        super().__init__(daemon=True)
        self.target, self.history, self.rng, self.over = daemon, history, rng, over

    def ask(self, method, path, **arguments):
        """None when the daemon did not answer."""
        try:
            return requests.request(method, self.target.url + path, timeout=20, **arguments)
        except requests.RequestException:
            time.sleep(0.05)
            return None

    def check(self, reply, *allowed):
        if reply is not None and reply.status_code not in allowed:
            self.history.surprises.append(f"{reply.request.method} {reply.request.path_url}: {reply.status_code} "
                                          f"{reply.text[:200]}")
        return reply is not None

    def submit(self):
        index, key = self.rng.randrange(len(SPECS)), uuid.UUID(int=self.rng.getrandbits(128)).hex
        self.history.begin(key, index)
        for _ in range(self.rng.choice((1, 1, 2))):
            reply = self.ask("POST", "/experiments", json=body_of(index), headers={"Idempotency-Key": key})
            if self.check(reply, 202, 503, 404) and reply.status_code == 202:
                self.history.accept(key, index, reply.json()["id"])

    def wish(self, what, *allowed):
        experiment = self.history.pick(self.rng)
        if experiment is None:
            return
        if what == "retry":
            with self.history.lock:  # asked for is enough: it may happen without an answer
                self.history.retried.add(experiment)
                self.history.cancelled.pop(experiment, None)
        reply = self.ask("POST", f"/experiments/{experiment}/{what}")
        if not self.check(reply, *allowed) or reply.status_code not in (200, 202):
            return
        if what == "cancel" and reply.json()["status"] == "cancelled" and experiment not in self.history.retried:
            with self.history.lock:
                self.history.cancelled[experiment] = True

    def cancel(self):
        self.wish("cancel", 200, 202, 404, 409, 503)

    def pause(self):
        self.wish("pause", 200, 202, 404, 409, 503)

    def resume(self):
        self.wish("resume", 200, 202, 404, 409, 503)

    def retry(self):
        self.wish("retry", 202, 404, 409, 503)

    def delete(self):
        experiment = self.history.pick(self.rng)
        if experiment is None:
            return
        with self.history.lock:
            self.history.deleting.add(experiment)
        reply = self.ask("DELETE", f"/experiments/{experiment}")
        if self.check(reply, 204, 404, 409, 503) and reply.status_code in (204, 404):
            with self.history.lock:
                self.history.deleted.add(experiment)

    def upload(self):
        seed = self.rng.randrange(1, 1 << 30)
        name = f"data-{next(Client.names)}"
        reply = self.ask("POST", "/datasets", params={"name": name}, data=table(seed, self.rng.choice((20, 4000))),
                         headers={"Content-Type": "text/csv"})
        if self.check(reply, 200, 201, 503) and reply.status_code in (200, 201):
            with self.history.lock:
                self.history.uploads[name] = reply.json()["sha256"]

    def remove_upload(self):
        with self.history.lock:
            names = list(self.history.uploads)
        if not names:
            return
        name = self.rng.choice(names)
        with self.history.lock:
            self.history.unnamed.add(name)
        self.check(self.ask("DELETE", f"/datasets/{name}"), 204, 404, 409, 503)

    def vanish(self):
        """Half a request, and gone."""
        head = ("POST /datasets?name=half HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/csv\r\n"
                "Content-Length: 2000000\r\n\r\n")
        try:
            with socket.create_connection(("127.0.0.1", self.target.port), timeout=5) as connection:
                connection.sendall(head.encode() + b"value\n" + b"1\n" * self.rng.randrange(400000))
        except OSError:
            time.sleep(0.05)

    def watch(self):
        """A stream, left in the middle."""
        experiment = self.history.pick(self.rng)
        if experiment is None:
            return
        try:
            with requests.get(self.target.url + f"/experiments/{experiment}/events", stream=True, timeout=5,
                              headers={"Accept": "text/event-stream"}) as reply:
                for count, _ in enumerate(reply.iter_content(256)):
                    if count > self.rng.randrange(8):
                        break
        except requests.RequestException:
            pass

    def run(self):
        deeds = ((self.submit, 20), (self.cancel, 4), (self.pause, 4), (self.resume, 6), (self.retry, 4),
                 (self.delete, 8), (self.upload, 2), (self.remove_upload, 2), (self.vanish, 2), (self.watch, 4))
        while not self.over.is_set():
            with self.history.lock:
                many = len(self.history.keys) - len(self.history.deleted) > 200  # answered or not
            deed = self.rng.choices([deed for deed, _ in deeds], [weight for _, weight in deeds])[0]
            if not (many and deed == self.submit):
                deed()
            self.over.wait(self.rng.random() * 0.3)
