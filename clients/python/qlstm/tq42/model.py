"""tq42.model: the weights of a run that completed, under the run's id."""

from __future__ import annotations

from typing import Any

from . import messages
from .client import TQ42Client
from .exceptions import as_of_tq42
from .messages import StorageStatusProto, StorageType
from .resource import PrettyList, Resource


def _describe(row: dict[str, Any]) -> messages.StorageProto:
    spec = row["spec"]
    data = messages.StorageProto(
        id=row["id"], name=spec["name"] or row["id"], description=spec["notes"], project_id=spec["project"],
        type=StorageType.MODEL, status=StorageStatusProto.COMPLETED,
    )  # fmt: skip
    data.model_metadata.experiment_run_id = row["id"]
    return data


class Model(Resource):
    """`qlstm.Client().run(model.id).weights()` has its tensors."""

    @as_of_tq42
    def _get(self) -> messages.StorageProto:
        return _describe(self._client.service.run(self.id).row)


@as_of_tq42
def list_all(client: TQ42Client, project_id: str) -> PrettyList[Model]:
    rows = [run.row for run in client.service.runs(status="succeeded", project=project_id, kind="training")]
    return PrettyList([Model(client, row["id"], _describe(row)) for row in rows])
