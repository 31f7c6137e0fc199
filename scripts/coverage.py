#!/usr/bin/python3
"""Which lines the tests run, room by room: `make coverage` builds once more with gcc's counters into build/coverage, runs
the C tests and the tests over HTTP, and prints a table; build/coverage/index.html shows every line.

    scripts/coverage.py            all
    scripts/coverage.py --table    the table of the last run again

A test that expects a run to be quick may fail: this build is many times slower. Its lines count all the same.

Workers that are killed with SIGKILL leave no counters, so what only they do counts as not run. gcovr reads the counters:
one program in Debian that gives a page and numbers for machines; lcov needs two more and keeps a format of its own."""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = "build/coverage"
SUMMARY = ROOT / BUILD / "summary.json"
FLAGS = "-O1 -g --coverage -fprofile-update=atomic -Wno-error -DSANDBOX_RELAXED"  # threads count the same lines; other code, other warnings
TESTS = ["tests/worker", "tests/api", "tests/faults"]


def make(*targets):
    return subprocess.run(["make", "--no-print-directory", f"BUILD={BUILD}", f"CFLAGS={FLAGS}", *targets], cwd=ROOT).returncode


def measure():
    if make("-s", "-j2", "all", "unit-programs") != 0:
        sys.exit("coverage: the build failed")
    for counters in (ROOT / BUILD).rglob("*.gcda"):
        counters.unlink()
    failed = make("unit")
    failed |= subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS], cwd=ROOT,
                             env={**os.environ, "QLSTM_BUILD": BUILD}).returncode
    return failed


def read():
    # A process that is killed while it writes its counters leaves branches taken -2 times; lines are not concerned.
    subprocess.run(["gcovr", "--gcov-ignore-parse-errors", "--root", ".", "-j", "2", "--filter", "engine/", "--filter", "schema/", "--filter", "server/",
                    "--exclude", "engine/examples/", "--json-summary", str(SUMMARY), "--html-details",
                    f"{BUILD}/index.html", BUILD], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)


def table():
    rooms = {}
    for file in json.loads(SUMMARY.read_text())["files"]:
        room = rooms.setdefault(str(pathlib.PurePosixPath(file["filename"]).parent), [0, 0])
        room[0] += file["line_covered"]
        room[1] += file["line_total"]
    rooms["all"] = [sum(counts) for counts in zip(*rooms.values())]
    print("| room | lines run | of | |\n|---|---|---|---|")
    for room, (run, lines) in rooms.items():
        print(f"| `{room}` | {run} | {lines} | {100 * run / lines:.1f} % |")


failed = 0 if "--table" in sys.argv else measure()
read()
table()
sys.exit("coverage: some tests failed" if failed else 0)
