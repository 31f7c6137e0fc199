"""Puts single faults into a room, one at a time, and tells which of them its tests do not notice.

    make mutation ROOM=http [COUNT=60] [SEED=1] [FILE=body.c] [REV=HEAD~5] [UNIT=1] [PYTEST=1] [AGAIN=1]

Every fault that faults.py makes of the room's sources is a candidate. The seed shuffles the lines; one fault a line is
taken in turn until COUNT could be judged. Each is put into a copy of the tree under build/mutation. What the compiler
refuses (under the flags of the Makefile), what leaves the object file as it was, and what equivalent.txt explains is
counted and left out. The others are noticed when a test of the room fails or does not end in time.
"""
import argparse
import ctypes
import fnmatch
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import tomllib

from faults import faults_of, without_comments

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/mutation"
OUT = ROOT / "build/mutation"
GOAL = 0.9
BUILD_LIMIT = 1800  # seconds
PR_SET_CHILD_SUBREAPER = 36
GIB = 1 << 30
SANITIZED = "build/san-address"


def ensure_tool():
    """The pinned package, in a virtual environment of its own."""
    venv, wanted = OUT / "venv", (HERE / "requirements.txt").read_text()
    stamp = venv / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps",
                        "-r", HERE / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    sys.path += map(str, venv.glob("lib/python*/site-packages"))


def end_descendants():
    """Ends every process below this one: what a test leaves behind when it fails comes to us as the subreaper."""
    children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children")
    while pids := children.read_text().split():
        for pid in map(int, pids):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def limits(sanitized):
    memory = [] if sanitized else [(resource.RLIMIT_AS, 8 * GIB)]  # a sanitizer maps far more than it uses
    for kind, amount in [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 2 * GIB), *memory]:
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (amount if hard == resource.RLIM_INFINITY else min(amount, hard), hard))


class Tree:
    """A copy of the sources with a build folder of its own."""

    def __init__(self, room, revision):
        self.folder = OUT / (room + (f"@{revision}" if revision else ""))
        self.path, self.temporary, self.log = self.folder / "tree", self.folder / "tmp", self.folder / "log"
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
        self.environment |= {"TMPDIR": str(self.temporary), "QLSTM_BUILD": "build", "QLSTM_DEADLINE": "20"}
        self.path.mkdir(parents=True, exist_ok=True)
        self.copy(self.checkout() if revision is None else self.archive(revision))

    @staticmethod
    def checkout():
        names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, text=True,
                               stdout=subprocess.PIPE).stdout.splitlines()
        return {name: ((ROOT / name).read_bytes(), (ROOT / name).stat().st_mode) for name in names
                if (ROOT / name).is_file()}

    def archive(self, revision):
        file = self.folder / "archive.tar"
        subprocess.run(["git", "archive", "-o", file, revision], cwd=ROOT, check=True)
        with tarfile.open(file) as archive:
            return {item.name: (archive.extractfile(item).read(), item.mode) for item in archive if item.isfile()}

    def copy(self, files):
        """Writes what differs, so that make builds only that; removes what is gone."""
        for path in [path for path in self.path.rglob("*") if path.is_file()]:
            name = str(path.relative_to(self.path))
            if not name.startswith("build/") and name not in files:
                path.unlink()
        for name, (content, mode) in files.items():
            path = self.path / name
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            path.chmod(mode & 0o777)

    def run(self, command, limit, sanitized=False):
        """(status, seconds); the status of what had to be ended is None. Output goes to the log."""
        start = time.monotonic()
        with open(self.log, "wb") as log:
            process = subprocess.Popen(command, cwd=self.path, env=self.environment, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=subprocess.STDOUT, preexec_fn=lambda: limits(sanitized))
            try:
                status = process.wait(limit)
            except subprocess.TimeoutExpired:
                status = None
                process.kill()
                process.wait()
        end_descendants()
        return status, time.monotonic() - start

    def make(self, *targets, flags="-O0 -g0", build="build"):
        san = "address" if targets[0].startswith(SANITIZED) else ""
        command = ["make", "--no-print-directory", "-s", "-j2", f"CFLAGS={flags}", f"SAN={san}",
                   f"BUILD={SANITIZED if san else build}", *targets]
        return self.run(command, BUILD_LIMIT)[0] == 0

    def fresh_temporary(self):
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir()

    def objects(self, source):
        """{path: content} of one source: one, or one an instruction set."""
        stem = self.path / "build" / source.removesuffix(".c")
        return {path: path.read_bytes() for path in stem.parent.glob(stem.name + ".*o")
                if re.fullmatch(r"(\.\w+)?\.o", path.name[len(stem.name):])}

    def optimised(self, source):
        """What the optimiser leaves of a source."""
        names = [str(path.relative_to(self.path / "build")) for path in self.objects(source)]
        self.make(*(f"build/optimised/{name}" for name in names), flags="-O2 -g0 -w", build="build/optimised")
        return [(self.path / "build/optimised" / name).read_bytes() for name in names]


