"""A small catalog whose jobs read from each other, and what conductors would have left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog, ResourceType, Template
from esi_flows.deployments.types import Deployment, Step, Wanted
from esi_flows.model import codec, keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import Action, ResourceRef, group_name
from esi_flows.model.results import HeatStack, State
from esi_flows.store.base import Store

NETWORK = ResourceRef("network", "n1")
PORT = ResourceRef("port", "p1")
TAG = ResourceRef("tag", "t1")

NETWORK_HOT = "name: {{ jinja_name }}\nvlan: {get_param: vlan}\n"
PORT_HOT = "network: {{ jinja_network_uuid }}\naddress: {{ jinja_address }}\n"


def small_catalog() -> Catalog:
    """Networks with heat and monitoring, ports that read networks, tags with no jobs."""
    heat, monitoring = "heat_worker", "monitoring_worker"
    return Catalog(
        [
            _type(
                "network",
                {},
                {heat: "Cnetwork", monitoring: "Cnetwork_watch"},
                secrets=frozenset({"pin"}),
            ),
            _type("port", {"network_id": "network"}, {heat: "Cport"}),
            _type("tag", {"port_id": "port"}, {}),
        ],
        [
            _template("network", heat, NETWORK_HOT, jinja_name="Pname", vlan="Pvlan", key="Ppin"),
            _template("network_watch", monitoring, "", name="Pname", uuid={"output_key": "id"}),
            _template(
                "port",
                heat,
                PORT_HOT,
                jinja_network_uuid="Mnetwork:network_id:id",
                jinja_address="Paddress",
                network_name={"field": "name", "path": ["network_id"]},
            ),
        ],
    )


def _type(
    name: str,
    relations: dict[str, str],
    mappings: dict[str, Any],
    *,
    secrets: frozenset[str] = frozenset(),
) -> ResourceType:
    return ResourceType(
        type=name,
        prefix="/v2.0",
        plural=f"{name}s",
        relations=relations,
        template_mappings=mappings,
        secrets=secrets,
    )


def _template(name: str, handler: str, text: str, /, **mappings: Any) -> Template:
    return Template(id=name, handler=handler, parameter_mappings=mappings, template_file=text)


def wanted(resource: ResourceRef, **body: Any) -> Wanted:
    return Wanted(resource, {"id": resource.id, **body}, f"d/{resource.id}.yaml:1")


def deployment(*steps: Sequence[Wanted]) -> Deployment:
    return Deployment("d", tuple(Step(f"{n}0-step", tuple(s)) for n, s in enumerate(steps, 1)))


class Past:
    """Writes what is stored once a version of a resource has been made."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def intent(
        self, resource: ResourceRef, version: int = 1, *, deleted: bool = False, **body: Any
    ) -> None:
        """Only the intent, as `apply` leaves it."""
        intent = Intent({"id": resource.id, **body}, version, deleted)
        self._store.put(keys.config(self._catalog.path(resource)), intent.encode())

    def made(
        self,
        resource: ResourceRef,
        version: int = 1,
        *,
        template: str | None = None,
        outputs: dict[str, Any] | None = None,
        error: str = "",
        deleted: bool = False,
        **body: Any,
    ) -> None:
        """Everything that a conductor leaves: memo, state, stack and what was sent for it."""
        path = self._catalog.path(resource)
        self.intent(resource, version, deleted=deleted, **body)
        memo = Memo({"id": resource.id, **body}, version, deleted)
        self._store.put(keys.memo(path), memo.encode())
        state = State(version=version, worker_state="CREATE_COMPLETED", error=error)
        self._store.put(keys.state(path), state.encode())
        if template is not None:
            sent = {"template": template, "parameters": {}, "timeout_minutes": 10}
            self._store.put(keys.stack_record(path), codec.dumps(sent))
        if outputs is not None:
            stack = HeatStack(
                id=str(resource),
                name=f"{resource.type}_{resource.id}",
                tenant_id="t",
                stack_status="CREATE_COMPLETE",
                output=tuple({"output_key": k, "output_value": v} for k, v in outputs.items()),
            )
            self._store.put(keys.heat_stack(path), stack.encode())

    def took(self, resource: ResourceRef, action: Action, seconds: float, *, version: int) -> None:
        """The record of a group that has ended well."""
        record = GroupRecord(
            name=group_name(resource, version),
            action=action,
            resource=resource,
            version=version,
            job_ids=(),
            state=GroupState.SUCCESS,
            started_at=1000.0,
            ended_at=1000.0 + seconds,
        )
        self._store.put(keys.group(record.name), record.encode())


@pytest.fixture
def catalog() -> Catalog:
    return small_catalog()


@pytest.fixture
def past(store: Store, catalog: Catalog) -> Past:
    return Past(store, catalog)


@pytest.fixture
def revision(store: Store) -> Callable[[], int]:
    """The revision of the store: it grows with every write."""
    return lambda: store.range("/").revision
