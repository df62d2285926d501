"""Deletes in two steps, as recorded: the intent is marked, and removed once the mark is served.

Removing is level-triggered: it looks at what ``/state`` says now, so it may be done by whoever
comes next, also after the one who marked was killed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.recorded import Recorded, Standing, read
from esi_flows.deployments.relations import references
from esi_flows.model import keys
from esi_flows.model.errors import (
    DocumentInvalid,
    Finding,
    Indeterminate,
    InvalidInput,
    StoreError,
)
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef
from esi_flows.store.base import Delete, Put, ReadStore, Store, unchanged

LOG = logging.getLogger(__name__)

ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Marked:
    """A resource marked for deletion in that version."""

    resource: ResourceRef
    version: int


def mark(store: Store, catalog: Catalog, resource: ResourceRef, *, force: bool = False) -> Marked:
    """Mark a resource for deletion; one that is marked already keeps its mark unless that failed.

    Raises InvalidInput where there is no such resource, and, unless ``force``, where others refer
    to it (a finding names each).
    """
    for _ in range(ATTEMPTS):
        recorded = _read(store, catalog, resource)
        marked = marked_intent(store, catalog, recorded, force=force)
        if marked == recorded.intent:
            return Marked(resource, marked.version)
        key = keys.config(recorded.path)
        try:
            written = store.txn(
                [unchanged(key, recorded.intent_revision)], [Put(key, marked.encode())]
            )
        except Indeterminate:
            continue
        if written.succeeded:
            LOG.info("marked for deletion", extra={"resource": str(resource)})
            return Marked(resource, marked.version)
    raise StoreError(f"{resource} changes faster than it can be marked", hint="try again")


def marked_intent(
    store: ReadStore, catalog: Catalog, recorded: Recorded, *, force: bool = False
) -> Intent:
    """The intent that marks a resource for deletion; its own where that does so already.

    Raises InvalidInput as :func:`mark` does.
    """
    intent, resource = recorded.intent, recorded.resource
    if intent is None:
        raise InvalidInput(f"{resource} is not in the store", hint="esi-flows status lists all")
    if intent.marked_for_deletion and recorded.standing is not Standing.FAILED:
        return intent
    if not force:
        _refuse_referred(store, catalog, resource)
    return Intent(intent.body, recorded.next_version, marked_for_deletion=True)


def finish(store: Store, catalog: Catalog, resource: ResourceRef) -> bool:
    """Remove intent and state of a resource whose mark has been served; whether they are gone."""
    for _ in range(ATTEMPTS):
        recorded = _read(store, catalog, resource)
        if recorded.intent is None:
            return True
        if not recorded.intent.marked_for_deletion or recorded.standing is not Standing.DONE:
            return False
        config, state = keys.config(recorded.path), keys.state(recorded.path)
        try:
            removed = store.txn(
                [
                    unchanged(config, recorded.intent_revision),
                    unchanged(state, recorded.state_revision),
                ],
                [Delete(config), Delete(state)],
            )
        except Indeterminate:
            continue
        if removed.succeeded:
            LOG.info("deleted", extra={"resource": str(resource)})
            return True
    raise StoreError(f"{resource} changes faster than it can be removed", hint="try again")


def referrers(
    store: ReadStore, catalog: Catalog, resource: ResourceRef
) -> Iterator[tuple[ResourceRef, str]]:
    """Every resource that refers to this one and is not itself being deleted, with the field."""
    for known in catalog.types.values():
        if resource.type not in known.relations.values():
            continue
        for item in store.range(f"{keys.CONFIG}{known.collection}/").items:
            try:
                intent = Intent.decode(item.key, item.value)
            except DocumentInvalid:
                LOG.warning("unreadable intent passed over", extra={"key": item.key})
                continue
            if intent.marked_for_deletion:
                continue
            identifier = item.key.rpartition("/")[2]
            for field, target in references(known, intent.body):
                if target == resource and identifier != resource.id:
                    yield ResourceRef(known.type, identifier), field


def _refuse_referred(store: ReadStore, catalog: Catalog, resource: ResourceRef) -> None:
    findings = [
        Finding(str(referrer), f"its {field} refers to {resource}")
        for referrer, field in referrers(store, catalog, resource)
    ]
    if findings:
        raise InvalidInput(
            f"{resource} is in use",
            findings=findings,
            hint="delete those first, or use --force",
        )


def _read(store: ReadStore, catalog: Catalog, resource: ResourceRef) -> Recorded:
    return read(store, catalog, [resource])[resource]
