"""The names of TQ42's SDK (0.10 and the generation before it) for a service of one's own: a program that trains there
trains here once its imports say `qlstm.tq42` where they said `tq42`.

    from qlstm.tq42.client import TQ42Client
    from qlstm.tq42.experiment_run import ExperimentRun, HardwareProto

Needs protobuf, as the SDK does. What differs: qlstm/tq42/README.md.
"""
