"""MLflow's own client: it reads the service, and gets runs carried over to a store of its own."""

import pathlib
import subprocess

import pytest

mlflow = pytest.importorskip("mlflow")
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

import qlstm  # noqa: E402
import qlstm.mlflow  # noqa: E402
from qlstm.command import main  # noqa: E402
from qlstm.server import find_daemon  # noqa: E402
from qlstm.tables import rows_of  # noqa: E402


@pytest.fixture(scope="module")
def runs(client):
    made = [
        client.train(project="with mlflow", name=f"run {seed}", tags=["kind=first"], epochs=3, hidden_size=2, seed=seed)
        for seed in (1, 2)
    ]
    return [run.wait(progress=False) for run in made]


def check(found, run):
    """A run of MLflow beside ours."""
    metrics = rows_of(run.metrics)
    names = [name for name, value in metrics[-1].items() if name not in ("epoch", "seconds") and value is not None]
    assert found.info.status == "FINISHED" and found.info.run_name == run.spec["name"]
    assert {name: found.data.metrics[name] for name in names} == {name: metrics[-1][name] for name in names}
    assert found.data.params["training.epochs"] == "3" and found.data.params["model.layers.0.hidden_size"] == "2"
    assert found.data.tags["kind"] == "first"


def test_it_reads_the_service(client, runs, tmp_path):
    server = MlflowClient(tracking_uri=client.url)
    experiment = server.get_experiment_by_name("with mlflow")
    assert experiment.experiment_id in [each.experiment_id for each in server.search_experiments()]
    assert server.get_experiment(experiment.experiment_id).name == "with mlflow"
    assert server.get_experiment_by_name("nobody's") is None
    run = server.get_run(runs[0].id)
    check(run, runs[0])
    history = server.get_metric_history(runs[0].id, "test_loss")
    assert [(point.step, point.value) for point in history] == [
        (row["epoch"], row["test_loss"]) for row in rows_of(runs[0].metrics)
    ]
    ids = [experiment.experiment_id]
    found = server.search_runs(
        ids, "params.`training.seed` = '2' and metrics.test_loss >= 0", order_by=["metrics.test_loss"]
    )
    assert [each.info.run_id for each in found] == [runs[1].id]
    first = server.search_runs(ids, max_results=1)
    second = server.search_runs(ids, max_results=1, page_token=first.token)
    assert [first[0].info.run_id, second[0].info.run_id] == [runs[1].id, runs[0].id] and second.token is None
    files = {each.path: each.file_size for each in server.list_artifacts(runs[0].id)}
    assert files["weights.safetensors"] == len(runs[0].weights().content)
    path = server.download_artifacts(runs[0].id, "report.json", str(tmp_path))
    assert pathlib.Path(path).read_bytes() == runs[0].content("report")
    whole = mlflow.artifacts.download_artifacts(
        run_id=runs[0].id, dst_path=str(tmp_path / "all"), tracking_uri=client.url
    )
    assert {each.name for each in pathlib.Path(whole).iterdir()} == set(files)
    with pytest.raises(MlflowException, match="there is no experiment"):
        server.get_run("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    with pytest.raises(MlflowException):
        server.create_experiment("not here")


def test_a_table_of_all_runs(client, runs, monkeypatch):
    pytest.importorskip("pandas")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", client.url)
    table = mlflow.search_runs(experiment_names=["with mlflow"], order_by=["start_time ASC"])
    assert list(table["run_id"]) == [run.id for run in runs] and list(table["params.training.seed"]) == ["1", "2"]


def test_with_a_key(monkeypatch, tmp_path):
    data = str(tmp_path / "data")
    with qlstm.serve(data=data):
        pass
    add = [find_daemon(), "key", "add", "alice", "--data", data]
    key = subprocess.run(add, capture_output=True, text=True, check=True).stdout.strip()
    with qlstm.serve("--require-keys", data=data, key=key) as service:
        run = service.train(epochs=1, hidden_size=2).wait(progress=False)
        monkeypatch.delenv("MLFLOW_TRACKING_TOKEN", raising=False)
        with pytest.raises(MlflowException, match="UNAUTHENTICATED|needs a key"):
            MlflowClient(tracking_uri=service.url).get_run(run.id)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", key)
        assert MlflowClient(tracking_uri=service.url).get_run(run.id).info.user_id == "alice"


def test_runs_are_carried_over(client, runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "store").as_uri()
    there = qlstm.mlflow.forward(runs, uri)
    store = MlflowClient(tracking_uri=uri)
    for id, run in zip(there, runs):
        found = store.get_run(id)
        check(found, run)
        history = store.get_metric_history(id, "train_loss")
        assert [(p.step, p.value) for p in history] == [
            (row["epoch"], row["train_loss"]) for row in rows_of(run.metrics)
        ]
        assert {each.path for each in store.list_artifacts(id)} == set(qlstm.mlflow.FILES)
    assert qlstm.mlflow.forward(runs[0], uri) == there[:1], "once each"
    assert (
        main(["--url", client.url, "forward", runs[1].id, "--to", uri]) == 0
        and capsys.readouterr().out == f"{there[1]}\n"
    )
    assert len(store.search_runs([store.get_experiment_by_name("with mlflow").experiment_id])) == 2
