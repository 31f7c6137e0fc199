"""A packed data file that is large once it is unpacked: it trains as the plain one does, and in no more memory."""
import gzip
import resource
import subprocess

import pytest

from qlstm_worker import PATIENCE, WORKER, dump, read_safetensors, run

SPEC = {"type": "lstm", "hidden_size": 1, "training": {"epochs": 1, "batch_size": 256},
        "data": {"dataset": "mine", "inputs": ["value"], "targets": ["value"]}}
DIGITS = "7" * 60


def table(rows):
    return "value\n" + "".join(f"0.{i * 7919 % 1000:03}{DIGITS}\n" for i in range(rows))


@pytest.mark.skipif("san-" in str(WORKER), reason="a sanitizer takes memory for itself")
def test_it_is_unpacked_to_the_disk(tmp_path):
    """64 MB of text, of which the last line is damaged: it is read to there with 56 MiB of memory that is no file's."""
    rows, limit = 1000000, 56 << 20
    packed = tmp_path / "data.csv.gz"
    with gzip.open(packed, "wt", compresslevel=1) as file:
        file.write("value\n")
        for _ in range(rows // 10000):
            file.write(f"0.5{DIGITS}\n" * 10000)
        file.write("1,2\n")
    done = subprocess.run(
        [str(WORKER), "train", str(dump(tmp_path / "spec.json", SPEC)), "--data", str(packed), "--out", str(tmp_path / "out")],
        capture_output=True, text=True, timeout=PATIENCE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))
    assert done.returncode == 1 and f"line {rows + 2} holds '1,2'" in done.stderr, done
    assert list((tmp_path / "out").iterdir()) == []


def test_the_same_weights(tmp_path):
    text = table(20000)
    spec, weights = dump(tmp_path / "spec.json", SPEC), []
    (tmp_path / "plain.csv").write_text(text)
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("plain.csv", "packed.csv.gz"):
        out = tmp_path / name.split(".")[0]
        done = run("train", spec, "--data", tmp_path / name, "--out", out)
        assert done.returncode == 0, done.stderr
        weights.append({key: value.tolist() for key, value in read_safetensors(out / "weights.safetensors")[0].items()})
    assert weights[0] == weights[1]


def test_a_folder_that_takes_nothing(tmp_path):
    (tmp_path / "large.csv.gz").write_bytes(gzip.compress(table(20000).encode()))
    spec = dump(tmp_path / "spec.json", SPEC)
    done = run("train", spec, "--data", tmp_path / "large.csv.gz", "--out", "/proc")
    assert done.returncode == 1 and "cannot be put on the disk" in done.stderr + done.stdout
