"""tq42.organization. There is one: the service, or the owner of the key."""

from __future__ import annotations

from . import messages
from .client import TQ42Client
from .exceptions import as_of_tq42
from .project import Project
from .resource import PrettyList, Resource


def _describe(client: TQ42Client) -> messages.OrganizationProto:
    owner = client.owner()
    return messages.OrganizationProto(id=owner or "local", name=owner or "qlstmd", is_personal_org=bool(owner))


class Organization(Resource):
    @as_of_tq42
    def _get(self) -> messages.OrganizationProto:
        found = _describe(self._client)
        found.id = self.id
        return found

    @as_of_tq42
    def set(self) -> Organization:
        """Makes its first project the default."""
        Project.get_default(self._client, self.id).set()
        return self

    @staticmethod
    @as_of_tq42
    def get_default_org(client: TQ42Client) -> Organization:
        return list_all(client)[0]


@as_of_tq42
def list_all(client: TQ42Client) -> PrettyList[Organization]:
    data = _describe(client)
    return PrettyList([Organization(client, data.id, data)])
