"""TQ42's SDK by other imports: its example as a program, and what its calls answer here."""

import importlib
import json
import math
import os
import pathlib
import re
import subprocess
import sys

import client_service
import pytest

json_format = pytest.importorskip("google.protobuf.json_format")
from qlstm.tq42 import algorithm, compute, exceptions  # noqa: E402
from qlstm.tq42.client import TQ42Client, defaults  # noqa: E402
from qlstm.tq42.dataset import Dataset, DatasetSensitivityProto  # noqa: E402
from qlstm.tq42.dataset import list_all as list_datasets  # noqa: E402
from qlstm.tq42.experiment import Experiment  # noqa: E402
from qlstm.tq42.experiment import list_all as list_experiments  # noqa: E402
from qlstm.tq42.experiment_run import ExperimentRun, ExperimentRunStatusProto, HardwareProto  # noqa: E402
from qlstm.tq42.experiment_run import list_all as list_runs  # noqa: E402
from qlstm.tq42.model import Model  # noqa: E402
from qlstm.tq42.model import list_all as list_models  # noqa: E402
from qlstm.tq42.organization import Organization  # noqa: E402
from qlstm.tq42.project import Project  # noqa: E402
from qlstm.tq42.project import list_all as list_projects  # noqa: E402

TABLE = "a,b,c,d,power\n" + "".join(
    f"{i % 7 / 7:.3f},{i % 5 / 5:.3f},{i % 3 / 3:.3f},{i % 2},{math.sin(i / 7) + 2:.4f}\n" for i in range(60)
)


@pytest.fixture(scope="module")
def sdk(client):
    with TQ42Client(client.url) as made:
        yield made


@pytest.fixture(scope="module")
def dataset(sdk, tmp_path_factory):
    path = tmp_path_factory.mktemp("tq42") / "table.csv"
    path.write_text(TABLE)
    return Dataset.create(
        client=sdk, project_id="default", name="tq42 rows", description="rows", file=str(path),
        sensitivity=DatasetSensitivityProto.PUBLIC)  # fmt: skip


def request(dataset, **changes):
    parameters = {
        "layers": [{"qlstm_layer": {"hidden_size": 4, "num_qubits": 2}}, {"classical_dense_layer": {"hidden_size": 1}}],
        "num_epochs": 2, "data_processing_parameters": {"input_columns": [0, 1], "output_columns": [4]}, **changes,
    }  # fmt: skip
    return {"parameters": parameters, "inputs": {"data": {"storage_id": dataset.id}}}


def create(sdk, dataset, experiment="tq42-runs", **changes):
    return ExperimentRun.create(
        client=sdk, algorithm="GENERIC_ML_TRAIN", version="0.1.0", experiment_id=experiment,
        compute=HardwareProto.SMALL, parameters=request(dataset, **changes))  # fmt: skip


def test_the_example_runs_with_other_imports(client, tmp_path):
    written = (client_service.PACKAGE / "tests" / "tq42_qlstm.py").read_text()
    program, changed = re.subn(r"^from tq42\.", "from qlstm.tq42.", written, flags=re.MULTILINE)
    assert changed == 8 and "qlstm.tq42" not in written.split('"""', 2)[2]
    (tmp_path / "program.py").write_text(program)
    (tmp_path / "table.csv").write_text(TABLE)
    ran = subprocess.run(
        [sys.executable, "program.py", "table.csv"], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "QLSTM_URL": client.url, "PYTHONPATH": str(client_service.PACKAGE)})  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (
        "completed: True" in ran.stdout
        and "status: QUEUED" in ran.stdout
        and 'algorithm: "GENERIC_ML_TRAIN"' in ran.stdout
    )
    losses = json.loads(re.search(r"^losses: (.*)$", ran.stdout, re.MULTILINE)[1])
    assert len(losses) == 5 and all(math.isfinite(loss) for loss in losses)
    assert re.search(r"^metrics: \{.*'mse': [\d.e-]+", ran.stdout, re.MULTILINE)
    assert (tmp_path / "tq42 first" / "predictions.csv").read_text().startswith("part,index,")
    (run,) = [run for run in client.runs(project="default") if run.spec["name"] == "tq42 first"]
    layers = run.spec["model"]["layers"]
    assert layers[0]["hidden_size"] == 17 and layers[0]["n_qubits"] == 4
    assert layers[1]["bias"] is False, "what is said is sent, false as well"
    assert run.spec["training"]["optimizer"]["learning_rate"] == 0.05, "and every digit"


