from __future__ import annotations

import pytest

from esi_flows.model import keys
from esi_flows.planning.snapshot import PREFIXES, Snapshot
from esi_flows.store.base import Store

KEYS = [f"{keys.CONFIG}v2.0/{name}" for name in ("a/1", "a/2", "ab/1", "b/1")]


def test_it_stays_as_the_store_was(store: Store) -> None:
    for key in KEYS:
        store.put(key, b"then")
    snapshot = Snapshot.take(store)
    store.put(KEYS[0], b"now")
    store.delete(KEYS[1])
    assert [item.value for item in snapshot.range(keys.CONFIG).items] == [b"then"] * 4
    found = snapshot.get(KEYS[0])
    assert found is not None
    assert snapshot.modified(KEYS[0]) == found.mod_revision


def test_all_prefixes_are_read_at_one_revision(store: Store) -> None:
    for prefix in PREFIXES:
        store.put(f"{prefix}v1/x", b"1")
    snapshot = Snapshot.take(store)
    assert [len(snapshot.range(prefix).items) for prefix in PREFIXES] == [1] * len(PREFIXES)
    assert snapshot.revision == store.range("/").revision


def test_a_prefix_gives_what_begins_with_it_in_order(store: Store) -> None:
    for key in reversed(KEYS):
        store.put(key, b"1")
    snapshot = Snapshot.take(store)
    assert [item.key for item in snapshot.range(f"{keys.CONFIG}v2.0/a/").items] == KEYS[:2]
    assert snapshot.range("/none/").items == ()


def test_what_is_not_there_was_never_modified(store: Store) -> None:
    snapshot = Snapshot.take(store)
    assert snapshot.get(KEYS[0]) is None
    assert snapshot.modified(KEYS[0]) == 0


def test_nothing_happens_in_it(store: Store) -> None:
    with pytest.raises(NotImplementedError):
        Snapshot.take(store).watch(keys.CONFIG, start_revision=1)
