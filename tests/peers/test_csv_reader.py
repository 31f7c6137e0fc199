"""The CSV reader beside the one of pandas in C, on a file of 130 MB: the same numbers, in no more
time of the processor: both work on one."""
import os
import pathlib
import subprocess
import time

import numpy
import pytest

import household

pandas = pytest.importorskip("pandas")
ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / os.environ.get("QLSTM_BUILD", "build") / "bench/csv"
REPEATS = 5


def ours(path):
    words = subprocess.run([PROGRAM, path], capture_output=True, text=True, check=True).stdout.split()
    return float(words[0]), int(words[1]), [(int(n), float(s)) for n, s in zip(words[2::2], words[3::2])]


def theirs(path):
    """Which separator it is and what stands for no value has to be said."""
    start = time.process_time()
    frame = pandas.read_csv(path, sep=";", na_values=["?"], engine="c")
    seconds = time.process_time() - start
    columns = frame.select_dtypes("number")
    return seconds, len(frame), [(int(columns[name].count()), float(columns[name].sum())) for name in columns]


def test_a_large_file(tmp_path):
    path = tmp_path / "household.txt"
    household.write(path)
    assert path.stat().st_size > 120e6
    path.read_bytes()  # into the page cache
    times = {ours: [], theirs: []}
    for _ in range(REPEATS):
        found = {reader: reader(path) for reader in times}
        for reader, (seconds, _, _) in found.items():
            times[reader].append(seconds)
    assert found[ours][1] == found[theirs][1] == household.ROWS
    assert [n for n, _ in found[ours][2]] == [n for n, _ in found[theirs][2]] and len(found[ours][2]) == 7
    numpy.testing.assert_allclose([s for _, s in found[ours][2]], [s for _, s in found[theirs][2]], rtol=1e-9)
    print(f"\nCSV of {path.stat().st_size / 1e6:.0f} MB, interleaved: qlstm {min(times[ours]):.2f} s "
          f"({', '.join(f'{t:.2f}' for t in times[ours])}), pandas {min(times[theirs]):.2f} s "
          f"({', '.join(f'{t:.2f}' for t in times[theirs])})")
    assert min(times[ours]) <= min(times[theirs])
