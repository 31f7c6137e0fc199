"""Times other simulators and qlstm-worker side by side, after they agree. Arguments: WORKER FOLDER; settings come from
the environment: CASES (names, or "all"), THREADS ("1 2"), PRECISIONS, SECONDS, PEERS, LAUNCHER (words before every measured
command, such as "nice -n -5")."""
import json
import os
import pathlib
import subprocess
import sys

import cases
import cells
import engine
import hybrid
import peers

import numpy as np

CIRCUITS = {f"V({n},{layers})": (n, layers, batch) for n, layers, batch in cases.GRID}
LSTMS = (4, 16, 64, 256)
DEFAULT = "V(4,2) V(8,2) V(12,2) qlstm-v42 hqrnn-8 lstm-4 lstm-64"
ALL = " ".join(list(CIRCUITS) + ["qlstm-v42", "hqrnn-8"] + [f"lstm-{hidden}" for hidden in LSTMS])


def setting(name, default):
    return (os.environ.get(name) or default).split()


def make(name):
    if name in CIRCUITS:
        return cases.make(*CIRCUITS[name])
    steps = {"qlstm-v42": cells.make_qlstm, "hqrnn-8": hybrid.make_hqrnn}
    return steps[name]() if name in steps else cells.make_lstm(int(name.split("-")[1]))


def peers_of(name):
    steps = {"qlstm-v42": cells.QLSTM_PEERS, "hqrnn-8": hybrid.PEERS}
    table = peers.PEERS if name in CIRCUITS else steps.get(name, cells.LSTM_PEERS)
    wanted = os.environ.get("PEERS")
    return [peer for peer in table if not wanted or peer in wanted.split(";")]


def part_of(files):
    """How much of our steps the peers take."""
    return json.loads(pathlib.Path(files[0]).read_text()).get("part", 1)


def prepare(worker, folder, name):
    """The case and what the engine makes of it, as files."""
    case = make(name)
    values = engine.values_of_circuit(worker, case) if name in CIRCUITS else engine.values_of_step(worker, case)
    stem = "".join(ch if ch.isalnum() else "_" for ch in name)
    reference = folder / f"{stem}.npz"
    np.savez(reference, **values)
    return cases.write(folder / f"{stem}.json", case), reference


def ask(peer, precision, threads, files):
    """A peer's row, or why there is none."""
    script = pathlib.Path(__file__).with_name("measure.py")
    seconds = setting("SECONDS", "1")[0]
    command = [*setting("LAUNCHER", ""), sys.executable, "-W", "ignore", str(script), peer, precision, threads, seconds, *map(str, files)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        return {"left_out": "more than 600 s"}
    lines = done.stdout.splitlines()
    if done.returncode == 0 and lines:
        return json.loads(lines[-1])
    return {"left_out": (done.stderr.strip().splitlines() or ["it ended without a word"])[-1][:90]}


def line(*texts):
    print("  ".join(str(text).ljust(20) if k == 0 else str(text).rjust(12) for k, text in enumerate(texts)), flush=True)


def print_peer(peer, row, ours):
    if "left_out" in row:
        line(peer, "-", "", "", "", "", row["left_out"])
    elif "ns_per_sample" not in row:
        line(peer, "-", "", "", "", f"{row['disagreement']:.0e}", "does not agree, not timed")
    else:
        line(peer, f"{row['ns_per_sample'] / 1e3:.3f}", f"{row['ns_per_sample_median'] / 1e3:.3f}",
             f"{row['ns_per_sample'] / ours['ns_per_sample']:,.1f}x", f"{row['first_call_seconds']:.1f}",
             f"{row['disagreement']:.0e}", row["repeats"])


def print_ours(row, mine):
    line(f"qlstm ({row['plan']})", f"{row['ns_per_sample'] / 1e3:.3f}", f"{row['ns_per_sample_median'] / 1e3:.3f}",
         f"{row['ns_per_sample'] / mine['ns_per_sample']:.2g}x", "", "", row["repeats"])


def compare(worker, name, files, threads):
    ours = engine.times(setting("LAUNCHER", ""), worker, name, threads)
    for precision in setting("PRECISIONS", "float64 float32"):
        rows = [row for row in ours if row["precision"] == precision] or ours[:1]
        mine = rows[0]
        note = "" if mine["precision"] == precision else f" (ours {mine['precision']})"
        print(f"\n{name}, batch {mine['batch']}, {precision}{note}, {threads} thread{'s' if threads != '1' else ''}")
        if part_of(files) != 1:
            print(f"peers: {part_of(files):.0%} of the steps, and their times divided by that")
        line("", "us/sample", "median", "of ours", "first call s", "disagreement", "repeats")
        for row in rows:
            print_ours(row, mine)
        for peer in peers_of(name):
            print_peer(peer, ask(peer, precision, threads, files), mine)


def main():
    worker, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    names = setting("CASES", DEFAULT)
    for name in ALL.split() if names == ["all"] else names:
        files = prepare(worker, folder, name)
        for threads in setting("THREADS", "1 2"):
            compare(worker, name, files, threads)


main()
