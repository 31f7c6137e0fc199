"""The image and docker/compose.yaml as they are, with a real engine: built, brought up, killed, stopped, taken down.

Run by `make test-docker`, through engine.sh and base.sh, which see to the engine and to debian:12-slim. The tests build
on each other, from the first to the last."""
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import time

import pytest
import requests

import readme
from api_daemon import ROOT, TERMINAL, Daemon, poll, read_safetensors

IMAGE = f"qlstmd-test-{os.getpid()}"
BASE = "debian:12-slim"
COMPOSE_FILE = ROOT / "docker" / "compose.yaml"
PATIENCE, BUILD_PATIENCE = 900, 3600  # seconds, for a machine with other work
LARGEST = 15e6  # bytes on top of the base
SHORT = {"hidden_size": 1, "n_qubits": 1, "training": {"epochs": 1}}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


PORT = free_port()
CPUS = min(2, os.cpu_count())
ENVIRONMENT = {**os.environ, "QLSTM_IMAGE": IMAGE, "QLSTM_PORT": str(PORT), "QLSTM_CPUS": str(CPUS),
               "QLSTM_CHECKPOINT": "1", "COMPOSE_PROJECT_NAME": IMAGE}


def run(*words, check=True, timeout=PATIENCE, **arguments):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT,
                          timeout=timeout, **arguments)
    said = f"{words}: {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    assert not check or done.returncode == 0, said
    return done


def docker(*words, **arguments):
    return run("docker", *words, **arguments)


def answers(*words):
    try:
        return run(*words, check=False).returncode == 0
    except FileNotFoundError:
        return False


# What there is of the two that compose.yaml is written for; the first does the work, both are tried.
COMPOSES = [words for words in (["docker-compose"], ["docker", "compose"]) if answers(*words, "version")]


def compose(*words, program=None, files=(COMPOSE_FILE,), **arguments):
    return run(*(program or COMPOSES[0]), *(word for file in files for word in ("-f", file)), *words, **arguments)


def inspect(what, kind="container"):
    return json.loads(docker("inspect", "--type", kind, what).stdout)[0]


def say(text):
    print(f"\n  {text}", flush=True)


class Service(Daemon):
    """The container as compose made it; the daemon in it as the other tests know theirs."""

    def __init__(self):
        self.url, self.port = f"http://127.0.0.1:{PORT}", PORT

    @property
    def container(self):
        return compose("ps", "-q", "qlstmd").stdout.strip()

    def up(self):
        compose("up", "-d")
        self.wait_ready()

    def wait_ready(self):
        def ready():
            try:
                return self.get("/readyz").status_code == 200
            except requests.RequestException:
                return False
        poll(ready, "the service is ready", PATIENCE)

    def wait(self, experiment, until=lambda row: row["terminal"]):
        def look():
            row = self.get(f"/experiments/{experiment}").json()
            return row if until(row) else None
        return poll(look, f"experiment {experiment}", PATIENCE)

    def inside(self, *words, **arguments):
        return docker("exec", self.container, *words, **arguments)

    def tensors(self, experiment):
        """Names and shapes, and the bytes of the tensors."""
        data = self.get(f"/experiments/{experiment}/weights").content
        (length,) = struct.unpack("<Q", data[:8])
        return {name: shape for name, (shape, _) in read_safetensors(data)[0].items()}, data[8 + length:]

    def has_checkpoint(self, experiment, attempt):
        found = self.inside("sh", "-c", f"ls /data/runs/{experiment}/attempt-{attempt}", check=False).stdout
        return any(name.startswith("checkpoint") for name in found.split())


@pytest.fixture(scope="module", autouse=True)
def image():
    """Built as a user builds it, but over the machine's own network: an engine of engine.sh has no other."""
    begin = time.monotonic()
    run("make", "image", f"IMAGE={IMAGE}", "IMAGE_FLAGS=--network=host --force-rm",
        timeout=BUILD_PATIENCE)
    say(f"image built in {time.monotonic() - begin:.0f} s")
    yield IMAGE
    compose("down", "-v", "--remove-orphans", check=False)
    docker("rmi", "-f", IMAGE, check=False)


@pytest.fixture(scope="module")
def service():
    return Service()


@pytest.fixture(scope="module")
def undisturbed(service):
    """(spec, tensors) of a training of about 40 seconds; a checkpoint comes every second."""
    spec = {"hidden_size": 6, "training": {"epochs": 5000, "shuffle": True, "optimizer": {"type": "adam"}}}
    seconds = service.train(spec)["timings"]["train_seconds"]
    spec["training"]["epochs"] = min(100000, int(5000 * 40 / seconds))
    row = service.train(spec)
    say(f"undisturbed: {row['progress']['epochs']} epochs in {row['timings']['train_seconds']:.1f} s")
    return spec, service.tensors(row["id"])


