"""Documents as conductors leave them, with times that do not change from run to run."""

from __future__ import annotations

from esi_flows.catalog.types import Catalog
from esi_flows.model import codec, keys
from esi_flows.model.groups import GroupRecord, GroupState, JobCourse
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import Action, ResourceRef
from esi_flows.model.results import State
from esi_flows.store.base import Store

NETWORK = ResourceRef("network", "9dd2540c-934c-4db7-bc33-83059bf6905d")
SUBNET = ResourceRef("subnet", "e42524f9-80ab-49d3-92e6-948c82c0bc88")
PORT = ResourceRef("port", "7e99bb70-5e1a-4c14-972c-8db8d52aee2f")
TENANT = ResourceRef("tenant", "c552834d72854e4bb6881bab903eb7dc")

NETWORK_HEAT = f"create:heat_worker:{NETWORK}:1:aaaaa"
NETWORK_MONITORING = f"create:monitoring_worker:{NETWORK}:1:bbbbb"
SUBNET_HEAT = f"create:heat_worker:{SUBNET}:1:ccccc"
PORT_HEAT = f"create:heat_worker:{PORT}:1:ddddd"
PORT_MONITORING = f"create:monitoring_worker:{PORT}:1:eeeee"

OUTPUTS = [
    {"output_key": "id", "output_value": NETWORK.id},
    {"output_key": "admin_password", "output_value": "hush"},
]


def fill(store: Store, catalog: Catalog) -> None:
    """A tenant and a network that are done, a subnet that failed, a port that waits for it."""
    for resource in (TENANT, NETWORK, SUBNET, PORT):
        body = {"id": resource.id, "network_id": NETWORK.id, "pass_phrase": "", "password": "hush"}
        store.put(keys.config(catalog.path(resource)), Intent(body, 1).encode())
    _state(store, catalog, TENANT, "READ_COMPLETE")
    _group(
        store,
        NETWORK,
        (NETWORK_HEAT, NETWORK_MONITORING),
        state=GroupState.SUCCESS,
        started_at=1000.5,
        ended_at=1002.0,
        course=(
            JobCourse(
                id=NETWORK_HEAT,
                state="SUCCESS",
                started_at=1000.5,
                ended_at=1001.9,
                waited_seconds=1.3,
            ),
            JobCourse(id=NETWORK_MONITORING, state="SUCCESS", started_at=1001.9, ended_at=1002.0),
        ),
    )
    _state(store, catalog, NETWORK, "CREATE_COMPLETED", outputs=True)
    store.put(keys.monitoring(catalog.path(NETWORK)), codec.dumps({"version": 1, "network": "UP"}))
    _group(
        store,
        SUBNET,
        (SUBNET_HEAT,),
        state=GroupState.REVERTED,
        error="Quota exceeded for subnet",
        failed_job=SUBNET_HEAT,
        started_at=1002.0,
        ended_at=1003.0,
        course=(JobCourse(id=SUBNET_HEAT, state="REVERTED", error="Quota exceeded for subnet"),),
    )
    _state(store, catalog, SUBNET, "CREATE_FAILED", error="Quota exceeded for subnet")
    _group(store, PORT, (PORT_HEAT, PORT_MONITORING), waits_for=(SUBNET_HEAT,))


def _state(
    store: Store,
    catalog: Catalog,
    resource: ResourceRef,
    word: str,
    *,
    error: str = "",
    outputs: bool = False,
) -> None:
    members = {"heat_outputs": codec.dumps_text(OUTPUTS)} if outputs else {}
    state = State(version=1, worker_state=word, error=error, members=members)
    store.put(keys.state(catalog.path(resource)), state.encode())


def _group(store: Store, resource: ResourceRef, jobs: tuple[str, ...], **changes: object) -> None:
    record = GroupRecord(
        name=f"{resource}:1",
        action=Action.CREATE,
        resource=resource,
        version=1,
        job_ids=jobs,
        posted_at=1000.0,
    )
    store.put(keys.group(record.name), record.but(**changes).encode())
