"""How much runs and waits at once: memory, the queue, quotas of keys; and a drain."""
from api_daemon import ENDLESS, poll, problem
from api_keys import Client, add_key, key_command

SPEC = {"type": "lstm", "hidden_size": 2, "training": {"epochs": 2}}
WIDE = {**ENDLESS, "n_qubits": 9}
MIB = 1 << 20


def bytes_of(daemon, spec):
    return daemon.post("/experiments?validate_only=true", spec).json()["engine"]["estimated_bytes"]


def wait_running(daemon, experiment):
    return daemon.wait(experiment, lambda row: row["status"] == "running")


def reason_of(daemon, experiment):
    return daemon.get(f"/experiments/{experiment}").json()["reason"]


def cancel(daemon, *experiments):
    for experiment in experiments:
        assert daemon.post(f"/experiments/{experiment}/cancel").status_code in (200, 202)
        daemon.wait(experiment)


def test_the_sum_of_planned_memory_stays_below_the_limit(make_daemon):
    wide, small = (bytes_of(make_daemon(), spec) for spec in (WIDE, SPEC))
    assert wide > small + MIB // 2 > 0
    daemon = make_daemon("--slots", "4", "--memory", str(2 * wide + small))
    first, second = daemon.submit(WIDE), daemon.submit(WIDE)
    for experiment in (first, second):
        assert wait_running(daemon, experiment)["engine"]["estimated_bytes"] == wide
    third, fourth = daemon.submit(WIDE), daemon.submit(SPEC)
    row = daemon.wait(third, lambda row: row["reason"] is not None)
    assert (row["status"], row["reason"], row["progress"]["queue_position"]) == ("queued", "waits_for_memory", 1)
    assert row["reason_message"] == (f"it will take {wide / MIB:.1f} MiB, and beside what runs there is room for "
                                     f"{small / MIB:.1f}")
    assert daemon.get(f"/experiments/{fourth}").json()["status"] == "queued"  # though it would fit
    metrics = daemon.get("/metrics").text
    assert f"qlstmd_workers_planned_bytes {2 * wide}\n" in metrics
    assert f"qlstmd_memory_bytes {2 * wide + small}\n" in metrics
    cancel(daemon, first)
    assert wait_running(daemon, third)["reason"] is None
    assert daemon.wait(fourth)["status"] == "succeeded"  # there are slots and room
    steps = [(e.get("from"), e["to"], e.get("reason")) for e in daemon.get(f"/experiments/{third}/events").json()["events"]
             if e["type"] == "status"]
    assert steps == [(None, "queued", None), ("queued", "queued", "waits_for_memory"), ("queued", "running", None)]
    cancel(daemon, second, third)


def test_what_is_too_large_alone(make_daemon):
    """Refused with field, value and limit; accepted before a restart with less, it ends, and may be tried again."""
    wide = bytes_of(make_daemon(), WIDE)
    limit = wide - MIB // 64
    daemon = make_daemon("--memory", str(limit))
    message = problem(daemon.post("/experiments", WIDE), 422, "too_large", "/n_qubits")
    assert message.startswith("n_qubits is 9; ") and f"allowed are {limit >> 20} MiB" in message
    daemon = make_daemon("--slots", "1")
    waiting = daemon.submit(WIDE)
    wait_running(daemon, waiting)
    assert daemon.post(f"/experiments/{waiting}/pause").status_code == 202
    daemon.wait(waiting, lambda row: row["status"] == "paused")
    assert daemon.stop() == 0
    daemon.options += ("--memory", str(limit))
    daemon.start()
    assert daemon.post(f"/experiments/{waiting}/resume").status_code == 202
    row = daemon.wait(waiting)
    assert (row["status"], row["reason"]) == ("failed", "out_of_memory")
    assert row["reason_message"].endswith(f"all that run together may take {limit >> 20} (--memory)")
    assert daemon.train(SPEC)
    assert daemon.stop() == 0
    daemon.options = ("--slots", "1")
    daemon.start()
    assert daemon.post(f"/experiments/{waiting}/retry").status_code == 202
    wait_running(daemon, waiting)
    cancel(daemon, waiting)


