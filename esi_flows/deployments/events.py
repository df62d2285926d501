"""What happens, as a stream: transitions of groups and jobs, orders, quarantine, conductors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from esi_flows.deployments.atoms import Atom
from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.groups import GroupRecord
from esi_flows.model.steering import Pause, Steering
from esi_flows.store.base import Event


@dataclass(frozen=True, slots=True)
class Happening:
    """One transition. ``kind`` is group, job, order, service, quarantine or conductor; ``by`` is
    the conductor or the person it came from, where that is known.
    """

    revision: int
    kind: str
    name: str
    state: str
    by: str = ""
    text: str = ""
    """An error, or a reason."""

    def to_json(self) -> dict[str, Any]:
        """As one object."""
        return {name: getattr(self, name) for name in self.__slots__}


class Stream:
    """Turns changes of our keys into what happened. Told in the order of revisions, from anywhere.

    Documents are written again without anything having happened; only what is new is told.
    """

    def __init__(self) -> None:
        self._groups: dict[str, tuple[str, int]] = {}
        self._jobs: dict[str, str] = {}
        self._orders: dict[str, float] = {}

    def happened(self, event: Event) -> Iterator[Happening]:
        """What the change of one key tells; nothing where it tells nothing, or cannot be read."""
        key = event.key
        try:
            if key.startswith(keys.GROUPS):
                yield from self._group(event)
            elif key.startswith(keys.PERSISTENCE):
                yield from self._atom(event)
            elif key.startswith(keys.STEERING):
                yield from self._steering(event)
            elif key.startswith(keys.QUARANTINE):
                yield self._quarantine(event)
            elif key.startswith(keys.CONDUCTORS):
                name = key.removeprefix(keys.CONDUCTORS)
                state = "GONE" if event.value is None else "LIVE"
                yield Happening(event.mod_revision, "conductor", name, state)
        except DocumentInvalid:
            return  # conductors report it

    def _group(self, event: Event) -> Iterator[Happening]:
        name = event.key.removeprefix(keys.GROUPS)
        if event.value is None:
            self._groups.pop(name, None)
            return
        record = GroupRecord.decode(event.key, event.value)
        is_known = self._groups.get(name) == (record.state, record.attempts)
        self._groups[name] = (record.state, record.attempts)
        if is_known:
            return
        if record.state.ended:
            for job in record.course:
                if self._jobs.pop(job.id, "") != job.state:
                    yield Happening(
                        event.mod_revision, "job", job.id, job.state, record.conductor, job.error
                    )
        yield Happening(
            event.mod_revision, "group", name, record.state.value, record.conductor, record.error
        )

    def _atom(self, event: Event) -> Iterator[Happening]:
        if event.value is None or "/atoms/" not in event.key:
            return
        atom = Atom.read(event.value, 0.0)
        if atom is None or self._jobs.get(atom.name) == atom.state:
            return
        self._jobs[atom.name] = atom.state
        yield Happening(event.mod_revision, "job", atom.name, atom.state, text=atom.error)

    def _steering(self, event: Event) -> Iterator[Happening]:
        name = event.key.removeprefix(keys.STEERING)
        if name == keys.WHOLE_SERVICE:
            yield self._service(event)
            return
        if event.value is None:
            self._orders.pop(name, None)
            return
        since = self._orders.get(name, 0.0)
        for order in Steering.decode(event.key, event.value).orders:
            if order.at > since:
                self._orders[name] = order.at
                yield Happening(
                    event.mod_revision, "order", name, order.want.value, order.by, order.reason
                )

    def _service(self, event: Event) -> Happening:
        if event.value is None:
            return Happening(event.mod_revision, "service", keys.WHOLE_SERVICE, "UNPAUSED")
        pause = Pause.decode(event.key, event.value)
        return Happening(
            event.mod_revision, "service", keys.WHOLE_SERVICE, "PAUSED", pause.by, pause.reason
        )

    def _quarantine(self, event: Event) -> Happening:
        key = keys.quarantined(event.key)
        if event.value is None:
            return Happening(event.mod_revision, "quarantine", key, "LEFT")
        reason = str(codec.loads_object(event.key, event.value).get("reason", ""))
        return Happening(event.mod_revision, "quarantine", key, "ENTERED", text=reason)
