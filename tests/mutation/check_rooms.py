#!/usr/bin/env python3
"""Checks that rooms.toml knows the tree: every source and every C test is in a room, and no pattern fits nothing."""
import fnmatch
import pathlib
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
NO_ROOM = {"engine/examples/train.c"}  # run by tests/library


def check():
    rooms = tomllib.loads((ROOT / "tests/mutation/rooms.toml").read_text())
    names = {path.stem.removeprefix("test_") for path in (ROOT / "tests/unit").glob("test_*.c")}
    tests, sources = set(), set()
    for room, lists in rooms.items():
        of_patterns = [("pytest_of", name) for files in lists.get("pytest_of", {}).values() for name in files]
        for kind, pattern in [(kind, pattern) for kind in ("sources", "unit", "pytest") for pattern in lists[kind]] + \
                of_patterns + [("pytest_of", pattern) for pattern in lists.get("pytest_of", {})]:
            found = fnmatch.filter(names, pattern) if kind == "unit" else \
                [str(path.relative_to(ROOT)) for path in ROOT.glob(pattern)]
            if not found:
                yield f"[{room}] {kind}: nothing fits {pattern}"
            if kind == "unit":
                tests.update(found)
            elif kind == "sources":
                sources.update(found)
    for name in sorted(names - tests):
        yield f"no room has tests/unit/test_{name}.c"
    there = {str(path.relative_to(ROOT)) for folder in ("engine", "schema", "server")
             for path in (ROOT / folder).rglob("*.c")}
    for name in sorted(there - sources - NO_ROOM):
        yield f"no room has {name}"


if __name__ == "__main__":
    faults = list(check())
    for fault in faults:
        print(f"rooms.toml: {fault}")
    sys.exit(1 if faults else 0)