class Room:
    """The tests of a room, in the order in which they run."""

    def __init__(self, name, tree, unit_alone, pytest_alone):
        rooms = tomllib.loads((HERE / "rooms.toml").read_text())
        if name not in rooms:
            sys.exit(f"ROOM={name}: known are {', '.join(rooms)}")
        self.tree = tree
        names = {path.stem.removeprefix("test_") for path in (tree.path / "tests/unit").glob("test_*.c")}
        self.sources = self.files(rooms[name]["sources"])
        self.unit = [f"build/unit/test_{test}" for pattern in rooms[name]["unit"]
                     for test in sorted(fnmatch.filter(names, pattern))]
        self.unit = [] if pytest_alone else list(dict.fromkeys(self.unit))
        self.pytest = [] if unit_alone else self.files(rooms[name]["pytest"])
        self.pytest_of = rooms[name].get("pytest_of", {})
        self.limits = {}

    def files(self, patterns):
        root = self.tree.path
        found = [str(path.relative_to(root)) for pattern in patterns for path in sorted(root.glob(pattern))]
        return list(dict.fromkeys(found))

    def pytest_for(self, source):
        """Those of the first pattern that fits the source; without one, and without a source, all."""
        patterns = [pattern for pattern in self.pytest_of if source is not None and fnmatch.fnmatch(source, pattern)]
        wanted = self.files(self.pytest_of[patterns[0]]) if patterns else self.pytest
        return [file for file in wanted if file in self.pytest]

    def stages(self, source=None):
        """(name, targets to build, command)."""
        for test in self.unit:
            yield pathlib.Path(test).name, [test], [test]
        for file in self.pytest_for(source):
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", file]
            yield pathlib.Path(file).name, ["all"], command
        for test in self.unit:
            test = test.replace("build", SANITIZED, 1)
            yield f"{pathlib.Path(test).name} (address)", [test], [test]

    def check(self):
        """All tests pass without a fault; how long they take decides how long they may take."""
        if not self.tree.make("all"):  # every source has an object, that of an executable's main too
            sys.exit(f"the tree does not build:\n{self.tree.log.read_text(errors='replace')[-4000:]}")
        for name, targets, command in self.stages():
            self.tree.fresh_temporary()
            if not self.tree.make(*targets):
                sys.exit(f"the tree does not build:\n{self.tree.log.read_text(errors='replace')[-4000:]}")
            status, seconds = self.tree.run(command, BUILD_LIMIT, command[0].startswith(SANITIZED))
            if status != 0:
                sys.exit(f"{name} fails without a fault:\n{self.tree.log.read_text(errors='replace')[-4000:]}")
            self.limits[name] = 20 + 6 * seconds
            print(f"  {name}: {seconds:.1f} s", flush=True)

    def notice(self, source):
        """The test that notices what is in the tree, None when none does; "refused" when it does not link."""
        built = None
        for name, targets, command in self.stages(source):
            if targets != built and not self.tree.make(*targets):
                return "refused"
            built = targets
            self.tree.fresh_temporary()
            status, _ = self.tree.run(command, self.limits[name], command[0].startswith(SANITIZED))
            if status != 0:
                return name if status is not None else f"{name} (time)"
        return None


def read_equivalent():
    """{(file, old, new)}."""
    known, entry = set(), {}
    for line in (HERE / "equivalent.txt").read_text().splitlines():
        if line[:2] in ("- ", "+ ", "= "):
            entry[line[0]] = line[2:].strip()
            if line[0] == "=":
                known.add((entry["file"], entry["-"], entry["+"]))
        elif line.strip() and not line.startswith("#"):
            entry = {"file": line.strip()}
    return known


def one_line(text):
    return text.strip().replace("\n", "\\n")


def candidates(tree, sources, seed):
    """Every fault, one a line in turn, in the order of the seed."""
    order, by_line = random.Random(seed), {}
    for source in sources:
        for number, old, new in faults_of((tree.path / source).read_text()):
            by_line.setdefault((source, number), []).append((source, number, old, new))
    lines = list(by_line.values())
    for faults in lines:
        order.shuffle(faults)
    while lines:
        order.shuffle(lines)
        for faults in lines:
            yield faults.pop()
        lines = [faults for faults in lines if faults]


