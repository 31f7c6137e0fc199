"""What torture.py promises at the end of a round, counted from the rows and the files that are there."""
import hashlib
import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from api_daemon import TERMINAL, read_safetensors

# The table of server/run/state.c.
STEPS = {(None, "queued"), ("queued", "running"), ("queued", "queued"), ("running", "succeeded"), ("cancelling", "succeeded"),
         ("running", "queued"), ("running", "failed"), ("queued", "cancelled"), ("paused", "cancelled"),
         ("running", "cancelling"), ("cancelling", "cancelled"), ("queued", "paused"), ("running", "running"),
         ("running", "paused"), ("paused", "queued"), ("failed", "queued"), ("cancelled", "queued")}


class Findings:
    def __init__(self):
        self.counts = {"lost": 0, "doubled": 0, "differing": 0, "leaked": 0}
        self.lines = []

    def add(self, kind, text):
        self.counts[kind] += 1
        self.lines.append(f"{kind}: {text}")


def check_transitions(db, row, found):
    """A path through the table, attempts that rise, one end (and one more for each retry)."""
    experiment = row["id"]
    steps = db.execute("SELECT seq, attempt, from_status, to_status, reason FROM transition WHERE experiment_id = ? "
                       "ORDER BY seq", (experiment,)).fetchall()
    before, attempt = None, 0
    for seq, step in enumerate(steps, 1):
        claim = (step["from_status"], step["to_status"]) == ("queued", "running")
        expected = attempt + 1 if claim else attempt
        if (step["seq"] != seq or step["from_status"] != before or step["attempt"] != expected or
                (before, step["to_status"]) not in STEPS):
            found.add("doubled", f"{experiment}: step {dict(step)} behind {before}, attempt {attempt}")
            return
        before, attempt = step["to_status"], expected
    if before != row["status"] or attempt != row["attempt"]:
        found.add("doubled", f"{experiment} is {row['status']} in attempt {row['attempt']}; its last step {before}")
    ends = sum(step["to_status"] in TERMINAL for step in steps)
    retries = sum(step["from_status"] in TERMINAL for step in steps)
    if ends != 1 + retries:
        found.add("doubled", f"{experiment} ended {ends} times with {retries} retries")
    if row["status"] == "failed":
        blows = sum(step["reason"] in ("worker_crashed", "worker_hung", "shutdown", "lease_lost", "too_many_attempts")
                    for step in steps)
        if row["reason"] != "too_many_attempts" or blows < 10:
            found.add("lost", f"{experiment} failed: {row['reason']} {row['reason_message']} after {blows} blows")


def check_events(db, row, found):
    """Every epoch once, in order; the same changes of status as in the other table."""
    experiment = row["id"]
    events = db.execute("SELECT type, json_extract(body_json, '$.epoch') AS epoch, json_extract(body_json, '$.to') AS "
                        "target FROM event WHERE experiment_id = ? ORDER BY id", (experiment,)).fetchall()
    epochs = [event["epoch"] for event in events if event["type"] == "epoch"]
    if epochs != list(range(1, len(epochs) + 1)):
        found.add("doubled", f"{experiment}: events of epochs {epochs}")
    changes = [event["target"] for event in events if event["type"] == "status"]
    steps = [step["to_status"] for step in db.execute(
        "SELECT to_status FROM transition WHERE experiment_id = ? ORDER BY seq", (experiment,))]
    if changes != steps:
        found.add("doubled", f"{experiment}: events {changes}, transitions {steps}")
    rows = [metric["epoch"] for metric in db.execute(
        "SELECT epoch FROM epoch_metric WHERE experiment_id = ? ORDER BY epoch", (experiment,))]
    if rows != epochs or (row["status"] == "succeeded" and len(rows) != row["epochs"]):
        found.add("lost", f"{experiment}: {len(rows)} of {row['epochs']} epochs")


