"""Starts the daemon and sends it whole requests on small data sets: every operation of schema/openapi.yaml, experiments
made from schema/experiment.schema.json. A fault is printed with the curl lines that repeat it.
  make fuzz-requests SECONDS=1200 SEED=1 SAN=address
The same seed sends the same requests, but for ids and for what depends on how far an experiment has come."""
import argparse
import collections
import json
import pathlib
import random
import struct
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from api_daemon import ROOT, TERMINAL  # noqa: E402
from fuzz_client import Client, Finding  # noqa: E402
from random_calls import Call, Calls, Known  # noqa: E402
from random_specs import Specs  # noqa: E402
from random_tables import Table  # noqa: E402
from random_values import spoil_text  # noqa: E402
from reply_checks import Contract, check_json, check_results_csv, check_safetensors  # noqa: E402

END_SECONDS = 600  # without an end
LONGEST = 30       # seconds that an experiment may take, while it is waited for, before it is cancelled
OUTSTANDING = 24   # experiments that have not ended
RESTART_EVERY = 200  # steps
OURS = {"nan_loss", "timeout", "invalid_data", "user_cancelled"}  # reasons that an experiment itself may give


def learned(body):
    """A file of weights without what PATCH may have changed between two trainings."""
    (length,) = struct.unpack("<Q", body[:8])
    header = json.loads(body[8:8 + length])
    spec = json.loads(header["__metadata__"]["spec"])
    header["__metadata__"]["spec"] = {key: value for key, value in spec.items() if key not in ("name", "tags", "notes")}
    return header, body[8 + length:]