def version():
    return re.search(r'QLSTM_VERSION "(.+)"', (ROOT / "engine" / "qlstm.h").read_text())[1]


def test_size():
    whole, base = inspect(IMAGE, "image")["Size"], inspect(BASE, "image")["Size"]
    say(f"{BASE} {base / 1e6:.1f} MB, image {whole / 1e6:.1f} MB: {(whole - base) / 1e6:.1f} MB on top of the base")
    assert 0 < whole - base <= LARGEST


def test_labels_and_settings():
    config = inspect(IMAGE, "image")["Config"]
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in config["Labels"].items()}
    assert labels["version"] == version() and labels["title"] == "qlstmd" and labels["licenses"] == "Apache-2.0"
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels["revision"])
    assert config["User"] == "10001:10001" and config["StopSignal"] == "SIGTERM" and "/data" in config["Volumes"]
    assert config["Healthcheck"]["Test"] == ["CMD", "qlstmd", "--health", "127.0.0.1:8080"]


def test_another_version_is_refused():
    done = docker("build", "--network=host", "--force-rm", "-f", "docker/Dockerfile", "--build-arg", "VERSION=9.9.9",
                  ".", check=False)
    assert done.returncode != 0 and "grep -F" in done.stdout + done.stderr


def test_what_is_in_it():
    said = docker("run", "--rm", "--network=none", IMAGE, "--version").stdout
    assert said.startswith(f"qlstmd {version()} (")
    look = "command -v curl wget gcc cc make; ls /usr/local/share/qlstmd/recipes /src /out"
    found = docker("run", "--rm", "--network=none", "--entrypoint", "sh", IMAGE, "-c", look, check=False).stdout.split()
    assert sorted(found[1:]) == sorted(path.name for path in (ROOT / "schema" / "recipes").glob("*.json"))
    described = docker("run", "--rm", "--network=none", "--read-only", "--entrypoint", "qlstm-worker", IMAGE,
                       "describe", "/usr/local/share/qlstmd/recipes/damped_shm_chen2020.json").stdout
    assert "parameters" in described


def test_alone_it_refuses_to_be_reached():
    done = docker("run", "--rm", "--network=none", IMAGE, check=False)
    assert done.returncode == 2 and "--published-on-loopback" in done.stderr and "--allow-remote" in done.stderr


@pytest.mark.parametrize("program", COMPOSES, ids=" ".join)
def test_compose_reads_the_file(program):
    text = compose("config", program=program).stdout
    assert f"{PORT}" in text and "unless-stopped" in text


def test_up_and_healthy(service):
    service.up()
    status = lambda: inspect(service.container)["State"]["Health"]["Status"]
    poll(lambda: status() == "healthy", "the health check says healthy", PATIENCE)
    last = inspect(service.container)["State"]["Health"]["Log"][-1]
    assert (last["ExitCode"], last["Output"]) == (0, "")
    assert service.get("/version").json()["version"] == version()


def test_limits(service):
    container = inspect(service.container)
    host = container["HostConfig"]
    assert (host["NanoCpus"], host["Memory"], host["PidsLimit"]) == (CPUS * 1_000_000_000, 4 << 30, 512)
    assert host["RestartPolicy"]["Name"] == "unless-stopped" and host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"] and not host.get("Init") and not host["Privileged"]
    assert container["Config"]["StopTimeout"] == 30
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    assert f"qlstmd_worker_slots {CPUS}\n" in service.get("/metrics").text


def test_only_this_machine_reaches_it(service):
    bindings = inspect(service.container)["HostConfig"]["PortBindings"]
    assert bindings == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(PORT)}]}
    for address in run("hostname", "-I").stdout.split():
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as connection:
            assert connection.connect_ex((address, PORT)) != 0, f"{address}:{PORT} answers"


def test_root_is_read_only_and_nobody_is_root(service):
    assert service.inside("id", "-u").stdout.strip() == "10001"
    for place in ("/", "/tmp", "/usr/local/bin", "/etc"):
        done = service.inside("touch", f"{place}/x", check=False)
        assert done.returncode != 0 and "Read-only file system" in done.stderr
    service.inside("sh", "-c", "touch /data/x && rm /data/x")
    status = service.inside("cat", "/proc/1/status").stdout
    assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.M)
    assert re.search(r"^CapBnd:\t0+$", status, re.M) and re.search(r"^NoNewPrivs:\t1$", status, re.M)


def test_process_1_buries_orphans(service):
    assert service.inside("readlink", "/proc/1/exe").stdout.strip() == "/usr/local/bin/qlstmd"
    service.inside("sh", "-c", "sleep 0.1 & sleep 0.2 & :")
    service.train(SHORT)
    look = r"grep -h '^State:' /proc/[0-9]*/status; for p in /proc/[0-9]*; do readlink $p/exe; done"

    def all_gone():
        seen = service.inside("sh", "-c", look).stdout
        return "zombie" not in seen and "bin/sleep" not in seen and "qlstm-worker" not in seen
    poll(all_gone, "no dead process and no orphan is left", PATIENCE)


