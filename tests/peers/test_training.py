"""Whole trainings against torch: the same initial weights, batches in order, and after some epochs the same weights."""
import json
import os

import numpy as np
import pytest
import torch

import cases
import engine
from safetensors.numpy import load_file

WORKER = os.environ.get("QLSTM_WORKER", "build/qlstm-worker")
EPOCHS, BATCH, WINDOW, HIDDEN = 6, 16, 5, 4
LOSSES = {
    "mse": torch.nn.MSELoss(),
    "mae": torch.nn.L1Loss(),
    "huber": torch.nn.HuberLoss(delta=0.2),
    "quantile": lambda y, t: torch.maximum(0.8 * (t - y), -0.2 * (t - y)).mean(),
}
MORE = {"huber": {"huber_delta": 0.2}, "quantile": {"quantile": 0.8}}
OPTIMIZERS = [
    ({"type": "sgd", "momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9}),
    ({"type": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}, torch.optim.SGD,
     {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}),
    ({"type": "rmsprop", "momentum": 0.5}, torch.optim.RMSprop, {"alpha": 0.99, "momentum": 0.5}),
    ({"type": "adam", "weight_decay": 1e-3}, torch.optim.Adam, {"weight_decay": 1e-3}),
    ({"type": "adamw", "weight_decay": 0.1}, torch.optim.AdamW, {"weight_decay": 0.1}),
    ({"type": "adagrad"}, torch.optim.Adagrad, {"eps": 1e-8}),
]  # fmt: skip
SCHEDULES = [
    ({"type": "constant"}, lambda o: torch.optim.lr_scheduler.ConstantLR(o, factor=1)),
    ({"type": "step", "step_epochs": 2, "factor": 0.5}, lambda o: torch.optim.lr_scheduler.StepLR(o, 2, 0.5)),
    ({"type": "cosine", "minimum": 0.1}, lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, EPOCHS, 0.001)),
]


class Model(torch.nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.lstm = torch.nn.LSTM(1, HIDDEN, batch_first=True, dtype=torch.float64)
        self.head = torch.nn.Linear(HIDDEN, 1, dtype=torch.float64)
        for name, parameter in self.named().items():
            parameter.data = torch.tensor(weights[name])

    def named(self):
        cell = {f"layers.0.{name}": getattr(self.lstm, name + "_l0") for name in (
            "weight_ih", "weight_hh", "bias_ih", "bias_hh")}  # fmt: skip
        return cell | {"layers.1.weight": self.head.weight, "layers.1.bias": self.head.bias}

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def ours(folder, training):
    """(initial weights, those after all epochs, history)"""
    series = 3 + np.sin(0.3 * np.arange(160)) + 0.2 * np.cos(1.1 * np.arange(160))
    (folder / "rows.csv").write_text("value\n" + "".join(f"{value:.17g}\n" for value in series))
    spec = {"data": {"dataset": "mine", "window": WINDOW, "scaling_fit": "all"},
            "model": {"layers": [{"type": "lstm", "hidden_size": HIDDEN}]},
            "training": {"epochs": EPOCHS, "batch_size": BATCH, **training}}  # fmt: skip
    path = cases.write(folder / "spec.json", spec)
    engine.run(WORKER, "init", path, "--out", folder / "start.safetensors")
    engine.run(WORKER, "train", path, "--out", folder / "out", "--data", folder / "rows.csv")
    report = json.loads((folder / "out/report.json").read_text())
    low, high = series.min(), series.max()
    scaled = (series - (low + high) / 2) / ((high - low) / 2)
    return (load_file(folder / "start.safetensors"), load_file(folder / "out/weights.safetensors"), report,
            torch.tensor(scaled))  # fmt: skip


def compare(folder, training, loss, make, arguments, schedule):
    start, end, report, series = ours(folder, training)
    model = Model(start)
    optimizer = make(model.parameters(), lr=training["optimizer"]["learning_rate"], **arguments)
    scheduler = schedule(optimizer)
    n = report["data"]["train"]
    x = series.unfold(0, WINDOW, 1)[:n].unsqueeze(-1)
    y = series[WINDOW : WINDOW + n].unsqueeze(-1)
    for epoch in range(EPOCHS):
        losses = []
        for first in range(0, n, BATCH):
            optimizer.zero_grad()
            value = loss(model(x[first : first + BATCH]), y[first : first + BATCH])
            value.backward()
            optimizer.step()
            losses.append(value.item())
        scheduler.step()
        assert report["history"][epoch]["train_loss"] == pytest.approx(np.mean(losses), rel=1e-9)
    for name, parameter in model.named().items():
        np.testing.assert_allclose(parameter.detach().numpy(), end[name], rtol=1e-8, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("k", range(len(OPTIMIZERS)))
def test_optimizers(tmp_path, k):
    ours_, make, arguments = OPTIMIZERS[k]
    compare(tmp_path, {"optimizer": {**ours_, "learning_rate": 0.01}}, LOSSES["mse"], make, arguments, SCHEDULES[0][1])


@pytest.mark.parametrize("name", LOSSES)
def test_losses(tmp_path, name):
    training = {"loss": name, **MORE.get(name, {}), "optimizer": {"type": "adam", "learning_rate": 0.01}}
    compare(tmp_path, training, LOSSES[name], torch.optim.Adam, {}, SCHEDULES[0][1])


@pytest.mark.parametrize("k", range(len(SCHEDULES)))
def test_schedules(tmp_path, k):
    training = {"schedule": SCHEDULES[k][0], "optimizer": {"type": "adam", "learning_rate": 0.01}}
    compare(tmp_path, training, LOSSES["mse"], torch.optim.Adam, {}, SCHEDULES[k][1])
