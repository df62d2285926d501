"""Takes groups for one conductor, under its lease."""

from __future__ import annotations

from collections.abc import Sequence

from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord
from esi_flows.store.base import Compare, Put, Store, unchanged
from esi_flows.store.claims import Claim, take_claim


class Claims:
    """``conductor_id`` must be unique to this start of this process, and so its lease."""

    def __init__(self, store: Store, *, conductor_id: str, lease: int) -> None:
        self._store = store
        self._conductor_id = conductor_id
        self._lease = lease

    def take_group(
        self,
        record: GroupRecord,
        mod_revision: int,
        now: float,
        *,
        compares: Sequence[Compare] = (),
    ) -> Claim | None:
        """Claim a group and mark it RUNNING, as one; None if another was faster. Raises StoreError.

        None also where ``compares`` do not hold.
        ``mod_revision`` is the one of the group's record that ``record`` was read at.
        """
        return take_claim(
            self._store,
            record.name,
            holder=self._conductor_id,
            lease=self._lease,
            compares=[unchanged(keys.group(record.name), mod_revision), *compares],
            ops=[Put(keys.group(record.name), running(record, self._conductor_id, now).encode())],
        )


def running(record: GroupRecord, conductor_id: str, now: float) -> GroupRecord:
    """The record of a group that a conductor has just claimed."""
    return record.claimed_by(conductor_id, now)
