#!/usr/bin/python3
"""Runs `qlstm-worker bench` with one and with two threads and prints one table of ratios.

Usage: bench.py WORKER [CASE]. Everything is measured side by side, within minutes, on one machine."""
import json
import subprocess
import sys

# Training steps, and the classical LSTM on windows of the same number and length.
BASELINES = {"qlstm-v42": "lstm-4", "chen2020/10": "lstm-5/10", "chen2020/4": "lstm-5/4", "chen2020/1": "lstm-5/1"}
HEAD = ["case", "plan", "batch", "us/sample", "of peak", "median", "float32", "2 threads", "beside it"]
WIDTHS = [12, 6, 6, 12, 8, 8, 8, 10, 0]


def measure(worker, threads, case):
    command = [worker, "bench", "--json", "--threads", str(threads)] + (["--case", case] if case else [])
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=None if threads == 1 else subprocess.DEVNULL, text=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return [json.loads(line) for line in done.stdout.splitlines()]


def key(row):
    return row["case"], row["plan"], row["precision"]


def times(numerator, denominator):
    if numerator is None or denominator is None:
        return "-"
    ratio = numerator["ns_per_sample"] / denominator["ns_per_sample"]
    return f"{ratio:.3g}x" if ratio < 1000 else f"{ratio:,.0f}x"


def beside(row, rows):
    """The statevector's time for a shortcut, the classical LSTM's for a training step."""
    if row["plan"] == "local" and row["quantity"] != "training step":
        plain = [other for other in rows if other["case"] == row["case"] and other["plan"] in ("batch", "wide")]
        return f"statevector ({plain[0]['plan']}) takes {times(plain[0], row)}" if plain else "-"
    base = [other for other in rows if other["case"] == BASELINES.get(row["case"])]
    return f"{times(row, base[0])} of {base[0]['case']}" if base else ""


def cells(row, rows, by_key, by_key_2):
    case, plan, _ = key(row)
    narrow = by_key.get((case, plan, "float32"))
    fraction = "-" if row["fraction_of_peak"] is None else f"{row['fraction_of_peak']:.0%}"
    return [case, plan, str(row["batch"]), f"{row['ns_per_sample'] / 1e3:.4f}", fraction,
            f"{row['ns_per_sample_median'] / row['ns_per_sample']:.2f}x", times(row, narrow),
            times(row, by_key_2.get(key(row))), beside(row, rows)]


def main():
    worker, case = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    one, two = measure(worker, 1, case), measure(worker, 2, case)
    by_key, by_key_2 = {key(row): row for row in one}, {key(row): row for row in two}
    print(f"{one[0]['isa']}, one thread, float64, forward and gradient; peak {one[0]['peak_gflops']:.1f} GFLOP/s measured")
    print("of peak: a lean statevector's operations; median: over the minimum; float32, 2 threads: how many times faster\n")
    table = [cells(row, one, by_key, by_key_2) for row in one if row["precision"] == "float64"]
    for line in [HEAD] + table:
        print("  ".join(text.ljust(width) if k in (0, 1, 8) else text.rjust(width)
                        for k, (text, width) in enumerate(zip(line, WIDTHS))).rstrip())


main()
