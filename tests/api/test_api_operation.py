"""What operators look at, and what the command line takes."""
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest
import requests

import api_daemon
from api_daemon import BUILD, DEADLINE, ENDLESS, Daemon, poll, problem, read_safetensors


def children(pid):
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def parse_prometheus(text):
    """{name{labels}: value}; checks that each sample's family has HELP and TYPE before it."""
    samples, families = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            families[name] = kind
        elif not line.startswith("#"):
            match = re.fullmatch(r'([a-z_]+)(\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})? ([0-9.e+-]+)', line)
            assert match, line
            assert families[match[1]] == ("counter" if match[1].endswith("_total") else "gauge")
            samples[match[1] + (match[2] or "")] = float(match[3])
    return samples


def test_metrics(make_daemon):
    daemon = make_daemon("--slots", "2")
    daemon.train({"hidden_size": 1, "n_qubits": 1, "training": {"epochs": 1}})
    daemon.get("/nothing")

    def look():
        reply = daemon.get("/metrics")
        assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        samples = parse_prometheus(reply.text)
        return samples if samples["qlstmd_workers_busy"] == 0 else None

    samples = poll(look, "the run is counted, which follows its end in the store")
    assert samples['qlstmd_experiments{status="succeeded"}'] == 1
    assert samples["qlstmd_worker_slots"] == 2
    assert samples["qlstmd_attempts_started_total"] == 1
    assert samples['qlstmd_attempts_ended_total{result="succeeded"}'] == 1
    assert samples['qlstmd_http_replies_total{class="4xx"}'] == 1
    assert samples["qlstmd_store_commits_total"] >= 1


def test_health(daemon):
    assert daemon.get("/healthz").json()["status"] == "ok"
    assert daemon.get("/readyz").json() == {"status": "ready"}
    version = daemon.get("/version").json()
    assert version["name"] == "qlstmd" and re.fullmatch(r"\d+\.\d+\.\d+", version["version"])


def test_one_log_line_a_request(make_daemon):
    daemon = make_daemon()
    daemon.get("/version")
    daemon.request("HEAD", "/nothing?secret=1")
    def lines():
        found = [json.loads(line) for line in daemon.log().splitlines()]
        return found if len(found) >= 2 else None
    first, second = poll(lines, "two log lines")
    assert (first["level"], first["method"], first["path"], first["status"]) == ("access", "GET", "/version", 200)
    assert (second["method"], second["path"], second["status"]) == ("HEAD", "/nothing", 404)
    assert first["remote"] == "127.0.0.1" and first["ms"] >= 0 and first["bytes"] > 0


def test_stop_checkpoints_and_ends_with_0(make_daemon):
    """The run goes on behind its checkpoint, and ends with the bytes of one that was never stopped."""
    daemon = make_daemon()
    spec = {"hidden_size": 2, "n_qubits": 2, "training": {"epochs": 4000, "shuffle": True}}
    experiment = daemon.submit(spec)
    before = daemon.wait(experiment, lambda row: row["progress"]["epoch"] > 0)
    assert daemon.stop() == 0
    assert not before["terminal"]
    checkpoints = list(daemon.data.rglob("checkpoint-*.safetensors"))
    epochs = [int(read_safetensors(path.read_bytes())[1]["epoch"]) for path in checkpoints]
    assert epochs and max(epochs) >= 1
    daemon.start()
    row = daemon.wait(experiment)
    assert row["status"] == "succeeded" and row["progress"]["epoch"] == 4000
    report = daemon.get(row["links"]["report"]).json()
    assert report["resumed_from"] == max(epochs)
    assert [line["epoch"] for line in report["history"]] == list(range(1, 4001))
    whole = daemon.train(spec)
    assert daemon.get(whole["links"]["report"]).json()["resumed_from"] == 0
    for name in ("weights", "predictions"):
        assert daemon.get(whole["links"][name]).content == daemon.get(row["links"][name]).content


def test_one_daemon_a_data_directory(make_daemon):
    daemon = make_daemon()
    second = subprocess.run([BUILD / "qlstmd", "--data", daemon.data, "--listen", "127.0.0.1:0"], capture_output=True,
                            text=True, timeout=DEADLINE)
    assert second.returncode == 1 and "store:" in second.stderr


@pytest.mark.parametrize("options, words", [
    (["--listen", "0.0.0.0:0"], "--allow-remote"),
    (["--listen", "0.0.0.0:0"], "a container whose port is published on the host's loopback only, --published-on-loopback"),
    (["--listen", "[::]:0"], "--published-on-loopback"),
    (["--published-on-loopback"], "--listen 0.0.0.0:8080 with it, not 127.0.0.1:8080"),
    (["--published-on-loopback", "--listen", "192.0.2.1:80"], "--listen 0.0.0.0:80 with it"),
    (["--health", "example.com:80"], "IP address"),
    (["--health", "127.0.0.1:0"], "127.0.0.1:0"),
    (["--health"], "--health needs ADDRESS:PORT"),
    (["--listen", "example.com:80"], "IP address"),
    (["--listen", "127.0.0.1:70000"], "127.0.0.1:70000"),
    (["--slot", "2"], "did you mean --slots?"),
    (["--slots", "0"], "1 to 1024"),
    (["--slots"], "--slots needs N"),
    (["--slots=0"], "--slots 0: allowed are 1 to 1024"),
    (["--slots="], "1 to 1024"),
    (["--help=1"], "--help takes no value"),
    (["--slots==2"], "--slots =2"),
    (["--max-memory", "lots"], "512M"),
    (["--worker", "/nonexistent"], "/nonexistent"),
    (["--isa", "z80"], "'z80' is no instruction set of this program"),
])
def test_wrong_options(options, words, tmp_path):
    run = subprocess.run([BUILD / "qlstmd", "--data", tmp_path, *options], capture_output=True, text=True,
                         timeout=DEADLINE)
    assert run.returncode == 2 and words in run.stderr and run.stdout == ""


