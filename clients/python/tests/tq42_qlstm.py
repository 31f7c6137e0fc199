"""A program for TQ42, as its SDK's documentation of the QLSTM layer has it (early 2024), with a data set and a result:
nothing in it knows of qlstmd. The test runs it with `tq42` in its imports made `qlstm.tq42`."""

import sys

from google.protobuf.json_format import MessageToDict
from tq42.algorithm import (
    AlgorithmProto,
    ClassicalDenseLayer,
    DatasetStorageInfoProto,
    DiffMethodProto,
    GenericMLTrainMetadataProto,
    GenericMLTrainParametersProto,
    Layer,
    LossFuncProto,
    MLModelType,
    MLTrainInputsProto,
    OptimProto,
    QLSTMLayer,
    TrainDataProcessingParametersProto,
    TrainModelInfoProto,
)
from tq42.client import TQ42Client
from tq42.compute import HardwareProto
from tq42.dataset import Dataset, DatasetSensitivityProto
from tq42.experiment import list_all as list_all_experiments
from tq42.experiment_run import ExperimentRun
from tq42.organization import list_all as list_all_organizations
from tq42.project import list_all as list_all_projects

with TQ42Client() as client:
    client.login()
    org = list_all_organizations(client=client)[0]
    proj = list_all_projects(client=client, organization_id=org.id)[0]
    exp = list_all_experiments(client=client, project_id=proj.id)[0]
    print(f"running within {org.data.name}, {proj.data.name}, {exp.data.name}")

    dataset = Dataset.create(
        client=client,
        project_id=proj.id,
        name="tq42 example",
        description="four columns and what they make",
        sensitivity=DatasetSensitivityProto.GENERAL,
        file=sys.argv[1],
    )

    params = MessageToDict(
        GenericMLTrainMetadataProto(
            parameters=GenericMLTrainParametersProto(
                model_type=MLModelType.MLP,
                layers=[
                    Layer(
                        qlstm_layer=QLSTMLayer(
                            hidden_size=17, num_qubits=4, num_qlayers=1, depth=1, bidirectional=False, inversward=False
                        )
                    ),
                    Layer(classical_dense_layer=ClassicalDenseLayer(hidden_size=1, bias=False)),
                ],
                num_epochs=5,
                batch_size=16,
                learning_rate=0.05,
                k_fold=1,
                optim=OptimProto.ADAM,
                loss_func=LossFuncProto.MSE,
                diff_method=DiffMethodProto.ADJOINT,
                train_model_info=TrainModelInfoProto(name="tq42 first", description="a QLSTM layer and a dense one"),
                data_processing_parameters=TrainDataProcessingParametersProto(
                    input_columns=[0, 1, 2, 3], output_columns=[4]
                ),
            ),
            inputs=MLTrainInputsProto(data=DatasetStorageInfoProto(storage_id=dataset.id)),
        ),
        preserving_proto_field_name=True,
    )

    run = ExperimentRun.create(
        client=client,
        algorithm=AlgorithmProto.GENERIC_ML_TRAIN,
        experiment_id=exp.id,
        compute=HardwareProto.SMALL,
        parameters=params,
    )
    print(run.data)
    run = run.poll()
    print("completed:", run.completed)
    print("losses:", run.result["results"][0]["train_losses"])
    print("metrics:", run.result["results"][0]["test_metrics"])

    predictions = Dataset(client=client, id=run.outputs["inferred_evaluation_data"]["storage_id"])
    print("exported:", predictions.export(directory_path="."))
