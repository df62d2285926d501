"""The records of groups as they are known now."""

from __future__ import annotations

from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.groups import GroupRecord
from esi_flows.store.reflector import Reflector


def unfinished(cache: Reflector, name: str) -> tuple[GroupRecord, int] | None:
    """The newest record we know of a group that has not ended, and its revision.

    Not the one that admission was told of: the cache may be ahead of it, and a claim must rest on
    the record whose revision it compares.
    """
    found = cache.get(keys.group(name))
    if found is None:
        return None
    try:
        record = GroupRecord.decode(found.key, found.value)
    except DocumentInvalid:
        return None  # reported when it was taken in
    return None if record.state.ended else (record, found.mod_revision)
