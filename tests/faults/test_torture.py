"""A short round of torture.py; `make torture` does thousands."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from torture import run_round


def test_nothing_lost_doubled_different_or_left(tmp_path):
    found = run_round(7, 12, tmp_path)
    assert not found["faults"], "\n".join(found["faults"])
    assert found["total"] >= 12 and found["succeeded"] > 0
