"""The SDK's messages and enums, as protobuf messages made from two tables: a row a message, `name:type` a field.

A field that was given is sent, false and 0 as well (the SDK's own messages drop those).
"""

from __future__ import annotations

from typing import Any

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2, timestamp_pb2
    from google.protobuf.internal import enum_type_wrapper
except ImportError as missing:
    raise ImportError("qlstm.tq42 needs protobuf: pip install 'qlstm[tq42]', on Debian python3-protobuf") from missing

# Words are numbered from 0; `WORD=3` goes on from there.
ENUMS = {
    "ExperimentRunStatusProto": "EXPERIMENT_RUN_STATUS_UNSPECIFIED QUEUED PENDING RUNNING CANCEL_PENDING CANCELLED "
    "COMPLETED FAILED",
    "HardwareProto": "HARDWARE_UNSPECIFIED SMALL LARGE=3 SMALL_GPU LARGE_GPU=6",
    "AlgorithmProto": "ALGORITHM_UNSPECIFIED TETRA_OPT TETRA_OPT_LINEAR TETRA_OPT_QUBO TETRA_OPT_TSP TETRA_AML TOY "
    "TS_HQMLP_TRAIN TS_HQMLP_EVAL TS_HQLSTM_TRAIN TS_HQLSTM_EVAL CVA_OPT TETRA_QUENC TS_MLP_TRAIN TS_MLP_EVAL "
    "TS_LSTM_TRAIN TS_LSTM_EVAL CIRCUIT_RUN GENERIC_ML_TRAIN GENERIC_ML_INFER ROUTING TQML OPTIMAX",
    "OptimProto": "OPTIM_UNSPECIFIED ADAM ADAMW SGD",
    "LossFuncProto": "LOSS_FUNC_UNSPECIFIED MSE MAE BCE CROSSENTROPY",
    "MLModelType": "ML_MODEL_TYPE_UNSPECIFIED MLP RNN",
    "MeasurementModeProto": "MEASUREMENT_MODE_UNSPECIFIED EVEN SINGLE NONE",
    "MeasureProto": "MEASURE_UNSPECIFIED X Y Z",
    "EntanglingProto": "ENTANGLING_UNSPECIFIED BASIC STRONG",
    "DiffMethodProto": "DIFF_METHOD_UNSPECIFIED ADJOINT PARAMETER_SHIFT",
    "QubitTypeProto": "QUBIT_TYPE_UNSPECIFIED LIGHTNING_QUBIT LIGHTNING_GPU",
    "ActFuncProto": "ACT_FUNC_UNSPECIFIED RELU LEAKYRELU SIGMOID",
    "StorageType": "STORAGE_TYPE_UNSPECIFIED DATASET MODEL",
    "StorageStatusProto": "STORAGE_STATUS_UNSPECIFIED PENDING INITIALIZED TRANSFERRING FAILED COMPLETED "
    "PENDING_DELETION DELETED EMPTY",
    "DatasetSensitivityProto": "DATASET_SENSITIVITY_UNSPECIFIED PUBLIC GENERAL SENSITIVE CONFIDENTIAL",
}

_CIRCUIT = (
    "num_qubits:int depth:int measurement_mode:MeasurementModeProto rotation:MeasureProto "
    "entangling:EntanglingProto measure:MeasureProto"
)
_TRAINING = (
    "num_epochs:int batch_size:int learning_rate:real optim:OptimProto loss_func:LossFuncProto "
    "train_model_info:TrainModelInfoProto"
)
_QUANTUM = "phn_layer:PHNLayer pqn_layer:PQNLayer qdi_layer:QDILayer efq_layer:EFQLayer"

