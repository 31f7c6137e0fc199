"""Checkpoints with other bytes than those that were written: refused, wherever the change is."""
import random

from qlstm_worker import dump, run

SPEC = {"hidden_size": 2, "n_qubits": 2, "training": {"epochs": 3, "shuffle": True, "optimizer": {"type": "adam"}}}
FLIPS = 60


def test_no_flipped_bit_is_resumed_from(tmp_path):
    spec = dump(tmp_path / "spec.json", SPEC)
    assert run("train", spec, "--out", tmp_path / "whole", "--checkpoint-seconds", 0).returncode == 0
    checkpoint = max((tmp_path / "whole").glob("checkpoint-*.safetensors"))
    content, rng, taken = checkpoint.read_bytes(), random.Random(1), []
    for place in rng.sample(range(8 * len(content)), FLIPS):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        (tmp_path / "flipped").write_bytes(flipped)
        done = run("train", spec, "--out", tmp_path / "again", "--resume", tmp_path / "flipped")
        if done.returncode == 0:
            taken.append(place)
        else:
            assert done.returncode == 1, done
    assert not taken
