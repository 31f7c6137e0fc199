"""The scikit-learn estimators against the real daemon, in scikit-learn's own tools."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from qlstm.sklearn import QLSTMClassifier, QLSTMRegressor  # noqa: E402

rng = np.random.default_rng(1)
X = rng.uniform(-1, 1, size=(90, 4))
LABELS = np.where(X[:, 0] + X[:, 1] > 0, "up", "down")


@pytest.fixture(autouse=True)
def address(client, monkeypatch):
    monkeypatch.setenv("QLSTM_URL", client.url)


def test_regressor():
    y = X @ [1.0, -2.0, 0.5, 0.0]
    model = QLSTMRegressor(type="lstm", hidden_size=8, epochs=60, optimizer="adam", learning_rate=0.02).fit(X, y)
    assert model.score(X, y) > 0.9 and model.predict(X).shape == (90,)
    assert model.run_.row["data"]["train"] == 90, "all rows are trained on"
    assert model.run_.spec["training"]["optimizer"]["type"] == "adam"
    several = QLSTMRegressor(type="gru", epochs=2).fit(X, np.column_stack([y, -y]))
    assert several.predict(X).shape == (90, 2)
    with pytest.raises(ValueError, match="expecting 4 features"):
        model.predict(X[:, :3])
    assert (pickle.loads(pickle.dumps(model)).predict(X) == model.predict(X)).all()


def test_classifier():
    model = QLSTMClassifier(type="gru", hidden_size=6, epochs=40, optimizer="adam", learning_rate=0.03).fit(X, LABELS)
    assert model.score(X, LABELS) > 0.9 and set(model.predict(X)) == {"up", "down"}
    assert list(model.classes_) == ["down", "up"]
    assert (model.classes_[model.predict_proba(X).argmax(axis=1)] == model.predict(X)).all()


def test_sequences():
    model = QLSTMClassifier(hidden_size=3, n_qubits=2, epochs=2).fit(X.reshape(90, 2, 2), LABELS)
    assert model.run_.spec["data"]["steps"] == 2 and model.predict(X.reshape(90, 2, 2)).shape == (90,)
    assert QLSTMClassifier(type="rnn", epochs=1, steps=2, split=0.5).fit(X, LABELS).run_.row["data"]["train"] == 45


def test_in_the_tools_of_scikit_learn(client):
    base = QLSTMClassifier(client=client, type="rnn", epochs=3, seed=5)
    assert clone(base).get_params()["epochs"] == 3 and clone(base).set_params(epochs=4).get_params()["epochs"] == 4
    search = GridSearchCV(base, {"hidden_size": [2, 6], "epochs": [1, 12]}, cv=2, n_jobs=1).fit(X, LABELS)
    assert search.best_params_["epochs"] == 12 and len(search.cv_results_["params"]) == 4
    scores = cross_val_score(make_pipeline(StandardScaler(), QLSTMRegressor(type="lstm", epochs=2)), X, X[:, 0], cv=2)
    assert np.isfinite(scores).all()
    assert "epochs=3" in repr(base)


@pytest.mark.parametrize("kind", [QLSTMRegressor, QLSTMClassifier])
def test_check_estimator(kind):
    """All of scikit-learn's checks but one: hyperparameters are kept in one attribute, because their names are those of
    the service's schema and not those of a signature."""
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    estimator = kind(type="rnn", hidden_size=8, epochs=40, optimizer="adam", learning_rate=0.02)
    found = checks.check_estimator(estimator, on_fail=None)
    assert len(found) > 40
    failed = {check["check_name"]: check["exception"] for check in found if check["status"] == "failed"}
    assert set(failed) == {"check_no_attributes_set_in_init"}, failed