def test_a_run_in_the_shape_of_the_sdk(sdk, dataset, client):
    run = create(sdk, dataset).poll(tries=100, delay=2)
    data = run.data
    assert run.completed and data.status == ExperimentRunStatusProto.COMPLETED == 6
    assert (data.experiment_id, data.algorithm, data.version) == ("tq42-runs", "GENERIC_ML_TRAIN", "0.1.0")
    assert (
        data.hardware == HardwareProto.SMALL and data.finished_at.ToMilliseconds() >= data.created_at.ToMilliseconds()
    )
    outcome = client.transport.json("GET", f"/experiments/{run.id}/outcome")
    assert run.result == outcome["result"] == json.loads(data.result.result_json) and run.outputs == outcome["outputs"]
    assert repr(run) == f"<ExperimentRun Id={run.id}>" and f'"id": "{run.id}"' in str(run)
    (listed,) = list_runs(client=sdk, experiment_id="tq42-runs")
    assert listed.id == run.id and listed.result == run.result and listed.check().data == data
    assert repr(list_runs(sdk, "tq42-runs")) == f"ExperimentRunList: [\n  <ExperimentRun Id={run.id}>\n]"
    model = Model(client=sdk, id=run.outputs["model"]["storage_id"])
    assert model.data.model_metadata.experiment_run_id == run.id
    assert [model.id for model in list_models(sdk, "tq42-runs")] == [run.id]
    assert "tq42-runs" in [project.id for project in list_projects(client=sdk)]


def test_a_model_asked_about_other_data(sdk, dataset, tmp_path):
    trained = create(sdk, dataset, experiment="tq42-infer").poll(tries=100, delay=2)
    (tmp_path / "new.csv").write_text("a,b\n0.1,0.2\n0.3,0.4\n")
    new = Dataset.create(
        sdk, "default", "tq42 new rows", "", DatasetSensitivityProto.PUBLIC, file=str(tmp_path / "new.csv")
    )
    parameters = json_format.MessageToDict(
        algorithm.GenericMLInferMetadataProto(
            parameters=algorithm.GenericMLInferParametersProto(
                data_processing_parameters=algorithm.InferDataProcessingParametersProto(input_columns=[0, 1])
            ),
            inputs=algorithm.TSEvalInputsProto(
                model=algorithm.ModelStorageInfoProto(storage_id=trained.outputs["model"]["storage_id"]),
                data=algorithm.DatasetStorageInfoProto(storage_id=new.id),
            ),
        ),
        preserving_proto_field_name=True,
    )
    run = ExperimentRun.create(
        sdk, algorithm.AlgorithmProto.GENERIC_ML_INFER, experiment_id="tq42-infer", parameters=parameters
    )
    run.poll(tries=100, delay=2)
    assert run.completed and set(run.result["input_scales"]) == {"a", "b"}
    inferred = Dataset(sdk, run.outputs["inferred_data"]["storage_id"])
    (path,) = inferred.export(str(tmp_path))
    assert [line.split(",")[3] != "" for line in pathlib.Path(path).read_text().splitlines()] == [True] * 3
    assert [model.id for model in list_models(sdk, "tq42-infer")] == [trained.id], "what only predicts has no model"


def test_cancel_and_results_that_are_not_there(sdk, dataset):
    run = create(sdk, dataset, num_epochs=100000)
    assert run.result is None and run.outputs is None and not run.completed
    with pytest.raises(exceptions.ExceedRetriesError):
        run.poll(tries=1, initial_delay=0, delay=0)
    assert run.cancel().poll(tries=100).data.status == ExperimentRunStatusProto.CANCELLED
    with pytest.raises(exceptions.ExperimentRunCancelError, match="it has ended"):
        run.cancel()


