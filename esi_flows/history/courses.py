"""Finds recorded courses, the newest first, and pins those that must stay."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid, InvalidInput
from esi_flows.model.groups import GroupRecord
from esi_flows.model.jobs import ResourceRef
from esi_flows.store.base import Delete, Put, ReadStore, Store, absent, unchanged

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Course:
    """How one group went. ``pinned`` says by whom it was pinned, empty where it is not."""

    key: str
    record: GroupRecord
    pinned: str = ""

    @property
    def id(self) -> str:
        """``port:7abe:2/1763900000000``: the group and the millisecond of its end."""
        return self.key.removeprefix(keys.HISTORY)


def below(store: ReadStore, prefix: str = keys.HISTORY) -> list[Course]:
    """Every course whose key starts with ``prefix``, the newest first. Raises StoreUnavailable."""
    pins = _pins(store, prefix)
    found = []
    for item in store.range(prefix).items:
        try:
            record = GroupRecord.decode(item.key, item.value)
        except DocumentInvalid as error:
            LOG.warning("course cannot be read", extra={"key": item.key, "reason": error.reason})
            continue
        found.append(Course(item.key, record, pins.get(item.key, "")))
    return sorted(found, key=lambda course: (course.record.ended_at, course.key), reverse=True)


def of_resource(store: ReadStore, resource: ResourceRef) -> list[Course]:
    """Every course of a resource, the newest first. Raises StoreUnavailable."""
    found = below(store, f"{keys.HISTORY}{resource}:")
    # an id may itself have colons, so that the prefix may be that of another resource too
    return [course for course in found if course.record.resource == resource]


def find(store: ReadStore, text: str) -> list[Course]:
    """The courses that ``text`` means, the newest first.

    ``text`` is ``type:id``, a group (``type:id:version``), a course's id, or the beginning of one.
    Raises InvalidInput where there is none, or where those found are of several resources.
    """
    wanted = text.removeprefix(keys.HISTORY)
    found = _beginning_with(store, wanted)
    exact = [c for c in found if wanted in (c.id, c.record.name, str(c.record.resource))]
    found = exact or found
    if not found:
        raise InvalidInput(
            f"no course of {text!r} is recorded", hint="esi-flows history list shows what is"
        )
    resources = sorted({str(course.record.resource) for course in found})
    if len(resources) > 1:
        shown = ", ".join(resources[:8])
        raise InvalidInput(f"{text!r} may be {shown}", hint="give the type and more of the id")
    return found


def pin(store: Store, course: Course, *, by: str, at: float, reason: str = "") -> bool:
    """Keep a course for good; False if it is pinned already. Raises InvalidInput if it has gone."""
    found = store.get(course.key)
    if found is None:
        raise InvalidInput(f"{course.id} is gone", hint="esi-flows history list shows what is left")
    note = codec.dumps({"by": by, "at": at, "reason": reason})
    key = keys.pin(course.key)
    held = [unchanged(course.key, found.mod_revision), absent(key)]
    if store.txn(held, [Put(key, note)]).succeeded:
        return True
    if store.get(course.key) is None:
        raise InvalidInput(f"{course.id} is gone", hint="esi-flows history list shows what is left")
    return False


def unpin(store: Store, course: Course) -> bool:
    """Let a course grow old as the others; False if it was not pinned."""
    key = keys.pin(course.key)
    found = store.get(key)
    return found is not None and store.txn([], [Delete(key)]).succeeded


def _beginning_with(store: ReadStore, beginning: str) -> list[Course]:
    kind, colon, _ = beginning.partition(":")
    if colon:
        return [c for c in below(store, f"{keys.HISTORY}{kind}:") if c.id.startswith(beginning)]
    return [c for c in below(store) if c.record.resource.id.startswith(beginning)]


def _pins(store: ReadStore, prefix: str) -> dict[str, str]:
    return dict(_read_pins(store, keys.pin(prefix)))


def _read_pins(store: ReadStore, prefix: str) -> Iterator[tuple[str, str]]:
    for item in store.range(prefix).items:
        key = keys.HISTORY + item.key.removeprefix(keys.PINS)
        try:
            yield key, str(codec.loads_object(item.key, item.value).get("by") or "somebody")
        except DocumentInvalid:
            yield key, "somebody"
