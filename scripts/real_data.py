#!/usr/bin/env python3
"""Real data through the API: a QLSTM beside an LSTM of as many parameters, and the baselines, as they come out.

    scripts/real_data.py URL FOLDER [NAME ...]     FOLDER holds airpassengers.csv, co2_monthly.csv, ...: FILES below

Prints a table in Markdown, a line a task: the test part's score by seeds 1, 2 and 3 as their mean, in brackets the smallest
and the largest. `power` is made here: as the measurements of a household's electric power that are much used, a row a
minute for four years, 130 MB, with gaps. NAME-ahead: the last rows are kept back, a model of one step is trained on the others
and goes on from their end, each value predicted from those predicted before it (needs NumPy, for the line).
"""
import datetime
import json
import math
import pathlib
import random
import statistics
import sys
import urllib.error
import urllib.request

SEEDS = (1, 2, 3)
PART = {"train": 0.7, "validation": 0.1}
TRAINING = {"epochs": 200, "batch_size": 32, "optimizer": {"type": "adam", "learning_rate": 0.01}, "keep": "best",
            "schedule": {"type": "cosine"}, "patience": 40}
SHORT = {**TRAINING, "epochs": 40, "patience": 10}
BEHIND = {"split": PART, "scaling": "standard"}
MIXED = {"split": {**PART, "shuffle": True}, "task": "classification"}
MONTHS = {"window": 24, "horizon": list(range(1, 13)), "period": 12, "targets": ["value"], **BEHIND}

# Name -> (file, what is said of it, data, training, score)
TASKS = {
    "airpassengers": ("airpassengers.csv", "", MONTHS, TRAINING, "rmse"),
    "co2": ("co2_monthly.csv", "", MONTHS, TRAINING, "rmse"),
    "sunspots": ("sunspots_monthly.csv", "", {**MONTHS, "period": 132}, SHORT, "rmse"),
    "digits": ("digits.csv", "", {"steps": 8, "classes": 10, **MIXED}, TRAINING, "accuracy"),
    "promoters": ("promoter.txt", "symbols=found", {"steps": 57, "classes": 2, **MIXED}, TRAINING, "accuracy"),
    "splice": ("splice.txt", "symbols=found", {"steps": 60, "classes": 3, **MIXED}, SHORT, "accuracy"),
    "power": ("power.txt", "", {"window": 60, "stride": 600, "missing": "ffill", "inputs": ["Global_active_power", "Voltage"],
                                "targets": ["Global_active_power"], "horizon": [1, 10, 60], **BEHIND}, SHORT, "rmse"),
}  # fmt: skip
# Name -> (file, rows that are kept back, period, training)
AHEAD = {"airpassengers-ahead": ("airpassengers.csv", 24, 12, TRAINING), "co2-ahead": ("co2_monthly.csv", 36, 12, TRAINING),
         "sunspots-ahead": ("sunspots_monthly.csv", 132, 132, SHORT)}
WINDOW = 24
QLSTM = {"type": "qlstm", "variant": "qdi", "n_qubits": 4}


def call(url, body=None, kind="application/json"):
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, {"Content-Type": kind}), timeout=600) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        sys.exit(f"{url}: {error.read().decode()}")


def make_power(path):
    """Days, weeks, noise, an hour missing here and there; separators, decimals and ? as in the file that is known."""
    draw = random.Random(1)
    with path.open("w") as out:
        out.write("Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity;Sub_metering_1;"
                  "Sub_metering_2;Sub_metering_3\n")
        days, slow = 1442, 0.0
        for day in range(days):
            now = datetime.date(2006, 12, 16) + datetime.timedelta(day)
            date = f"{now.day}/{now.month}/{now.year}"
            gap = draw.randrange(1440) if draw.random() < 0.2 else -1
            for minute in range(1440):
                slow = 0.99 * slow + draw.gauss(0, 0.1)
                use = max(0.08, 1.1 + 0.7 * math.sin(minute / 720 * math.pi - 2) + 0.2 * (day % 7 > 4) + slow)
                volts = 241 - 1.5 * use + draw.gauss(0, 0.8)
                values = "?;?;?;?;?;?;" if gap <= minute < gap + 60 else (
                    f"{use:.3f};{draw.uniform(0, 0.3):.3f};{volts:.3f};{use * 4.2:.3f};{draw.choice((0, 0, 1)):.3f};"
                    f"{draw.choice((0, 1, 2)):.3f};{draw.choice((0, 17, 18)):.3f}")
                out.write(f"{date};{minute // 60:02}:{minute % 60:02}:00;{values}\n")


def parameters(url, spec):
    return call(f"{url}/experiments?validate_only=true", spec)["model"]["parameters"]