def test_the_queue_has_a_limit(make_daemon):
    """What is resumed or retried counts as what is posted; requests that wait for nothing do not."""
    daemon = make_daemon("--slots", "1", "--queue", "2")
    running = daemon.submit(ENDLESS)
    wait_running(daemon, running)
    paused, failed = daemon.submit(SPEC), daemon.submit(SPEC)
    assert daemon.post(f"/experiments/{paused}/pause").json()["status"] == "paused"
    cancel(daemon, failed)
    waiting = [daemon.submit(SPEC) for _ in range(2)]
    for path in ("/experiments", f"/experiments/{paused}/resume", f"/experiments/{failed}/retry"):
        reply = daemon.post(path, SPEC if path == "/experiments" else None)
        assert problem(reply, 503, "unavailable") == "2 experiments are waiting already"
        assert int(reply.headers["Retry-After"]) >= 1
    assert [daemon.get(f"/experiments/{e}").json()["status"] for e in (paused, failed)] == ["paused", "cancelled"]
    assert daemon.post(f"/experiments/{waiting[0]}/resume").status_code == 200
    cancel(daemon, waiting[0])
    assert daemon.post(f"/experiments/{failed}/retry").status_code == 202
    cancel(daemon, waiting[1])
    assert daemon.post(f"/experiments/{paused}/resume").status_code == 202
    cancel(daemon, failed, paused, running)


def test_quotas_hold_for_what_waits_again(make_daemon):
    daemon = make_daemon("--slots", "1")
    blocker = daemon.submit(ENDLESS)
    wait_running(daemon, blocker)
    alice = Client(daemon, add_key(daemon, "alice", "submit", None, "--max-queued", "1"))
    paused = alice.submit(SPEC)
    assert alice.post(f"/experiments/{paused}/pause").json()["status"] == "paused"
    retried = alice.submit(SPEC)
    cancel(alice, retried)
    waiting = alice.submit(SPEC)
    for path in (f"/experiments/{paused}/resume", f"/experiments/{retried}/retry"):
        reply = alice.post(path)
        assert problem(reply, 429, "too_many") == "1 experiments of 'alice' are waiting already"
        assert int(reply.headers["Retry-After"]) >= 1
    assert daemon.post(f"/experiments/{retried}/retry").status_code == 202  # who has no quota may
    cancel(daemon, waiting, retried)
    assert alice.post(f"/experiments/{paused}/resume").status_code == 202
    cancel(daemon, paused, blocker)


def test_how_many_of_an_owner_run(make_daemon):
    daemon = make_daemon("--slots", "3")
    alice = Client(daemon, add_key(daemon, "alice", "submit", None, "--max-running", "1"))
    bob = Client(daemon, add_key(daemon, "bob"))
    first = alice.submit(ENDLESS)
    wait_running(alice, first)
    second, third = alice.submit(ENDLESS), bob.submit(ENDLESS)
    wait_running(bob, third)  # it overtakes
    row = alice.wait(second, lambda row: row["reason"] is not None)
    assert (row["status"], row["reason"]) == ("queued", "waits_for_quota")
    assert row["reason_message"] == "1 experiments of 'alice' run already; the key it was made with allows 1"
    assert daemon.stop() == 0
    daemon.start()  # it is not the key that is asked
    wait_running(alice, first)
    poll(lambda: reason_of(alice, second) == "waits_for_quota", "it waits again")
    cancel(alice, first)
    assert wait_running(alice, second)["reason"] is None
    cancel(daemon, second, third)
    root = Client(daemon, add_key(daemon, "root", "admin"))
    made = root.post("/keys", {"name": "carol", "max_running": 3}).json()
    assert made["max_running"] == 3 and made["max_queued"] is None
    assert {key["name"]: key["max_running"] for key in root.get("/keys").json()["keys"]} == {
        "alice": 1, "bob": None, "root": None, "carol": 3}
    problem(root.post("/keys", {"name": "dora", "max_running": 0}), 422, "out_of_range", "/max_running")
    assert "--max-running" in key_command(daemon, "add", "x", "--max-running", "0", status=2)[1]


