"""A short round of tests/fuzz/fuzz_requests.py: whole requests on small data sets, the same ones each time."""
import sys

import pytest

from api_daemon import ROOT

sys.path.insert(0, str(ROOT / "tests/fuzz"))

from fuzz_requests import Finding, Fuzz  # noqa: E402

STEPS = 250
LONGEST = 5  # seconds; of the same seed others take up to their max_seconds


@pytest.mark.parametrize("seed", [10, 13, 25])
def test_generated_requests(tmp_path, seed):
    fuzz = Fuzz(tmp_path, seed, longest=LONGEST)
    try:
        fuzz.run(lambda steps: steps < STEPS)
    except Finding as finding:
        pytest.fail(f"{finding.text()}\n{fuzz.daemon.log()[-4000:]}")
    finally:
        fuzz.kill()
    # How many of them end in the time of the round depends on the machine.
    assert fuzz.sent["succeeded"] >= 5, fuzz.sent