# int, real, bool, str, a message or an enum; `*` before it: a list. Of a message in ONE_OF one field is set at a time.
MESSAGES = {
    "ActivationFunctionLayer": "function:ActFuncProto",
    "DropoutLayer": "value:real",
    "BatchNormalizationLayer": "",
    "ClassicalDenseLayer": "hidden_size:int bias:bool",
    "ClassicalLSTMLayer": "hidden_size:int",
    "QLSTMLayer": "hidden_size:int num_qubits:int num_qlayers:int depth:int bidirectional:bool inversward:bool",
    "QDILayer": _CIRCUIT,
    "PQNLayer": _CIRCUIT,
    "EFQLayer": _CIRCUIT,
    "PHNLayer": "num_qubits:int depth:int hidden_size:int rotation:MeasureProto entangling:EntanglingProto "
    "measure:MeasureProto",
    "QuantumLayer": _QUANTUM,
    "CPHNLayer": "quantum_layer:QuantumLayer hidden_dim:*int",
    "DHNLayer": "quantum_layer:QuantumLayer start_index_classical_features:int hidden_dim:*int",
    "VariationalGate": "wire:int rotation:MeasureProto",
    "EncodingGate": "wire:int rotation:MeasureProto feature_id:int",
    "CnotGate": "wire1:int wire2:int",
    "HadamardGate": "wire:int",
    "MeasurementGate": "wire:int pauli:MeasureProto",
    "Gate": "variational:VariationalGate encoding:EncodingGate cnot:CnotGate hadamard:HadamardGate "
    "measurement:MeasurementGate",
    "CustomQuantumLayer": "num_qubits:int gates:*Gate",
    "Layer": "activation_function_layer:ActivationFunctionLayer dropout_layer:DropoutLayer "
    "batch_normalization_layer:BatchNormalizationLayer classical_dense_layer:ClassicalDenseLayer "
    f"classical_lstm_layer:ClassicalLSTMLayer {_QUANTUM} qlstm_layer:QLSTMLayer dhn_layer:DHNLayer "
    "cphn_layer:CPHNLayer custom_quantum_layer:CustomQuantumLayer",
    "TrainModelInfoProto": "name:str description:str",
    "TrainDataProcessingParametersProto": "input_columns:*int output_columns:*int timestamp_columns:*int",
    "DatasetStorageInfoProto": "storage_id:str",
    "ModelStorageInfoProto": "storage_id:str",
    "MLTrainInputsProto": "data:DatasetStorageInfoProto",
    "GenericMLTrainParametersProto": f"model_type:MLModelType layers:*Layer {_TRAINING} "
    "data_processing_parameters:TrainDataProcessingParametersProto k_fold:int diff_method:DiffMethodProto",
    "GenericMLTrainMetadataProto": "parameters:GenericMLTrainParametersProto inputs:MLTrainInputsProto",
    "TSHQLSTMTrainParametersProto": "input_width:int label_width:int hidden_size:int num_qubits:int depth:int "
    f"n_qlayers:int dropout_coef:real {_TRAINING} time_column:str target_column:str",
    "TSHQLSTMTrainMetadataProto": "parameters:TSHQLSTMTrainParametersProto inputs:MLTrainInputsProto",
    "InferDataProcessingParametersProto": "input_columns:*int timestamp_columns:*int",
    "TSEvalInputsProto": "model:ModelStorageInfoProto data:DatasetStorageInfoProto",
    "GenericMLInferParametersProto": "data_processing_parameters:InferDataProcessingParametersProto",
    "GenericMLInferMetadataProto": "parameters:GenericMLInferParametersProto inputs:TSEvalInputsProto",
    "TSHQLSTMEvalParametersProto": "input_width:int label_width:int hidden_size:int num_qubits:int depth:int "
    "n_qlayers:int dropout_coef:real time_column:str",
    "TSHQLSTMEvalMetadataProto": "parameters:TSHQLSTMEvalParametersProto inputs:TSEvalInputsProto",
    "OrganizationProto": "id:str name:str description:str is_personal_org:bool",
    "ProjectProto": "id:str organization_id:str name:str description:str created_by:str",
    "ExperimentProto": "id:str project_id:str name:str description:str created_by:str",
    "DatasetMetadataProto": "sensitivity:DatasetSensitivityProto",
    "ModelMetadataProto": "experiment_run_id:str",
    "StorageProto": "id:str name:str description:str type:StorageType project_id:str created_by:str "
    "status:StorageStatusProto created_at:Timestamp dataset_metadata:DatasetMetadataProto "
    "model_metadata:ModelMetadataProto",
    "ExperimentRunResultProto": "result_json:str outcome:Struct",
    "ExperimentRunProto": "id:str experiment_id:str project_id:str status:ExperimentRunStatusProto "
    "hardware:HardwareProto algorithm:str version:str metadata:Struct result:ExperimentRunResultProto "
    "error_message:str created_by:str created_at:Timestamp started_at:Timestamp finished_at:Timestamp",
}
ONE_OF = {"Layer": "layer", "QuantumLayer": "layer", "Gate": "gate"}

_PACKAGE = "qlstm.tq42"
_FIELD = descriptor_pb2.FieldDescriptorProto
_PLAIN = {"int": _FIELD.TYPE_INT32, "real": _FIELD.TYPE_DOUBLE, "bool": _FIELD.TYPE_BOOL, "str": _FIELD.TYPE_STRING}
_FOREIGN = {"Struct": struct_pb2.Struct, "Timestamp": timestamp_pb2.Timestamp}


def _add_field(message: Any, number: int, name: str, kind: str, one_of: bool) -> None:
    repeated, kind = kind.startswith("*"), kind.lstrip("*")
    field = message.field.add(name=name, number=number)
    field.label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
    if kind in _PLAIN:
        field.type = _PLAIN[kind]
    elif kind in ENUMS:
        field.type, field.type_name = _FIELD.TYPE_ENUM, f".{_PACKAGE}.{kind}Words.{kind}"
    else:
        full = _FOREIGN[kind].DESCRIPTOR.full_name if kind in _FOREIGN else f"{_PACKAGE}.{kind}"
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{full}"
    if one_of:
        field.oneof_index = 0


def _describe() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="qlstm/tq42.proto", package=_PACKAGE, syntax="proto2")
    file.dependency.extend(kind.DESCRIPTOR.file.name for kind in _FOREIGN.values())
    for name, words in ENUMS.items():
        # Inside a message of its own, for the words of two enums may be the same.
        enum, number = file.message_type.add(name=f"{name}Words").enum_type.add(name=name), -1
        for word in words.split():
            text, _, said = word.partition("=")
            number = int(said) if said else number + 1
            enum.value.add(name=text, number=number)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        if name in ONE_OF:
            message.oneof_decl.add(name=ONE_OF[name])
        for number, field in enumerate(fields.split(), 1):
            word, _, kind = field.partition(":")
            _add_field(message, number, word, kind, name in ONE_OF)
    return file


def _make() -> dict[str, Any]:
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(_describe().SerializeToString())
    made: dict[str, Any] = {}
    for name in ENUMS:
        enum = pool.FindEnumTypeByName(f"{_PACKAGE}.{name}Words.{name}")
        made[name] = enum_type_wrapper.EnumTypeWrapper(enum)
    get = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
    for name in MESSAGES:
        made[name] = get(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
    return made


_MADE = _make()
__all__ = list(_MADE)


def __getattr__(name: str) -> Any:
    try:
        return _MADE[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