def test_drain_until_all_has_ended(make_daemon):
    daemon = make_daemon("--slots", "1")
    running = daemon.submit({**SPEC, "hidden_size": 8, "training": {"epochs": 3000}})
    wait_running(daemon, running)
    waiting = daemon.submit(SPEC)
    assert daemon.get("/drain").json() == {"draining": False, "since": None, "running": 1, "queued": 1}
    state = daemon.post("/drain").json()
    assert state["draining"] and state["since"] and (state["running"], state["queued"]) == (1, 1)
    assert "drained" in problem(daemon.get("/readyz"), 503, "unavailable")
    assert daemon.get("/healthz").json()["draining"] is True
    reply = daemon.post("/experiments", SPEC)
    assert "DELETE /drain" in problem(reply, 503, "unavailable") and reply.headers["Retry-After"]
    assert daemon.post("/experiments?validate_only=true", SPEC).status_code == 200
    assert daemon.wait(running)["status"] == "succeeded"
    poll(lambda: daemon.get("/drain").json()["running"] == 0, "nothing runs")
    assert daemon.get(f"/experiments/{waiting}").json()["status"] == "queued"
    assert daemon.post("/drain").json()["since"] == state["since"]
    assert "qlstmd_draining 1\n" in daemon.get("/metrics").text
    assert daemon.request("DELETE", "/drain").json()["draining"] is False
    assert daemon.wait(waiting)["status"] == "succeeded"
    assert daemon.get("/readyz").status_code == 200 and daemon.train(SPEC)
    problem(daemon.post("/drain?running=stop"), 400, "out_of_range")


def test_drain_by_checkpoints(make_daemon):
    """What runs goes back to the queue, also across a restart, which ends the drain."""
    daemon = make_daemon("--slots", "2", "--checkpoint", "0")
    experiments = [daemon.submit(ENDLESS) for _ in range(2)]
    for experiment in experiments:
        daemon.wait(experiment, lambda row: row["progress"]["epoch"] >= 2)
    assert daemon.post("/drain").json()["running"] == 2
    assert daemon.post("/drain?running=checkpoint").status_code == 200
    poll(lambda: daemon.get("/drain").json()["running"] == 0, "nothing runs")
    for experiment in experiments:
        row = daemon.get(f"/experiments/{experiment}").json()
        assert (row["status"], row["reason"], row["attempt"]) == ("queued", "shutdown", 1)
    assert daemon.stop() == 0
    daemon.start()
    for experiment in experiments:
        daemon.wait(experiment, lambda row: row["attempt"] == 2 and row["progress"]["epoch"] >= 3)
    cancel(daemon, *experiments)


def test_checkpoints_by_epochs(make_daemon):
    """After every third epoch, though no time is over; the last two are kept, and the run resumes from them."""
    daemon = make_daemon("--slots", "1", "--checkpoint", "86400", "--checkpoint-epochs", "3")
    experiment = daemon.submit(ENDLESS)
    daemon.wait(experiment, lambda row: row["progress"]["epoch"] >= 10)

    def kept():
        return sorted(int(path.name[11:-12]) for path in daemon.data.rglob("attempt-1/checkpoint-*.safetensors"))

    epochs = poll(lambda: kept() if len(kept()) == 2 else None, "two files")
    assert epochs[1] - epochs[0] == 3 and epochs[0] % 3 == 0 and epochs[1] >= 9
    daemon.process.kill()
    daemon.process.wait()
    daemon.start()
    poll(lambda: list(daemon.data.rglob("attempt-2/checkpoint-*.safetensors")), "the checkpoint that it goes on from")
    daemon.wait(experiment, lambda row: row["attempt"] == 2 and row["progress"]["epoch"] >= 15)
    assert "starting from the beginning" not in next(daemon.data.rglob("attempt-2/worker.log")).read_text()
    cancel(daemon, experiment)
