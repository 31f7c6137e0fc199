"""tq42.dataset: an upload, or the predictions of a run (whose id is that of `outputs`)."""

from __future__ import annotations

import pathlib
from typing import Any

from ..errors import NotFound
from . import messages
from .client import TQ42Client
from .exceptions import InvalidArgumentError, as_of_tq42
from .messages import DatasetSensitivityProto, StorageStatusProto, StorageType
from .resource import PrettyList, Resource

_PREDICTIONS = "predictions.csv"


def _describe(row: dict[str, Any]) -> messages.StorageProto:
    data = messages.StorageProto(
        id=row["id"], name=row["name"], type=StorageType.DATASET, status=StorageStatusProto.COMPLETED,
    )  # fmt: skip
    if row.get("created_at"):
        data.created_at.FromJsonString(row["created_at"])
    return data


class Dataset(Resource):
    """Description and sensitivity are kept in this object alone: the service has no place for them."""

    @as_of_tq42
    def _get(self) -> messages.StorageProto:
        try:
            return _describe(self._client.service.dataset(self.id))
        except NotFound:
            run = self._client.service.run(self.id)
            return _describe({"id": run.id, "name": run.spec["name"] or run.id})

    @staticmethod
    @as_of_tq42
    def create(
        client: TQ42Client, project_id: str, name: str, description: str, sensitivity: int,
        file: str | None = None, url: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Uploads a file. The name is that of one data set: another file under it is refused."""
        if bool(file) == bool(url):
            raise ValueError("one of file and url is needed, and not both")
        if url:
            raise InvalidArgumentError("Dataset.create", f"only a file of this machine can be uploaded, not {url}")
        assert file
        data = _describe(client.service.upload(pathlib.Path(file), name))
        data.description, data.project_id = description, project_id
        data.dataset_metadata.sensitivity = DatasetSensitivityProto.Value(DatasetSensitivityProto.Name(sensitivity))
        return Dataset(client, data.id, data)

    @as_of_tq42
    def export(self, directory_path: str = ".") -> list[str]:
        """Writes its file into `directory_path`/its name; a file that is there is not written over."""
        if not pathlib.Path(directory_path).is_dir():
            raise ValueError(f"{directory_path} is no folder")
        transport = self._client.service.transport
        try:
            kind = self._client.service.dataset(self.id).get("kind") or "csv"
            content, file = self._client.service.download(self.id), f"{self.id}.{kind}"
        except NotFound:
            content, file = transport.request("GET", f"/experiments/{self.id}/predictions")[0], _PREDICTIONS
        name = self.id if "/" in self.data.name or self.data.name in ("", ".", "..") else self.data.name
        path = pathlib.Path(directory_path) / name / file
        path.parent.mkdir(exist_ok=True)
        try:
            with path.open("xb") as out:
                out.write(content)
        except FileExistsError as error:
            raise InvalidArgumentError("Dataset.export", f"{path} is there already") from error
        return [str(path)]

    @as_of_tq42
    def delete(self) -> None:
        self._client.service.delete_dataset(self.id)
        self.data.status = StorageStatusProto.PENDING_DELETION


@as_of_tq42
def list_all(client: TQ42Client, project_id: str) -> PrettyList[Dataset]:
    """All uploads: data sets here belong to no project."""
    rows = [row for row in client.service.datasets() if row.get("id")]
    return PrettyList([Dataset(client, row["id"], _describe(row)) for row in rows])


__all__ = ["Dataset", "DatasetSensitivityProto", "list_all"]