def test_taken_port(daemon, tmp_path):
    run = subprocess.run([BUILD / "qlstmd", "--data", tmp_path, "--listen", f"127.0.0.1:{daemon.port}"],
                         capture_output=True, text=True, timeout=DEADLINE)
    assert run.returncode == 1 and "cannot listen" in run.stderr


def test_help_names_every_option():
    run = subprocess.run([BUILD / "qlstmd", "--help"], capture_output=True, text=True, timeout=DEADLINE)
    assert run.returncode == 0
    for option in ["--data", "--listen", "--published-on-loopback", "--slots", "--worker", "--isa", "--speed", "--max-memory", "--grace",
                   "--health", "--version"]:
        assert option in run.stdout


def test_the_speed_of_the_machine_is_measured_or_said(make_daemon, monkeypatch):
    monkeypatch.setattr(api_daemon, "SPEED", ())
    measured = make_daemon().get("/version").json()["speed"]
    assert 0.01 <= measured < 1000
    said = make_daemon("--speed", "50")
    assert said.get("/version").json()["speed"] == 0.5


def test_the_instruction_set_is_that_of_the_workers(make_daemon):
    widest = make_daemon().get("/version").json()["isa"]
    name = {"x86-64-v4": "x86-64-v3", "x86-64-v3": "x86-64"}.get(widest, widest)
    daemon = make_daemon("--isa", name)
    assert daemon.get("/version").json()["isa"] == name
    row = daemon.train({"model": {"type": "lstm", "hidden_size": 2}, "training": {"epochs": 1}})
    assert row["engine"]["isa"] == name
    assert daemon.get(f"/experiments/{row['id']}/report").json()["engine"]["isa"] == name


def test_ipv6(tmp_path):
    daemon = Daemon(tmp_path)
    process = subprocess.Popen([str(BUILD / "qlstmd"), "--data", str(daemon.data), "--listen", "[::1]:0"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=DEADLINE)
    if "cannot listen" in log:
        pytest.skip("no IPv6 on this machine")
    assert re.fullmatch(r"listening on http://\[::1\]:\d+\n", line) and process.returncode == 0


def test_draining_is_not_ready(make_daemon):
    """Between SIGTERM and the end, which a worker that does not react holds up."""
    daemon = make_daemon("--grace", "300")
    experiment = daemon.submit(ENDLESS)
    daemon.wait(experiment, lambda row: row["progress"]["epoch"] > 0)
    clients = [requests.Session() for _ in range(4)]
    for client in clients:  # they are connected: nobody is let in any more afterwards
        assert client.get(daemon.url + "/readyz").json() == {"status": "ready"}
    (worker,) = children(daemon.process.pid)
    os.kill(worker, signal.SIGSTOP)
    daemon.process.send_signal(signal.SIGTERM)
    poll(lambda: '"message":"stopping"' in daemon.log(), "the signal is seen")
    ready = clients[0].get(daemon.url + "/readyz")
    assert "shutting down" in problem(ready, 503, "unavailable")
    assert ready.headers["Retry-After"] == "5" and ready.headers["Connection"] == "close"
    refused = clients[1].post(daemon.url + "/experiments", json={})
    problem(refused, 503, "unavailable")
    assert refused.headers["Retry-After"] == "5"
    assert clients[2].get(daemon.url + "/healthz").status_code == 200
    assert clients[3].get(daemon.url + f"/experiments/{experiment}").json()["status"] == "running"
    with pytest.raises(requests.ConnectionError):
        requests.get(daemon.url + "/healthz", timeout=DEADLINE)
    os.kill(worker, signal.SIGCONT)
    assert daemon.process.wait(timeout=DEADLINE) == 0
    daemon.process.stdout.close()
    daemon.start()  # the run went back to the queue, and its epochs count
    row = daemon.wait(experiment, lambda row: row["status"] == "running")
    assert row["attempt"] == 2 and row["progress"]["epoch"] > 0
    daemon.post(f"/experiments/{experiment}/cancel")
    daemon.wait(experiment)


def test_problems_are_explained(daemon):
    explained = daemon.get("/problems/unavailable").json()
    assert explained["status"] == 503 and explained["name"] == "unavailable" and "Retry-After" in explained["meaning"]
    problem(daemon.get("/problems/nonsense"), 404, "not_found")


def test_threads_are_shared_out_among_the_experiments_that_run(make_daemon):
    daemon = make_daemon("--slots", "2", "--threads", "6")
    threads = lambda row: daemon.get(row["links"]["report"]).json()["timings"]["threads"]
    alone = daemon.wait(daemon.submit({"hidden_size": 1, "n_qubits": 1, "training": {"epochs": 1}}))
    assert threads(alone) == 6
    first = daemon.submit(ENDLESS)
    daemon.wait(first, lambda row: row["status"] == "running")
    second = daemon.wait(daemon.submit({"hidden_size": 1, "n_qubits": 1, "training": {"epochs": 1}}))
    assert threads(second) == 3
    daemon.post(f"/experiments/{first}/cancel")
    daemon.wait(first)