def check_weights(db, data, row, expected, found):
    artifacts = {a["name"]: a for a in db.execute("SELECT * FROM artifact WHERE experiment_id = ?", (row["id"],))}
    # One that was ended before may have left results of its last whole epoch, which nobody else has.
    done = row["status"] == "succeeded"
    if done != bool(artifacts) and row["status"] not in ("cancelled", "failed"):
        found.add("lost", f"{row['id']} is {row['status']} with {len(artifacts)} artifacts")
    for artifact in artifacts.values():
        path = data / "runs" / row["id"] / artifact["file"]
        bytes_ = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(bytes_).hexdigest() != artifact["sha256"]:
            found.add("lost", f"{path} is not what the row says")
        elif artifact["name"] == "weights" and expected is not None and done:
            if read_safetensors(bytes_)[0] != read_safetensors(expected)[0]:
                found.add("differing", f"{row['id']}, attempt {row['attempt']}")


def check_answers(rows, history, found):
    """What clients were told."""
    for experiment in history.accepted:
        if experiment not in rows and experiment not in history.deleting:
            found.add("lost", f"{experiment} was accepted")
    for experiment in history.deleted & set(rows):
        found.add("doubled", f"{experiment} was deleted, and is there again")
    for key, (_, ids) in history.keys.items():
        if len(ids) > 1:
            found.add("doubled", f"{key} made {ids}")
    for experiment in history.cancelled:
        if experiment in rows and experiment not in history.retried and rows[experiment]["status"] != "cancelled":
            found.add("doubled", f"{experiment} was cancelled and is {rows[experiment]['status']}")
    for row in rows.values():
        if row["status"] not in TERMINAL:
            found.add("lost", f"{row['id']} is {row['status']}")
        if row["id"] not in history.accepted:
            found.add("doubled", f"{row['id']} is nobody's")
    for surprise in history.surprises:
        found.add("lost", surprise)


def check_data(db, data, history, found):
    rows = {row["name"]: row for row in db.execute("SELECT * FROM dataset")}
    for name, sha256 in history.uploads.items():
        if name not in rows and name not in history.unnamed:
            found.add("lost", f"data set {name}")
        elif name in rows and rows[name]["sha256"] != sha256:
            found.add("differing", f"data set {name}")
    for row in rows.values():
        path = data / "datasets" / row["file"]
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            found.add("lost", f"the bytes of data set {row['name']}")
    for path in (data / "datasets").iterdir():
        if path.name not in {row["file"] for row in rows.values()}:
            found.add("leaked", f"datasets/{path.name}")


def check_files(db, data, rows, found):
    """Every file of a run belongs to a row: results, checkpoints; or to its attempt: spec, log."""
    owned = {}
    for row in db.execute("SELECT experiment_id, file FROM artifact"):
        owned.setdefault(row["experiment_id"], set()).add(row["file"])
    for row in db.execute("SELECT experiment_id, attempt, file FROM checkpoint"):
        owned.setdefault(row["experiment_id"], set()).add(f"attempt-{row['attempt']}/{row['file']}")
    for run in (data / "runs").iterdir():
        if run.name not in rows:
            found.add("leaked", f"runs/{run.name}")
            continue
        for path in run.rglob("*"):
            inside = str(path.relative_to(run))
            mine = inside in owned.get(run.name, ()) or path.name in ("spec.json", "resolved-spec.json", "worker.log")
            if path.is_file() and not mine:
                found.add("leaked", f"runs/{run.name}/{inside} ({rows[run.name]['status']})")


def check(data, history, expected):
    found = Findings()
    db = sqlite3.connect(f"file:{data}/qlstmd.db?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        if db.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            found.add("lost", "integrity_check")
        rows = {row["id"]: row for row in db.execute("SELECT * FROM experiment")}
        check_answers(rows, history, found)
        for row in rows.values():
            check_transitions(db, row, found)
            check_events(db, row, found)
            index = history.accepted.get(row["id"])
            check_weights(db, data, row, expected[index] if index is not None else None, found)
        check_data(db, data, history, found)
        check_files(db, data, rows, found)
        succeeded = sum(row["status"] == "succeeded" for row in rows.values())
    finally:
        db.close()
    return {**found.counts, "faults": found.lines, "experiments": len(history.accepted), "succeeded": succeeded}
