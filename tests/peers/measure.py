"""One peer in a process of its own: agreement first, then time. Arguments: PEER PRECISION THREADS SECONDS CASE.json
REFERENCE.npz; prints one JSON object."""
import json
import os
import statistics
import sys
import time

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
REPEATS = 30


def limit_threads(threads):
    """Before anything is imported; the processor mask also binds libraries that ask nobody."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def difference(value, expected):
    """The largest, relative to the size of what is compared where that is above 1."""
    import numpy as np

    value = np.asarray(value, dtype=np.float64).reshape(expected.shape)
    return float(np.abs(value - expected).max()) / max(1.0, float(np.abs(expected).max()))


def named(case, found):
    """What a peer computed, under the names of the reference."""
    import numpy as np

    if "cotangents" not in case:
        loss, gradients = found
        return {"loss": loss, **gradients}
    outputs, d_features, d_weights = found
    contracted = np.ndim(outputs) == 1  # a peer that gives no single outputs
    return {"contracted" if contracted else "outputs": outputs, "d_features": d_features, "d_weights": d_weights}


def build(case, name, precision, threads):
    import cells
    import hybrid
    import peers

    steps = hybrid.PEERS if case["name"] == "hqrnn-8" else cells.LSTM_PEERS | cells.QLSTM_PEERS
    table = peers.PEERS if "cotangents" in case else steps
    return table[name](case, precision, threads)


def few_samples(case, name):
    import peers

    if name not in peers.ONE_BY_ONE:
        return case
    parts = {key: case[key][: peers.FEW] for key in ("features", "cotangents")}
    return {**case, **parts, "batch": min(case["batch"], peers.FEW)}


def repeat(call, seconds):
    times, start = [], time.perf_counter()
    call()
    while True:
        begin = time.perf_counter()
        call()
        end = time.perf_counter()
        times.append(end - begin)
        elapsed = end - start
        if elapsed >= 10 * seconds or (elapsed >= seconds and len(times) >= REPEATS):
            return times


def main():
    name, precision, threads, seconds, case_path, reference_path = sys.argv[1:7]
    limit_threads(int(threads))
    import numpy as np

    case = json.loads(open(case_path).read())
    if "cotangents" in case:
        case.update({key: np.array(case[key]) for key in ("features", "weights", "cotangents")})
    reference = np.load(reference_path)
    start = time.perf_counter()
    call = build(case, name, precision, int(threads))
    found = named(case, call())
    row = {"peer": name, "precision": precision, "threads": int(threads), "case": case["name"]}
    row["first_call_seconds"] = time.perf_counter() - start
    row["disagreement"] = max(difference(value, reference[key]) for key, value in found.items())
    if row["disagreement"] <= TOLERANCE[precision]:
        timed = few_samples(case, name)
        if timed is not case:
            call = build(timed, name, precision, int(threads))
        times = repeat(call, float(seconds))
        each = 1e9 / timed["batch"] / timed.get("part", 1)  # of the steps that ours takes
        row.update(repeats=len(times), ns_per_sample=each * min(times),
                   ns_per_sample_median=each * statistics.median(times))
    print(json.dumps(row))


main()