class Fuzz(Client):
    """What is sent to a daemon, and what must hold of it."""

    def __init__(self, folder, seed, options=(), longest=LONGEST):
        self.seed, self.longest = seed, longest
        self.rng = random.Random(seed)
        threads = str(self.rng.randint(1, 4))
        super().__init__(folder, "--slots", str(self.rng.randint(1, 3)), "--threads", threads, "--checkpoint", "0",
                         "--max-memory", "256M", *options)
        self.tables, self.etags = [], {}
        self.outstanding = collections.deque()  # Known
        self.sent = collections.Counter()       # by status; and how experiments ended
        self.expected = {}                      # id of a repeated experiment: the ETag that its weights must have
        contract = json.loads(self.send(Call("GET", "/openapi.json")).body)
        self.contract = Contract(contract)
        builtin = [row["name"] for row in self.send(Call("GET", "/datasets")).json()["datasets"]]
        schema = json.loads((ROOT / "schema/experiment.schema.json").read_text())
        recipes = [json.loads(path.read_text()) for path in sorted((ROOT / "schema/recipes").glob("*.json"))]
        recipes = [recipe for recipe in recipes if recipe["data"]["dataset"] in builtin]
        self.specs = Specs(self.rng, schema, recipes, self.tables, builtin)
        self.calls = Calls(self.rng, contract, self.experiments, self.tables, builtin, self.etags, {
            "createExperiment": lambda: self.specs.text(self.specs.make()),
            "createDataset": lambda: Table(self.rng).body})

    def judge(self, call, reply):
        self.sent[reply.status] += 1
        try:
            value = self.contract.check(call, reply)
            if call.template.endswith("/content") and reply.status == 200 and call.method == "GET":
                for table in self.tables:
                    if call.target.startswith(f"/datasets/{table.id}/content"):
                        assert reply.body == table.body, "another content than was uploaded"
        except (AssertionError, ValueError, KeyError, AttributeError) as error:
            what = f"{error!r}\n{reply.status} {reply.headers}\n{reply.body[:2000]!r}"
            raise Finding(what, call) from error
        if "etag" in reply.headers:
            self.etags[call.target] = reply.headers["etag"]
        if reply.status == 202 and call.template == "/experiments" and "idempotent-replayed" not in reply.headers:
            known = Known(value["id"], f"ID_{len(self.experiments)}", call)
            self.experiments.append(known)
            self.outstanding.append(known)
        return value

    def ask(self, call):
        if call.method == "DELETE" and call.template == "/experiments/{id}":
            self.check_worker_logs(call.target.split("/")[2].split("?")[0])
        reply = self.send(call)
        return reply, self.judge(call, reply)

    # What is sent

    def burst(self):
        calls = [self.calls.any() for _ in range(self.rng.randint(2, 8))]
        calls = [call for call in calls if call.method != "DELETE"]
        for call, reply in zip(calls, self.send_all(calls)):
            self.judge(call, reply)

    def upload(self):
        table = Table(self.rng)
        reply, value = self.ask(self.calls.upload(table.body))
        if reply.status in (200, 201):
            table.id, table.name, table.call = value["id"], value["name"], self.last[-1]
            table.variable = f"DATA_{len(self.tables)}"
            self.tables[:] = [other for other in self.tables[-30:] if other.name != table.name] + [table]

    def submit(self):
        """An experiment; what is refused is mended where the refusal points, a few times."""
        tree = self.specs.make()
        for _ in range(self.rng.choice([1, 6, 6, 8])):
            needs = (self.specs.table,) if self.specs.table is not None else ()
            reply, value = self.ask(self.calls.experiment(self.specs.text(tree), needs))
            if reply.status != 422 or not isinstance(tree, dict):
                return
            tree = self.specs.mend(tree, value["errors"][0]["pointer"])

    def again(self):
        """The resolved spec of an experiment: it resolves to itself, and makes the same weights."""
        if not self.experiments:
            return
        known = self.rng.choice(self.experiments[-40:])
        reply, row = self.ask(Call("GET", f"/experiments/{known.id}", "/experiments/{id}", needs=(known,)))
        if reply.status != 200:
            return
        body = json.dumps(row["spec"]).encode()
        needs = known.call.needs
        reply, value = self.ask(Call("POST", "/experiments?validate_only=true", "/experiments", {}, body, needs))
        if reply.status == 200 and value["spec"] != row["spec"]:
            raise Finding(f"a resolved spec resolves to another: {row['spec']} to {value['spec']}", self.last[-1])
        if row["status"] == "succeeded" and reply.status == 200:
            weights, _ = self.ask(Call("GET", f"/experiments/{known.id}/weights", "/experiments/{id}/weights",
                                       needs=(known,)))
            reply, value = self.ask(Call("POST", "/experiments", "/experiments", {}, body, needs))
            if reply.status == 202 and weights.status == 200:
                self.expected[value["id"]] = learned(weights.body)

    def spoilt_upload(self):
        body = spoil_text(self.rng, Table(self.rng).body)
        self.ask(self.calls.upload(body[:60000]))

    def restart(self):
        """SIGTERM in the middle of the work, and up again: runs go on from their checkpoints."""
        self.stop()
        self.daemon.start()

    def step(self):
        draws = {self.submit: 30, self.upload: 6, self.spoilt_upload: 2, self.again: 4, self.burst: 2,
                 (lambda: self.ask(self.calls.odd())): 8, (lambda: self.ask(self.calls.any())): 48}
        self.rng.choices(list(draws), weights=draws.values())[0]()
        if not self.tables:
            self.upload()

    # Ends

    def settle(self, count):
        """Waits until no more than `count` experiments are left; cancels those that take long."""
        since, waited_for = time.monotonic(), None
        while len(self.outstanding) > count:
            known = self.outstanding[0]
            if known is not waited_for:
                since, waited_for = time.monotonic(), known
            call = Call("GET", f"/experiments/{known.id}", "/experiments/{id}", needs=(known,))
            reply, row = self.ask(call)
            if reply.status == 404:  # deleted
                self.outstanding.popleft()
            elif row["status"] in TERMINAL:
                self.outstanding.popleft()
                self.check_end(known, row)
            else:
                if time.monotonic() - since > END_SECONDS:
                    raise Finding(f"an experiment does not end: {row}", call)
                if row["status"] != "cancelling" and time.monotonic() - since > self.longest:
                    self.ask(Call("POST", f"{call.target}/cancel", f"{call.template}/cancel", needs=(known,)))
                time.sleep(0.005)

    def check_end(self, known, row):
        self.sent[f"{row['status']} {row['reason'] or ''}".strip()] += 1
        self.check_worker_logs(known.id)
        if row["status"] == "failed" and row["reason"] not in OURS:
            raise Finding(f"failed: {row['reason']}: {row['reason_message']}", known.call)
        if row["status"] == "failed" and row["reason"] == "invalid_data":
            self.sent[f"invalid_data: {row['reason_message']}"[:150]] += 1
        if row["status"] == "succeeded":
            try:
                self.check_results(known, row)
            except (AssertionError, ValueError, KeyError, IndexError) as error:
                raise Finding(f"results: {error!r}", known.call) from error

    def result(self, known, name, query=""):
        template = f"/experiments/{{id}}/{name}"
        reply, value = self.ask(Call("GET", f"/experiments/{known.id}/{name}{query}", template, needs=(known,)))
        return None if reply.status == 404 else (reply, value)  # deleted in a burst

    def check_results(self, known, row):
        found = [self.result(known, "metrics"), self.result(known, "metrics", "?format=csv"),
                 self.result(known, "weights"), self.result(known, "weights", "?format=json"),
                 self.result(known, "predictions"), self.result(known, "report"),
                 self.result(known, "events", "?limit=1000")]
        if None in found:
            return
        (_, metrics), (csv_reply, _), (weights, _), (_, tensors), (predictions, _), (report, _), (_, events) = found
        epochs, stop_loss = row["progress"]["epochs"], row["spec"]["training"]["stop_loss"]
        lines = metrics["metrics"]
        chooses = "validation_loss" if "validation_loss" in lines[0] else "test_loss"
        patience = row["spec"]["training"]["patience"]
        best = row["results"]["best_epoch"] or 0
        if lines[-1][chooses] < stop_loss or (patience > 0 and lines[-1]["epoch"] - best >= patience):
            epochs = row["progress"]["epoch"]
        assert all(line[chooses] >= stop_loss for line in lines[:-1])
        assert [line["epoch"] for line in metrics["metrics"]] == list(range(1, epochs + 1)), metrics
        assert row["progress"]["epoch"] == epochs
        assert metrics["metrics"][-1]["train_loss"] == row["results"]["train_loss"]
        assert len(check_results_csv(csv_reply.body)) == epochs + 1
        binary = check_safetensors(weights.body)
        assert binary.keys() == tensors["tensors"].keys()
        for name, (shape, values) in binary.items():
            assert tensors["tensors"][name]["shape"] == shape
            assert tuple(flat(tensors["tensors"][name]["values"])) == values, name
        trained = [values for name, (_, values) in binary.items() if ".running_" not in name]  # those are state
        assert sum(len(values) for values in trained) == row["model"]["parameters"]
        lines = check_results_csv(predictions.body)
        if row["spec"]["data"]["task"] != "words":  # of which there is a line for each scored position
            assert len(lines) - 1 == row["data"]["train"] + row["data"].get("validation", 0) + row["data"]["test"], len(lines)
        assert check_json(report.body)["history"][-1]["epoch"] == epochs
        assert events["terminal"] and {event["epoch"] for event in events["events"] if "epoch" in event} == set(
            range(1, epochs + 1)), events
        assert [event["to"] for event in events["events"] if "to" in event][-1] == row["status"]
        if known.id in self.expected:
            assert learned(weights.body) == self.expected[known.id], "the same spec made other weights"

    def end(self):
        self.settle(0)
        self.stop()
        self.check_worker_logs()

    def run(self, more):
        """Steps while more(their number); whatever is raised is a Finding or a fault of this program."""
        steps = 0
        while more(steps):
            self.settle(OUTSTANDING)
            self.step()
            steps += 1
            if steps % RESTART_EVERY == 0:
                self.restart()
        self.end()


def flat(values):
    return [x for item in values for x in flat(item)] if isinstance(values, list) else [values]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each round has one of its own")
    parser.add_argument("--steps", type=int, default=1000, help="of a round; a step is one request or a few")
    arguments = parser.parse_args()
    deadline = time.monotonic() + arguments.seconds
    seed, findings, total = arguments.seed, 0, collections.Counter()
    while time.monotonic() < deadline and findings < 20:
        folder = tempfile.mkdtemp(prefix=f"qlstm-fuzz-{seed}-")
        print(f"seed {seed}, {folder}", flush=True)
        fuzz = Fuzz(folder, seed)
        try:
            fuzz.run(lambda steps: steps < arguments.steps and time.monotonic() < deadline)
        except Finding as finding:
            findings += 1
            print(finding.text(), *("before: " + call.curl()[:1500] for call in fuzz.last), sep="\n", flush=True)
            print(fuzz.daemon.log()[-8000:], flush=True)
        finally:
            fuzz.kill()
        total += fuzz.sent
        seed += 1
    for what, count in sorted(total.items(), key=str):
        print(f"{count:8} {what}")
    print(f"{findings} findings")
    return findings > 0


if __name__ == "__main__":
    sys.exit(main())