def survivors(tree, file):
    """(those that were noticed, those to judge once more) of an earlier run, where the texts are by now."""
    faults = json.loads(file.read_text())["faults"]
    again = []
    for fault in [fault for fault in faults if fault["verdict"] == "survived"]:
        lines = without_comments((tree.path / fault["file"]).read_text()).split("\n")
        numbers = [number for number, line in enumerate(lines, 1) if line.strip() == fault["old"].strip()]
        if numbers:
            number = min(numbers, key=lambda number: abs(number - fault["line"]))
            again.append((fault["file"], number, fault["old"], fault["new"]))
    return [fault for fault in faults if fault["verdict"] != "survived"], again


class Judge:
    def __init__(self, tree, room):
        self.tree, self.room, self.known, self.optimised = tree, room, read_equivalent(), {}

    def __call__(self, source, number, old, new):
        """refused, same, equivalent, survived, or the name of the test that noticed."""
        if (source, one_line(old), one_line(new)) in self.known:
            return "equivalent"
        path, original = self.tree.path / source, (self.tree.path / source).read_bytes()
        objects = self.tree.objects(source)
        lines = original.decode().split("\n")
        lines[number - 1] = new
        path.write_text("\n".join(lines))
        try:
            if not self.tree.make(*(str(item.relative_to(self.tree.path)) for item in objects)):
                return "refused"
            if self.tree.objects(source) == objects:
                return "same"
            verdict = self.room.notice(source) or "survived"
            optimised = self.tree.optimised(source) if verdict == "survived" else None
        finally:
            path.write_bytes(original)
            for item, content in objects.items():
                item.write_bytes(content)
        if verdict == "survived" and source not in self.optimised:
            self.optimised[source] = self.tree.optimised(source)
        return "same" if verdict == "survived" and optimised == self.optimised[source] else verdict


def report(result, file):
    file.write_text(json.dumps(result, indent=1) + "\n")
    survivors = [fault for fault in result["faults"] if fault["verdict"] == "survived"]
    print(f"\n{len(survivors)} not noticed:")
    for fault in sorted(survivors, key=lambda fault: (fault["file"], fault["line"])):
        print(f"{fault['file']}:{fault['line']}\n- {one_line(fault['old'])}\n+ {one_line(fault['new'])}")
    left_out = result["left_out"]
    print(f"\n{result['room']}: {result['noticed']} of {result['judged']} noticed, {100 * result['score']:.0f} %; "
          f"left out: {left_out['refused']} refused by the compiler, {left_out['same']} without effect on the object "
          f"file, {left_out['equivalent']} explained in equivalent.txt\n{file}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("room")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", default="", help="only sources whose name holds this")
    parser.add_argument("--unit", action="store_true", help="the C tests alone: quicker, and a lower bound")
    parser.add_argument("--pytest", action="store_true", help="the pytest files alone: with --again, what the C tests left")
    parser.add_argument("--again", action="store_true", help="judge only what survived the last run of the room")
    parser.add_argument("--rev", help="sources and tests of this revision instead of the checkout's")
    options = parser.parse_args()
    ensure_tool()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    tree = Tree(options.room, options.rev)
    room = Room(options.room, tree, options.unit, options.pytest)
    room.check()
    judge, faults, file = Judge(tree, room), [], OUT / (tree.folder.name + ".json")
    left_out = dict.fromkeys(("refused", "same", "equivalent"), 0)
    if options.again:
        faults, drawn = survivors(tree, file)
        options.count = len(faults) + len(drawn)
    else:
        drawn = candidates(tree, [name for name in room.sources if options.file in name], options.seed)
    for fault in drawn:
        if len(faults) == options.count:
            break
        verdict = judge(*fault)
        if verdict in left_out:
            left_out[verdict] += 1
            continue
        faults.append(dict(zip(("file", "line", "old", "new"), fault), verdict=verdict))
        print(f"[{len(faults)}/{options.count}] {fault[0]}:{fault[1]} {verdict}", flush=True)
        if verdict == "survived":
            print(f"- {one_line(fault[2])}\n+ {one_line(fault[3])}", flush=True)
    noticed = sum(fault["verdict"] != "survived" for fault in faults)
    score = noticed / len(faults) if faults else 0.0
    result = {"room": options.room, "rev": options.rev, "seed": options.seed, "file": options.file,
              "judged": len(faults), "noticed": noticed, "score": score, "left_out": left_out, "faults": faults}
    report(result, file)
    return 0 if score >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
