"""tq42.experiment. A project here has one, of the same name: its runs."""

from __future__ import annotations

from . import messages
from .client import DEFAULT_PROJECT, TQ42Client, defaults
from .exceptions import InvalidArgumentError, as_of_tq42
from .resource import PrettyList, Resource


class Experiment(Resource):
    def _get(self) -> messages.ExperimentProto:
        return messages.ExperimentProto(id=self.id, name=self.id, project_id=self.id)

    def update(self, name: str) -> Experiment:
        raise InvalidArgumentError(
            "Experiment.update", f"an experiment is its project: create runs in {name!r} in place of {self.id!r}"
        )

    def set_friendly_name(self, friendly_name: str) -> Experiment:
        return self.update(friendly_name)


@as_of_tq42
def list_all(client: TQ42Client, project_id: str | None = None) -> PrettyList[Experiment]:
    return PrettyList([Experiment(client, project_id or defaults.get("proj", DEFAULT_PROJECT))])
