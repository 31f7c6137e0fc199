"""Logs of every attempt: paged, live, kept."""
from api_daemon import poll, problem

WORKER = r"""#!/bin/sh
case "$PWD" in
*attempt-1) printf 'raw \033[31m words' >&2; exit 9;;
*attempt-2) for i in 1 2 3 4 5; do echo '{"type":"log","level":"info","message":"line '$i'"}'; done; exit 9;;
*) echo '{"type":"log","level":"warning","message":"third"}'; while true; do sleep 0.1; done;;
esac
"""


def pages(daemon, experiment, **query):
    """All there is, page by page, and the last page."""
    lines, after = [], 0
    while True:
        page = daemon.get(f"/experiments/{experiment}/logs", params={"after": after, **query}).json()
        lines += page["lines"]
        if page["after"] == after:
            return lines, page
        after = page["after"]


def test_logs_of_every_attempt(make_daemon, tmp_path):
    script = tmp_path / "worker"
    script.write_text(WORKER)
    script.chmod(0o755)
    daemon = make_daemon("--worker", str(script), "--slots", "1", "--grace", "1")
    experiment = daemon.submit({"limits": {"max_attempts": 3}})
    path = f"/experiments/{experiment}/logs"
    poll(lambda: daemon.get(path).json()["lines"] == ["warning third"], "the third speaks")
    lines, page = pages(daemon, experiment)
    assert (lines, page["attempt"], page["complete"]) == (["warning third"], 3, False)  # it runs
    assert pages(daemon, experiment, attempt=1)[0] == ["raw  [31m words"]  # no end of line, and nothing comes any more
    lines, page = pages(daemon, experiment, attempt=2, limit=2)
    assert lines == [f"info line {i}" for i in range(1, 6)]
    assert page["attempt"] == 2 and page["complete"] and page["experiment"] == experiment
    first = daemon.get(path, params={"attempt": 2, "limit": 2}).json()
    assert len(first["lines"]) == 2 and not first["complete"]
    events = daemon.get(f"/experiments/{experiment}/events").json()["events"]
    assert [e["message"] for e in events if e["type"] == "log"] == [f"line {i}" for i in range(1, 6)] + ["third"]
    problem(daemon.get(path + "?attempt=4"), 404, "not_found")
    problem(daemon.get(path + "?attempt=0"), 400, "out_of_range")
    waiting = daemon.submit({})
    page = daemon.get(f"/experiments/{waiting}/logs").json()
    assert (page["attempt"], page["lines"], page["complete"]) == (0, [], False)
    daemon.post(f"/experiments/{waiting}/cancel")
    daemon.post(f"/experiments/{experiment}/cancel")
    daemon.wait(experiment)
    assert pages(daemon, experiment)[1]["complete"]


def test_logs_of_a_real_worker(daemon):
    experiment = daemon.train({"training": {"epochs": 2}})["id"]
    page = daemon.get(f"/experiments/{experiment}/logs").json()
    assert page["complete"] and page["attempt"] == 1
