"""scikit-learn estimators that train on the service.

    model = QLSTMRegressor(hidden_size=4, epochs=30).fit(X, y)
    GridSearchCV(QLSTMClassifier(epochs=20), {"hidden_size": [4, 8]}).fit(X, y)

Every row of X is a sample, read as a sequence of one value a step; of [sample][step][feature], or with `steps=`, of as
many steps. All hyperparameters of `Client.train` are parameters, by name. The service is `client`, else that of
$QLSTM_URL.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, column_or_1d

from .client import Client


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What both have. After `fit`: `run_`, the run."""

    def __init__(self, client: Client | None = None, **hyperparameters: Any) -> None:
        self.client = client
        self.hyperparameters = hyperparameters

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"client": self.client, **self.hyperparameters}

    def set_params(self, **parameters: Any) -> Any:
        self.client = parameters.pop("client", self.client)
        self.hyperparameters = {**self.hyperparameters, **parameters}
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = isinstance(self, QLSTMRegressor)
        return tags

    def _targets(self, y: Any) -> Any:
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        return y

    def _inputs(self, X: Any, fitting: bool = False) -> tuple[Any, int | None]:
        """Rows of inputs, and the steps that a third dimension of X says."""
        if hasattr(X, "columns"):
            X = X.to_numpy()
        X = check_array(X, dtype=np.float64, allow_nd=True)
        steps = X.shape[1] if X.ndim == 3 else None
        rows = X.reshape(len(X), -1)
        if fitting:
            self.n_features_in_ = rows.shape[1]
        elif rows.shape[1] != self.n_features_in_:
            name, given, known = type(self).__name__, rows.shape[1], self.n_features_in_
            raise ValueError(f"X has {given} features, but {name} is expecting {known} features as input")
        return rows, steps

    def _train(self, X: Any, y: Any, task: dict[str, Any]) -> None:
        """All rows are trained on: the test part, which the service wants, is a copy of the last row; unless `split`
        says otherwise."""
        rows, steps = self._inputs(X, fitting=True)
        check_consistent_length(rows, y)
        table = np.column_stack([rows, y])
        data = dict(task)
        if "split" not in self.hyperparameters:
            count = len(table)
            table = np.vstack([table, table[-1:]])
            data["split"] = {"train": (count + 0.5) / (count + 1)}
        if steps is not None:
            data["steps"] = steps
        client = self.client or Client()
        data["dataset"] = client.upload(table)["id"]
        data["targets"] = list(range(rows.shape[1], table.shape[1]))
        self.run_ = client.train(**{**self.hyperparameters, "data": {**self.hyperparameters.get("data", {}), **data}})
        self.run_.wait(progress=False)

    def _rows(self, X: Any) -> Any:
        check_is_fitted(self, "run_")
        return self._inputs(X)[0]


class QLSTMRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """Numbers as targets, one or several."""

    def fit(self, X: Any, y: Any) -> QLSTMRegressor:
        y = check_array(self._targets(y), dtype=np.float64, ensure_2d=False)
        self._flat = y.ndim == 1
        self._train(X, y, {"task": "regression"})
        return self

    def predict(self, X: Any) -> Any:
        rows = self._rows(X)
        found = self.run_.predict(rows)
        return found[:, 0] if self._flat else found


class QLSTMClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """Classes of any labels."""

    def fit(self, X: Any, y: Any) -> QLSTMClassifier:
        check_classification_targets(self._targets(y))
        self.classes_, y = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"{type(self).__name__} needs two classes or more; y has one class")
        self._train(X, y, {"task": "classification", "classes": len(self.classes_)})
        return self

    def predict(self, X: Any) -> Any:
        rows = self._rows(X)
        return self.classes_[self.run_.predict(rows)]

    def predict_proba(self, X: Any) -> Any:
        rows = self._rows(X)
        return self.run_.predict_proba(rows)
