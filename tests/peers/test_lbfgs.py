"""L-BFGS beside torch.optim.LBFGS: an LSTM trained for some epochs from the same weights.

With line searches batches are the whole training part: from batch to batch the loss is another function, whose searches
make of the last digit's differences others within a few epochs."""
import json
import os
import pathlib
import struct
import subprocess

import numpy as np
import pytest

torch = pytest.importorskip("torch")

WORKER = os.environ["QLSTM_WORKER"]
WINDOW, EPOCHS, HIDDEN = 4, 4, 3


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = torch.nn.LSTM(1, HIDDEN, batch_first=True).double()
        self.head = torch.nn.Linear(HIDDEN, 1).double()

    def forward(self, x):
        return self.head(self.cell(x)[0][:, -1])


def worker(*arguments):
    done = subprocess.run([WORKER, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tensors(path):
    data = pathlib.Path(path).read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + size])
    return {name: np.frombuffer(data, "<f8", np.prod(entry["shape"], dtype=int), 8 + size + entry["data_offsets"][0])
            for name, entry in header.items() if name != "__metadata__"}


def load(model, path):
    own, ours = model.state_dict(), tensors(path)
    names = {"cell.weight_ih_l0": "weight_ih", "cell.weight_hh_l0": "weight_hh", "cell.bias_ih_l0": "bias_ih",
             "cell.bias_hh_l0": "bias_hh", "head.weight": "layers.1.weight", "head.bias": "layers.1.bias"}
    for name, wanted in names.items():
        (found,) = [value for key, value in ours.items() if wanted in key]
        own[name] = torch.tensor(found.copy()).reshape(own[name].shape)
    model.load_state_dict(own)


@pytest.mark.parametrize("line_search, batch", [("strong_wolfe", 400), ("none", 40)])
def test_losses_and_weights(tmp_path, line_search, batch):
    spec = {"type": "lstm", "hidden_size": HIDDEN, "data": {"dataset": "sine", "window": WINDOW},
            "training": {"epochs": EPOCHS, "batch_size": batch, "shuffle": False,
                         "optimizer": {"type": "lbfgs", "learning_rate": 1 if line_search == "strong_wolfe" else 0.05,
                                       "history": 5, "iterations": 6, "line_search": line_search}}}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    worker("init", tmp_path / "spec.json", "--out", tmp_path / "w.safetensors")
    lines = [json.loads(line) for line in worker("train", tmp_path / "spec.json", "--out", tmp_path / "out").splitlines()]
    epochs = [line for line in lines if line["type"] == "epoch"]
    resolved = json.loads((tmp_path / "out" / "resolved-spec.json").read_text())
    assert resolved["training"]["optimizer"]["line_search"] == line_search

    report = json.loads((tmp_path / "out" / "report.json").read_text())
    scaling = report["scaling"]["inputs"][0]
    rows = (tmp_path / "out" / "predictions.csv").read_text().splitlines()[1:]
    truth = [float(row.split(",")[2]) for row in rows if row.startswith("train")]
    first = [float(value) for value in series(tmp_path)][:WINDOW]
    values = (np.array(first + truth) - scaling["offset"]) / scaling["factor"]
    x = torch.tensor(np.stack([values[i:i + WINDOW] for i in range(len(truth))])[..., None])
    y = torch.tensor(values[WINDOW:][:, None])

    model = Model()
    load(model, tmp_path / "w.safetensors")
    optimizer = torch.optim.LBFGS(model.parameters(), lr=spec["training"]["optimizer"]["learning_rate"], max_iter=6,
                                  history_size=5, line_search_fn=None if line_search == "none" else line_search)
    for epoch in epochs:
        losses = []
        for start in range(0, len(x), batch):
            def closure():
                optimizer.zero_grad()
                loss = ((model(x[start:start + batch]) - y[start:start + batch]) ** 2).mean()
                loss.backward()
                return loss
            losses.append(optimizer.step(closure).item())
        assert epoch["train_loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    trained = Model()
    load(trained, tmp_path / "out" / "weights.safetensors")
    for ours, theirs in zip(trained.parameters(), model.parameters()):
        np.testing.assert_allclose(ours.detach(), theirs.detach(), rtol=1e-3, atol=1e-5)


def series(folder):
    """The rows of the series that the windows are cut from: predictions begin behind the first window."""
    spec = {"type": "lstm", "hidden_size": 1, "data": {"dataset": "sine", "window": 1}, "training": {"epochs": 1}}
    (folder / "short.json").write_text(json.dumps(spec))
    worker("train", folder / "short.json", "--out", folder / "short")
    rows = (folder / "short" / "predictions.csv").read_text().splitlines()[1:]
    first_input = 0.0  # sin(0): row 0 is no window's target
    return [first_input] + [float(row.split(",")[2]) for row in rows]
