"""C tests of the kernels, run in the emulated machine: there they try x86-64-v4, too, and compare it with x86-64-v3."""

import os

import pytest

from api_daemon import BUILD
from emulated.machine import the_machine


@pytest.mark.parametrize("name", os.environ.get("QLSTM_AVX512_UNITS", "").split())
def test_program(name):
    done = the_machine().run(BUILD / "unit" / f"test_{name}")
    assert done.returncode == 0 and "SKIPPED" not in done.stdout + done.stderr, done.stdout + done.stderr