def test_killed_twice(service, undisturbed):
    """SIGKILL for process 1, and the engine starts the container again; SIGKILL by the engine, and `up` does. The
    experiment ends with the bytes of one that nobody disturbed."""
    spec, expected = undisturbed
    experiment = service.submit(spec)
    row = service.wait(experiment, lambda row: row["progress"]["epoch"] > 0)
    assert row["status"] == "running"
    if os.geteuid() == 0:
        os.kill(inspect(service.container)["State"]["Pid"], signal.SIGKILL)
        poll(lambda: inspect(service.container)["RestartCount"] == 1, "the engine starts it again", PATIENCE)
        service.wait_ready()
    else:
        docker("restart", "-t", "0", service.container)
    service.wait(experiment, lambda row: row["attempt"] == 2 and row["status"] == "running")
    poll(lambda: service.has_checkpoint(experiment, 2), "a checkpoint", PATIENCE)
    assert service.get(f"/experiments/{experiment}").json()["status"] == "running"
    docker("kill", "--signal", "KILL", service.container)
    assert inspect(service.container)["State"]["ExitCode"] == 137
    service.up()
    row = service.wait(experiment)
    say(f"killed twice: {row['status']} at attempt {row['attempt']}")
    assert row["status"] == "succeeded" and row["attempt"] == 3
    assert service.tensors(experiment) == expected


def transitions(service, experiment, folder):
    """Of the data of a container that does not run."""
    docker("cp", f"{service.container}:/data", folder)
    db = sqlite3.connect(folder / "data" / "qlstmd.db")
    try:
        return db.execute("SELECT to_status, reason FROM transition WHERE experiment_id = ? ORDER BY seq",
                          (experiment,)).fetchall()
    finally:
        db.close()


def test_stopped(service, undisturbed, tmp_path):
    """`docker stop`: status 0 within the grace time, the run back in the queue; later it ends with the same bytes."""
    spec, expected = undisturbed
    experiment = service.submit(spec)
    service.wait(experiment, lambda row: row["progress"]["epoch"] > 0)
    begin = time.monotonic()
    docker("stop", service.container)
    took = time.monotonic() - begin
    state = inspect(service.container)["State"]
    say(f"docker stop: {took:.1f} s, status {state['ExitCode']}")
    assert (state["Status"], state["ExitCode"], state["OOMKilled"]) == ("exited", 0, False), "past its time: 137"
    assert transitions(service, experiment, tmp_path)[-1] == ("queued", "shutdown")
    service.up()
    row = service.wait(experiment)
    assert (row["status"], row["attempt"]) == ("succeeded", 2)
    assert service.tensors(experiment) == expected


def test_down_keeps_the_data(service):
    before = service.get("/experiments").json()["experiments"]
    compose("down")
    service.up()
    after = service.get("/experiments").json()["experiments"]
    assert [row["id"] for row in after] == [row["id"] for row in before] != []
    assert all(row["status"] in TERMINAL for row in after)


def test_the_readme_lines(service, tmp_path):
    readme.check(service, tmp_path)


@pytest.mark.parametrize("program", COMPOSES, ids=" ".join)
def test_compose_builds(program, service, tmp_path):
    """`up --build` without `make image`: the same from compose.yaml's own words, the labels' version apart."""
    override = tmp_path / "network.yaml"
    override.write_text("services:\n  qlstmd:\n    build:\n      network: host\n")
    compose("up", "-d", "--build", program=program, files=(COMPOSE_FILE, override), timeout=BUILD_PATIENCE)
    service.wait_ready()
    service.train(SHORT)
    compose("down", program=program)


def test_nothing_else_travels(tmp_path):
    """.dockerignore: what is no source of the image is no part of the context."""
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nWORKDIR /context\nCOPY . .\nRUN find . -type f >/list\n")
    tree = tmp_path / "tree"
    for path in run("git", "ls-files", "-co", "--exclude-standard").stdout.split("\n"):
        if path:
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, tree / path)
    for path in ("build/qlstmd", "data/qlstmd.db", ".git/HEAD"):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text("not for the image")
    docker("build", "--network=none", "-t", f"{IMAGE}-context", "-f", tmp_path / "Dockerfile", tree)
    try:
        listed = docker("run", "--rm", "--network=none", f"{IMAGE}-context", "cat", "/list").stdout.split()
    finally:
        docker("rmi", "-f", f"{IMAGE}-context", check=False)
    assert {path.split("/")[1] for path in listed} == {"Makefile", "LICENSE", "clients", "engine", "schema", "server", "scripts"}
    assert all(path.startswith("./clients/web/dist/") for path in listed if path.startswith("./clients/"))
    assert [path for path in listed if path.startswith("./scripts")] == ["./scripts/deps.sh"]
