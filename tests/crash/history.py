"""What was stored at every revision: etcd's own history, read with a watch."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskflow import states

from esi_flows.engine import details
from esi_flows.model import codec, keys
from esi_flows.model.groups import GroupRecord
from esi_flows.store.base import Event, KeyValue, Store

END = "/end"


@dataclass(frozen=True, slots=True)
class Atom:
    """What is recorded of a job's task."""

    job_id: str
    state: str
    results: Any
    revert_results: Any


@dataclass(frozen=True, slots=True)
class View:
    """Everything that is stored at one revision."""

    revision: int
    items: Mapping[str, KeyValue]

    def below(self, prefix: str) -> list[KeyValue]:
        """The items below a prefix."""
        return [item for key, item in sorted(self.items.items()) if key.startswith(prefix)]

    def value(self, key: str) -> bytes | None:
        """What a key holds, None if it is not there."""
        item = self.items.get(key)
        return item.value if item is not None else None

    def record(self, group: str) -> GroupRecord | None:
        """The record of a group."""
        item = self.items.get(keys.group(group))
        return GroupRecord.decode(item.key, item.value) if item is not None else None

    def holder(self, group: str) -> str:
        """Who has claimed a group; empty if nobody has."""
        item = self.items.get(keys.claim(group))
        return str(document(item.value)["holder"]) if item is not None else ""

    def atoms(self) -> dict[str, Atom]:
        """What is recorded of every task, by its job's id."""
        found = map(atom_in, self.below(keys.PERSISTENCE))
        return {atom.job_id: atom for atom in found if atom is not None}


@dataclass(frozen=True, slots=True)
class Change:
    """One revision: what was stored before it and after it, and what it wrote."""

    before: View
    after: View
    events: Mapping[str, Event]

    @property
    def revision(self) -> int:
        """Its number."""
        return self.after.revision

    def wrote(self, key: str) -> bool:
        """Whether it has put that key."""
        event = self.events.get(key)
        return event is not None and event.value is not None


class Tape:
    """Records all that happens to the store: one watch, open from the start."""

    def __init__(self, store: Store) -> None:
        self._store = store
        start = store.put(END, b"")
        self._watch = store.watch("/", start_revision=start)
        self._batches = iter(self._watch)
        self._read = start - 1
        self._events(start)

    def wind(self) -> None:
        """Forget what has happened so far. The store must be empty."""
        self.take()

    def take(self) -> list[Change]:
        """Every revision since the last time, on a store that was empty then."""
        start = self._read
        events = self._events(self._store.put(END, b""))
        view = View(start, {})
        found = []
        for _, group in itertools.groupby(events, key=lambda event: event.mod_revision):
            change = _change(view, {event.key: event for event in group})
            view = change.after
            found.append(change)
        return found

    def close(self) -> None:
        """End the watch."""
        self._watch.cancel()

    def _events(self, last: int) -> list[Event]:
        """The events not read so far, up to the revision ``last``, which marks the end."""
        events: list[Event] = []
        while self._read < last:
            batch = next(self._batches)
            self._read = batch.revision
            events += batch.events
        return [event for event in events if event.key != END]


def _change(before: View, events: Mapping[str, Event]) -> Change:
    items = dict(before.items)
    for event in events.values():
        if event.value is None:
            items.pop(event.key, None)
        else:
            items[event.key] = KeyValue(
                event.key, event.value, event.create_revision, event.mod_revision, event.lease
            )
    revision = next(iter(events.values())).mod_revision
    return Change(before, View(revision, items), events)


def atom_in(item: KeyValue) -> Atom | None:
    """The atom that a key of the persistence holds, None where it holds something else."""
    return _atom(item.key, item.value) if "/atoms/" in item.key else None


@functools.lru_cache(maxsize=4096)
def _atom(key: str, value: bytes) -> Atom:
    atom = details.decode_atom(key, value)
    return Atom(atom.name, atom.state or states.PENDING, atom.results, atom.revert_results)


@functools.lru_cache(maxsize=4096)
def document(value: bytes) -> Any:
    """A JSON document."""
    return codec.loads("", value)
