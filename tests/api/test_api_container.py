"""What a container needs of the daemon: a health check of its own, all addresses, and the duties of process 1."""
import ctypes
import fcntl
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import threading

import pytest

from api_daemon import BUILD, DEADLINE, Daemon, poll

PR_SET_CHILD_SUBREAPER = 36


def health(address):
    return subprocess.run([BUILD / "qlstmd", "--health", address], capture_output=True, text=True, timeout=DEADLINE)


@pytest.fixture
def launch(tmp_path):
    """launch(option, ...): a daemon on tmp_path/data; gone after the test, whatever became of it."""
    made = []

    def start(*options, **arguments):
        made.append(subprocess.Popen([str(BUILD / "qlstmd"), "--data", str(tmp_path / "data"), *options],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **arguments))
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.communicate()


def end(process):
    """SIGTERM; the log, after a polite end."""
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, log
    return log


@pytest.fixture
def peer():
    """peer(answer): a server that takes one connection and answers so (None: not at all); its address."""
    opened = []

    def start(answer):
        server = socket.create_server(("127.0.0.1", 0))
        opened.append(server)

        def serve():
            connection, _ = server.accept()
            opened.append(connection)
            connection.recv(1000)
            if answer is not None:
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{server.getsockname()[1]}"

    yield start
    for each in opened:
        each.close()


def test_healthy(daemon):
    asked = health(f"127.0.0.1:{daemon.port}")
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "", "")
    assert health(f"localhost:{daemon.port}").returncode == 0


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    asked = health(f"127.0.0.1:{port}")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert asked.stderr == f"qlstmd: http://127.0.0.1:{port}/readyz: Connection refused\n"


@pytest.mark.parametrize("answer, words", [
    (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "answered 503, not 200"),
    (b"HTTP/1.1 2000 Odd\r\n\r\n", "not HTTP"),
    (b"SSH-2.0-x\r\n", "not HTTP"),
    (b"", "not HTTP"),
    (None, "no whole answer within 4 seconds"),
])
def test_another_answer(peer, answer, words):
    asked = health(peer(answer))
    assert asked.returncode == 1 and words in asked.stderr and asked.stdout == ""


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100000, b"HTTP/1.0 200\r\n\r\n"])
def test_200_is_enough(peer, answer):
    assert health(peer(answer)).returncode == 0


def test_a_stopped_daemon_is_not_healthy(make_daemon):
    daemon = make_daemon()
    daemon.process.send_signal(signal.SIGSTOP)
    asked = health(f"127.0.0.1:{daemon.port}")
    daemon.process.send_signal(signal.SIGCONT)
    assert asked.returncode == 1 and "within 4 seconds" in asked.stderr


@pytest.mark.parametrize("address, loopback", [("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")])
def test_all_addresses_of_a_container(launch, address, loopback):
    process = launch("--listen", f"{address}:0", "--published-on-loopback")
    line = process.stdout.readline()
    if line == "" and address == "[::]":
        pytest.skip("no IPv6 on this machine")
    port = re.fullmatch(rf"listening on http://{re.escape(address)}:(\d+)\n", line)[1]
    asked = health(f"{loopback}:{port}"), health(f"{address}:{port}")
    end(process)
    assert [each.returncode for each in asked] == [0, 0], asked


def test_a_signal_during_the_start_is_not_lost(launch, tmp_path):
    """Held up on its way to listening, and told to stop there: the daemon comes up, and ends politely."""
    data = tmp_path / "data"
    first = Daemon(tmp_path).start()
    first.close()
    holder = sqlite3.connect(data / "qlstmd.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    process = launch("--listen", "127.0.0.1:0")
    poll(lambda: locked(data), "the daemon on its way")
    process.send_signal(signal.SIGTERM)
    holder.close()
    out, log = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0 and out.startswith("listening on") and '"stopping"' in log, log


def locked(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def become_parent_of_orphans():
    assert ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def test_orphans_are_buried(launch, tmp_path):
    """As process 1 does, the daemon gets the orphans; here they are a worker's children, dead after and before it."""
    script = tmp_path / "worker"
    script.write_text("#!/bin/sh\nfor k in 1 2 3; do (: & sleep 0.2 & sleep 1 & echo $! >>../../../orphans) & done\nkill -9 $$\n")
    script.chmod(0o755)
    daemon = Daemon(tmp_path)
    process = launch("--listen", "127.0.0.1:0", "--worker", str(script), preexec_fn=become_parent_of_orphans)
    daemon.url = process.stdout.readline().removeprefix("listening on ").strip()
    row = daemon.wait(daemon.submit({"hidden_size": 1, "n_qubits": 1, "limits": {"max_attempts": 3}}))
    assert (row["status"], row["reason"], row["attempt"]) == ("failed", "too_many_attempts", 3)
    orphans = poll(lambda: three_each(daemon.data / "orphans"), "the orphans' ids")
    poll(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in orphans), "the orphans are buried")
    poll(lambda: children(process.pid) == [], "nobody is left")
    end(process)


def three_each(path):
    pids = path.read_text().split() if path.exists() else []
    return pids if len(pids) == 9 else None


def children(pid):
    return [child for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]
