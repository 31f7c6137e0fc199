"""tq42.project: the field `project` of an experiment. One is there once a run names it, and `default` always."""

from __future__ import annotations

from . import messages
from .client import DEFAULT_PROJECT, TQ42Client, defaults
from .exceptions import InvalidArgumentError, NoDefaultError, as_of_tq42
from .resource import PrettyList, Resource

NEWEST = 1000  # runs that are looked through for names of projects


class Project(Resource):
    def _get(self) -> messages.ProjectProto:
        return messages.ProjectProto(id=self.id, name=self.id, organization_id=self._client.owner() or "local")

    def update(self, name: str) -> Project:
        raise InvalidArgumentError(
            "Project.update", f"a project is its name: give new runs the experiment {name!r} in place of {self.id!r}"
        )

    def set_friendly_name(self, friendly_name: str) -> Project:
        return self.update(friendly_name)

    def set(self) -> Project:
        """Makes it the default of this program."""
        defaults["proj"] = self.id
        return self

    @staticmethod
    @as_of_tq42
    def show(client: TQ42Client) -> Project:
        """The default."""
        if "proj" not in defaults:
            raise NoDefaultError("Project.show")
        return Project(client, defaults["proj"])

    @staticmethod
    @as_of_tq42
    def get_default(client: TQ42Client, organization_id: str) -> Project:
        return list_all(client, organization_id)[0]


@as_of_tq42
def list_all(client: TQ42Client, organization_id: str | None = None) -> PrettyList[Project]:
    """`default`, then those of the newest runs in the order of the alphabet."""
    names = {run.row["spec"]["project"] for run in client.service.runs(limit=NEWEST)} - {DEFAULT_PROJECT}
    owner = organization_id or client.owner() or "local"
    found = [
        messages.ProjectProto(id=name, name=name, organization_id=owner) for name in [DEFAULT_PROJECT, *sorted(names)]
    ]
    return PrettyList([Project(client, data.id, data) for data in found])