def pair(url, spec):
    """A QLSTM and an LSTM whose numbers of parameters are nearest to each other, of hidden sizes about 8; with the numbers."""
    def sized(layer, sizes):
        found = [{**layer, "hidden_size": size} for size in sizes]
        return [(one, parameters(url, {**spec, "model": {"layers": [one]}})) for one in found]

    quantum, classical = sized(QLSTM, range(5, 12)), sized({"type": "lstm"}, range(1, 16))
    return min(((q, c) for q in quantum for c in classical),
               key=lambda two: (abs(two[0][1] - two[1][1]), abs(two[0][0]["hidden_size"] - 8)))


def score_of(rows, score):
    """Of several targets or horizons the root of the mean square, else the number itself."""
    values = [row[score] for row in rows]
    return math.sqrt(statistics.fmean(v * v for v in values)) if score == "rmse" else values[0]


def train(url, spec, layer, seed):
    training = {**spec["training"], "seed": seed}
    done = call(f"{url}/experiments", {**spec, "model": {"layers": [layer]}, "training": training})
    while not done["terminal"]:
        done = call(f"{url}/experiments/{done['id']}?wait=30")
    return done


def run(url, spec, layer, score):
    found, base = [], {}
    for seed in SEEDS:
        done = train(url, spec, layer, seed)
        report = call(f"{url}/experiments/{done['id']}/report")
        found.append(score_of(report["metrics"]["test"], score))
        base = {name: score_of(rows["test"], score) for name, rows in report["baselines"].items() if rows is not None}
    return found, base


def said(values):
    return f"{statistics.fmean(values):.3g} ({min(values):.3g} .. {max(values):.3g})"


def line_ahead(known, count):
    """A line over a window of values by least squares, again and again."""
    import numpy
    windows = numpy.array([known[k:k + WINDOW] + [1.0] for k in range(len(known) - WINDOW)])
    weights = numpy.linalg.lstsq(windows, numpy.array(known[WINDOW:]), rcond=None)[0]
    values = list(known)
    for _ in range(count):
        values.append(float(numpy.dot(weights, values[-WINDOW:] + [1.0])))
    return values[len(known):]


def error_of(said, truth):
    return math.sqrt(statistics.fmean((a - b) ** 2 for a, b in zip(said, truth, strict=True)))


def ahead(url, folder, name):
    file, count, period, training = AHEAD[name]
    head, *lines = (folder / file).read_text().splitlines()
    at = head.split(",").index("value")
    values = [float(line.split(",")[at]) for line in lines]
    known, truth = values[:-count], values[-count:]
    row = call(f"{url}/datasets?name=real-{name}", "\n".join([head] + lines[:-count] + [""]).encode(), "text/csv")
    spec = {"data": {"dataset": row["id"], "window": WINDOW, "scaling": "standard", "targets": ["value"],
                     "split": {"train": 0.8, "validation": 0.1}}, "training": training}
    base = {"last_value": [known[-1]] * count, "seasonal_naive": [known[k % period - period] for k in range(count)],
            "linear": line_ahead(known, count)}
    found = []
    for layer, parameters_ in pair(url, spec):
        runs = [train(url, spec, layer, seed) for seed in SEEDS]
        said_ = [call(f"{url}/experiments/{one['id']}/predict", {"steps": count})["outputs"][0] for one in runs]
        found.append((said([error_of([v for v, in rows], truth) for rows in said_]), parameters_))
    baselines = ", ".join(f"{key} {error_of(rows, truth):.3g}" for key, rows in base.items())
    print(f"| {name}, rmse of {count} rows | {baselines} | " + " | ".join(f"{text}, {n}" for text, n in found) + " |", flush=True)


def task(url, folder, name):
    file, how, data, training, score = TASKS[name]
    path = folder / file
    if name == "power" and not path.exists():
        make_power(path)
    kind = "text/csv" if not how else "text/plain"
    row = call(f"{url}/datasets?name=real-{name}&{how}", path.read_bytes(), kind)
    spec = {"data": {"dataset": row["id"], **data}, "training": training}
    (qlstm, count), (lstm, others) = pair(url, spec)
    quantum, base = run(url, spec, qlstm, score)
    classical, _ = run(url, spec, lstm, score)
    baselines = ", ".join(f"{key} {value:.3g}" for key, value in base.items())
    print(f"| {name}, {score} | {baselines} | {said(quantum)}, {count} | {said(classical)}, {others} |", flush=True)


if __name__ == "__main__":
    print("| task, score of the test part | baselines | QLSTM, parameters | LSTM, parameters |\n|---|---|---|---|", flush=True)
    for each in sys.argv[3:] or (*TASKS, *AHEAD):
        (ahead if each in AHEAD else task)(sys.argv[1], pathlib.Path(sys.argv[2]), each)
