"""A worker that says what it must not: nothing of it is stored or shown as it came."""
import signal
import subprocess

import pytest

from api_daemon import BUILD, DEADLINE

WORKER = r"""#!/bin/sh
say() { printf '%s\n' "$1"; }
say '{"type":"hello","pid":'$$',"version":"0.1.0","plan":"batch","isa":"x86-64","parameters":1,"epoch":0}'
for epoch in 1 77 4 0 -1 2; do
	say '{"type":"epoch","epoch":'$epoch',"train_loss":0.5,"test_loss":0.5,"gradient_norm":1.0,"seconds":0.1}'
done
say '{"type":"checkpoint","epoch":77,"file":"checkpoint-77.safetensors","sha256":"'$(printf '%064d' 0)'"}'
say '{"type":"checkpoint","epoch":2,"file":"../../../qlstmd.db","sha256":"'$(printf '%064d' 0)'"}'
say '{"type":"log","level":"info","message":"seen \u001b[2J\u009b31m"}'
say 'no JSON at all'
say '{"type":"error","reason":"nan_loss","message":"over \u001b[31m\u0007"}'
exit 1
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "worker"
    path.write_text(WORKER)
    path.chmod(0o755)
    return path


def test_words_that_cannot_be(make_daemon, script):
    daemon = make_daemon("--worker", str(script), "--slots", "1")
    row = daemon.wait(daemon.submit({"training": {"epochs": 3}, "limits": {"max_attempts": 1}}))
    assert (row["status"], row["reason"]) == ("failed", "nan_loss")
    assert row["progress"]["epoch"] == 2 and row["progress"]["epochs"] == 3
    metrics = daemon.get(row["links"]["metrics"]).json()["metrics"]
    assert [line["epoch"] for line in metrics] == [1, 2]
    assert row["reason_message"].startswith("over ") and row["reason_message"].isprintable()
    said = daemon.get(f"/experiments/{row['id']}/logs").json()["lines"]
    assert any("seen" in line for line in said) and all(line.isprintable() for line in said), said
    assert (daemon.data / "qlstmd.db").exists()


@pytest.mark.parametrize("field", ["name", "project"])
@pytest.mark.parametrize("text", ["a\x1b[2J", "a\nb", "a\x7f", "a\x9bb"])
def test_words_of_a_request(daemon, field, text):
    """They would come out of logs and lists on somebody's terminal."""
    reply = daemon.post("/experiments?validate_only=true", {field: text})
    assert reply.status_code == 422 and reply.json()["errors"][0]["pointer"] == f"/{field}", reply.text


@pytest.mark.parametrize("what", ["a folder", "a file that is no program", "nothing"])
def test_what_is_no_worker(tmp_path, what):
    """Said at the start, not when the first experiment fails."""
    path = tmp_path / "worker"
    if what == "a folder":
        path.mkdir()
    elif what == "a file that is no program":
        path.write_text("text")
    process = subprocess.Popen([str(BUILD / "qlstmd"), "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0",
                                "--worker", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if line:
        process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=DEADLINE)
    assert line == "" and process.returncode == 2 and f"{path} cannot be run" in said
