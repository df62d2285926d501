"""How long groups took that have ended well, by resource type and action."""

from __future__ import annotations

from collections import defaultdict
from statistics import median

from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Action
from esi_flows.planning.snapshot import Snapshot

NEWEST = 200
"""How many records of each type are looked at: what was long ago tells little about today."""


class History:
    """Medians of recorded durations, read when first asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._medians: dict[str, dict[Action, float]] = {}

    def seconds(self, resource_type: str, action: Action) -> float | None:
        """The median from start to end, None where no such group is recorded."""
        if resource_type not in self._medians:
            self._medians[resource_type] = self._read(resource_type)
        return self._medians[resource_type].get(action)

    def _read(self, resource_type: str) -> dict[Action, float]:
        items = self._snapshot.range(f"{keys.GROUPS}{resource_type}:").items
        newest = sorted(items, key=lambda item: item.mod_revision)[-NEWEST:]
        durations: dict[Action, list[float]] = defaultdict(list)
        for item in newest:
            try:
                record = GroupRecord.decode(item.key, item.value)
            except DocumentInvalid:
                continue
            if record.state is GroupState.SUCCESS and 0 < record.started_at <= record.ended_at:
                durations[record.action].append(record.ended_at - record.started_at)
        return {action: median(seconds) for action, seconds in durations.items()}
