"""The same experiment with several seeds, and whether two models differ."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .tables import table

if TYPE_CHECKING:
    from .run import Run


class Comparison(NamedTuple):
    """A paired t test of two models over the same seeds. `difference` is the mean of first - second, `deviation` the
    sample deviation of the differences, `p` how likely so large a |t| is where the models do not differ (two-sided)."""

    metric: str
    pairs: int
    difference: float
    deviation: float
    t: float
    p: float

    def __str__(self) -> str:
        return (
            f"{self.metric}: mean difference {self.difference:+.4g} over {self.pairs} seeds "
            f"(deviation {self.deviation:.2g}), t = {self.t:.3g}, p = {self.p:.3g}"
        )


class Seeds(Sequence["Run"]):
    """Runs that differ in their seed alone."""

    def __init__(self, runs: list[Run]) -> None:
        self.runs = runs

    def __getitem__(self, index: Any) -> Any:
        return self.runs[index]

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    def wait(self, timeout: float | None = None, *, progress: bool | None = None) -> Seeds:
        """Until all have ended; the timeout is that of each."""
        for run in self.runs:
            run.wait(timeout, progress=progress)
        return self

    def by_seed(self, metric: str = "test_loss") -> dict[int, float]:
        """A result of each run by its seed."""
        return {run.row["spec"]["training"]["seed"]: float(run.results[metric]) for run in self.runs}

    def mean(self, metric: str = "test_loss") -> float:
        return statistics.fmean(self.by_seed(metric).values())

    def deviation(self, metric: str = "test_loss") -> float:
        """The sample deviation; 0 of one run."""
        values = list(self.by_seed(metric).values())
        return statistics.stdev(values) if len(values) > 1 else 0.0

    @property
    def results(self) -> Any:
        """One row a seed; a DataFrame or a list of dicts."""
        return table([{"seed": run.row["spec"]["training"]["seed"], "id": run.id, **run.results} for run in self.runs])

    def compare(self, other: Seeds, metric: str = "test_loss") -> Comparison:
        """A paired t test over the seeds that both have, at least two."""
        mine, theirs = self.by_seed(metric), other.by_seed(metric)
        differences = [mine[seed] - theirs[seed] for seed in mine if seed in theirs]
        return paired_t_test(differences, metric)


def paired_t_test(differences: Sequence[float], metric: str = "difference") -> Comparison:
    """Of differences of pairs, at least two."""
    n = len(differences)
    if n < 2:
        raise ValueError(f"a paired test needs two seeds that both models have; there are {n}")
    mean, deviation = statistics.fmean(differences), statistics.stdev(differences)
    if deviation == 0:
        return Comparison(metric, n, mean, 0.0, math.copysign(math.inf, mean) if mean else 0.0, 0.0 if mean else 1.0)
    t = mean / (deviation / math.sqrt(n))
    return Comparison(metric, n, mean, deviation, t, student_p(t, n - 1))


def student_p(t: float, freedom: int) -> float:
    """Two-sided p of Student's t with whole degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    angle = math.atan2(abs(t), math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2 == 1
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 if odd else 1, freedom - 1, 2):
        term *= cosine * cosine * k / (k + 1)
        total += term
    inside = (angle + sine * total) * 2 / math.pi if odd else sine * total
    return max(0.0, 1 - inside)
