"""Pictures of a run; needs matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Run


def plot_run(run: Run, metrics: list[dict[str, Any]], predictions: list[dict[str, Any]], axes: Any) -> Any:
    """Losses by epoch on a logarithmic axis; targets and predictions of all samples with the split."""
    import matplotlib.pyplot as plt

    if axes is None:
        _, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
    losses, truth = axes
    epochs = [row["epoch"] for row in metrics]
    for name in ("train_loss", "test_loss"):
        losses.plot(epochs, [row[name] for row in metrics], label=name.replace("_", " "))
    losses.set(xlabel="epoch", yscale="log", title=run.row["spec"]["name"] or run.id)
    losses.legend()
    data = run.row["spec"]["data"]
    target, horizons = data["targets"][0], data.get("horizon")
    if isinstance(horizons, list) and len(horizons) > 1:
        target = f"{target}_h{horizons[0]}"
    indices = range(len(predictions))
    truth.plot(indices, [row[target] for row in predictions], label=target, color="0.4")
    predicted = [row[f"{target}_predicted"] for row in predictions]
    truth.plot(indices, predicted, label="predicted", color="C3", linestyle="--")
    truth.axvline(sum(row["part"] == "train" for row in predictions) - 0.5, color="0.7", linewidth=1)
    truth.set(xlabel="sample", title="left of the line: trained on")
    truth.legend()
    return axes
