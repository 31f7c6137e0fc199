"""What a report says of predictions, against scikit-learn and NumPy on the very same predictions."""
import csv
import json
import os

import numpy as np
import pytest
from sklearn import linear_model, metrics

import cases
import engine

WORKER = os.environ.get("QLSTM_WORKER", "build/qlstm-worker")
LSTM = {"layers": [{"type": "lstm", "hidden_size": 4}]}


def trained(folder, columns, spec):
    """(report, rows of predictions.csv)"""
    names = list(columns)
    lines = [",".join(names), *(",".join(f"{value:.17g}" for value in row) for row in zip(*columns.values()))]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    path = cases.write(folder / "spec.json", {"model": LSTM, "training": {"epochs": 3}, **spec})
    engine.run(WORKER, "train", path, "--out", folder / "out", "--data", folder / "rows.csv")
    report = json.loads((folder / "out/report.json").read_text())
    return report, list(csv.DictReader((folder / "out/predictions.csv").open()))


def column(rows, part, name):
    return np.array([float(row[name]) for row in rows if row["part"] == part])


def test_errors_of_a_forecast(tmp_path):
    t = np.arange(150)
    y = 10 + np.sin(0.5 * t) + 0.3 * np.cos(1.7 * t) + 0.01 * t
    report, rows = trained(tmp_path, {"value": y}, {"data": {"dataset": "mine", "window": 5, "horizon": 3, "period": 4}})
    for part in ("train", "test"):
        truth, predicted = column(rows, part, "value"), column(rows, part, "value_predicted")
        (found,) = report["metrics"][part]
        expected = {
            "mse": metrics.mean_squared_error(truth, predicted),
            "rmse": metrics.root_mean_squared_error(truth, predicted),
            "mae": metrics.mean_absolute_error(truth, predicted),
            "mape": 100 * metrics.mean_absolute_percentage_error(truth, predicted),
            "r2": metrics.r2_score(truth, predicted),
        }
        assert {key: found[key] for key in expected} == pytest.approx(expected, rel=1e-10)
    windows = np.lib.stride_tricks.sliding_window_view(y, 5)[: len(rows)]
    target, n = y[7 : 7 + len(rows)], report["data"]["train"]
    line = linear_model.LinearRegression().fit(windows[:n], target[:n]).predict(windows[n:])
    for name, predicted in (("linear", line), ("last_value", windows[n:, -1]), ("seasonal_naive", y[3:][n : len(rows)])):
        (found,) = report["baselines"][name]["test"]
        assert found["mse"] == pytest.approx(metrics.mean_squared_error(target[n:], predicted), rel=1e-8), name
        assert found["r2"] == pytest.approx(metrics.r2_score(target[n:], predicted), rel=1e-8), name


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_scores_of_classes(tmp_path, classes):
    rng = np.random.default_rng(classes)
    x = rng.normal(size=(300, 3))
    label = np.digitize(x.sum(axis=1) + rng.normal(size=300), np.linspace(-2, 2, classes + 1)[1:-1])
    spec = {"data": {"dataset": "mine", "task": "classification", "classes": classes}}
    report, rows = trained(tmp_path, {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "label": label}, spec)
    for part in ("train", "test"):
        truth, told = column(rows, part, "label").astype(int), column(rows, part, "label_predicted").astype(int)
        chances = np.stack([column(rows, part, f"label_probability_{k}") for k in range(classes)], axis=1)
        (found,) = report["metrics"][part]
        area = metrics.roc_auc_score(truth, chances[:, 1] if classes == 2 else chances, multi_class="ovr")
        macro = metrics.precision_recall_fscore_support(truth, told, average="macro", zero_division=0)
        expected = {
            "accuracy": metrics.accuracy_score(truth, told),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, told),
            "precision": macro[0], "recall": macro[1], "f1": macro[2],
            "cross_entropy": metrics.log_loss(truth, chances, labels=list(range(classes))),
            "roc_auc": area,
        }  # fmt: skip
        assert {key: found[key] for key in expected} == pytest.approx(expected, rel=1e-10)
        assert found["confusion"] == metrics.confusion_matrix(truth, told, labels=list(range(classes))).tolist()
        for k, entry in enumerate(found["by_class"]):
            recall_of_others = metrics.recall_score(truth != k, told != k)
            assert entry["specificity"] == pytest.approx(recall_of_others, rel=1e-10)
            assert entry["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth == k, chances[:, k]), rel=1e-10)
        largest = np.bincount(column(rows, "train", "label").astype(int)).argmax()
        (base,) = report["baselines"]["majority_class"][part]
        assert base["accuracy"] == pytest.approx(np.mean(truth == largest))
