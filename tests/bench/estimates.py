"""The planner's estimates beside what trainings take: random specs (those of tests/worker/test_worker_isa.py), one thread,
on every instruction set that promises bytes. ESTIMATES=200 are as many specs; the quickest epoch counts."""

import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/worker"), str(ROOT / "tests")]
from test_worker_isa import random_spec  # noqa: E402

WORKER = Path(os.environ.get("QLSTM_BUILD", ROOT / "build")) / "qlstm-worker"
SPECS = int(os.environ.get("ESTIMATES", "60"))
SECONDS = 0.4  # of training for one spec, at most 200 epochs


def call(*words):
    done = subprocess.run([WORKER, *words], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def measured(isa, folder, spec, estimate):
    """Seconds of the quickest epoch."""
    spec["training"]["epochs"] = max(3, min(200, math.ceil(SECONDS / estimate)))
    (folder / "spec.json").write_text(json.dumps(spec))
    out = folder / "out"
    if call("--isa", isa, "train", folder / "spec.json", "--out", out) is None:
        return None
    report = json.loads((out / "report.json").read_text())
    return min(line["seconds"] for line in report["history"])


def compare(isa, specs, folder):
    ratios = []
    for spec in specs:
        (folder / "spec.json").write_text(json.dumps(spec))
        plan = call("--isa", isa, "plan", folder / "spec.json", "--json", "--speed", "100")
        estimate = json.loads(plan)["seconds"]["per_epoch"] if plan is not None else None
        if estimate is None or estimate > 5:
            continue
        taken = measured(isa, folder, spec, estimate)
        if taken:
            ratios.append(taken / estimate)
    return ratios


def say(isa, ratios, speed, words):
    errors = sorted(abs(ratio * speed - 1) for ratio in ratios)
    within = sum(0.5 <= ratio * speed <= 2 for ratio in ratios) / len(ratios)
    mean = math.exp(statistics.fmean(math.log(ratio * speed) for ratio in ratios))
    print(f"{isa:10} {words:9} speed {speed:.2f}: {len(ratios)} specs, half within {100 * statistics.median(errors):.0f} %,"
          f" {100 * within:.0f} % within a factor of two, measured / estimated {mean:.2f}")


def main():
    draw = random.Random(int(os.environ.get("SEED", "1")))
    specs = [random_spec(draw) for _ in range(SPECS)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for isa in ("x86-64-v4", "x86-64-v3"):
            if call("--isa", isa, "--version") is None:
                continue
            (folder / "spec.json").write_text("{}")
            speed = json.loads(call("--isa", isa, "plan", folder / "spec.json", "--json"))["speed"]
            ratios = compare(isa, specs, folder)
            say(isa, ratios, 1.0, "unscaled")
            say(isa, ratios, speed, "measured")


if __name__ == "__main__":
    main()