def test_refusals_name_the_field(sdk, dataset):
    with pytest.raises(exceptions.InvalidArgumentError) as found:
        create(sdk, dataset, num_epochs=0)
    assert "num_epochs" in str(found.value) or "0" in found.value.details
    assert found.value.__cause__.field == "parameters/num_epochs" and found.value.__cause__.allowed == "1 to 100000"
    with pytest.raises(
        exceptions.InvalidArgumentError, match="TS_HQLSTM_TRAIN, GENERIC_ML_INFER, TS_HQLSTM_EVAL, and no TOY"
    ):
        ExperimentRun.create(client=sdk, algorithm="TOY", version="0.1.0", experiment_id="x", compute=1, parameters={})
    with pytest.raises(exceptions.InvalidArgumentError):
        ExperimentRun(client=sdk, id="01HZZZZZZZZZZZZZZZZZZZZZZZ")
    with pytest.raises(exceptions.InvalidArgumentError, match="gs://bucket"):
        Dataset.create(sdk, "default", "n", "d", DatasetSensitivityProto.PUBLIC, url="gs://bucket")
    with pytest.raises(ValueError, match="file and url"):
        Dataset.create(sdk, "default", "n", "d", DatasetSensitivityProto.PUBLIC)
    with pytest.raises(ConnectionError):
        list_datasets(TQ42Client("http://127.0.0.1:9", retries=0), "default")


def test_data_sets(sdk, dataset, tmp_path):
    assert dataset.data.name == "tq42 rows" and dataset.data.dataset_metadata.sensitivity == 1
    assert dataset.id in [found.id for found in list_datasets(client=sdk, project_id="default")]
    (path,) = Dataset(sdk, dataset.id).export(str(tmp_path))
    assert pathlib.Path(path).read_text() == TABLE
    with pytest.raises(exceptions.InvalidArgumentError, match="already"):
        dataset.export(str(tmp_path))
    with pytest.raises(ValueError, match="no folder"):
        dataset.export(str(tmp_path / "absent"))
    (tmp_path / "other.csv").write_text("x\n1\n2\n3\n")
    other = Dataset.create(
        sdk, "default", "tq42 other", "", DatasetSensitivityProto.PUBLIC, file=str(tmp_path / "other.csv")
    )
    other.delete()
    assert other.data.status == 6
    with pytest.raises(exceptions.InvalidArgumentError):
        other._refresh()


def test_organization_project_experiment(sdk):
    org = Organization.get_default_org(sdk)
    assert (org.id, org.data.name) == ("local", "qlstmd") and Organization(sdk, org.id).data == org.data
    with pytest.raises(exceptions.NoDefaultError):
        Project.show(sdk)
    try:
        org.set()
        assert Project.show(sdk).id == "default"
        Project(sdk, "mine").set()
        assert [exp.id for exp in list_experiments(sdk)] == ["mine"] and Experiment(
            sdk, "mine"
        ).data.project_id == "mine"
    finally:
        defaults.clear()
    with pytest.raises(exceptions.InvalidArgumentError, match="'better' in place of 'mine'"):
        Project(sdk, "mine").set_friendly_name("better")


def test_compute_and_words():
    assert [str(found.hardware) for found in compute.list_all()] == ["1", "3", "4", "6"]
    assert compute.Compute(HardwareProto.SMALL_GPU).show_details().name == "SMALL_GPU"
    assert algorithm.LossFuncProto.Name(2) == "MAE" and algorithm.MeasurementModeProto.EVEN == 1
    assert set(algorithm.__all__) >= {"Layer", "QLSTMLayer", "OptimProto"}
    with pytest.raises(AttributeError):
        importlib.import_module("qlstm.tq42.algorithm").NoSuchLayer  # noqa: B018
    with pytest.raises(ValueError, match="num_qubit"):
        algorithm.QLSTMLayer(num_qubit=4)
    layer = algorithm.Layer(qlstm_layer=algorithm.QLSTMLayer(hidden_size=17, inversward=False))
    assert json_format.MessageToDict(layer, preserving_proto_field_name=True) == {
        "qlstm_layer": {"hidden_size": 17, "inversward": False}}  # fmt: skip
