from __future__ import annotations

from itertools import permutations

import pytest

from esi_flows.store._cache import Cache
from esi_flows.store.base import Event, KeyValue


def item(key: str, revision: int, value: bytes = b"") -> KeyValue:
    return KeyValue(key, value, 1, revision)


def event(key: str, revision: int, value: bytes | None = b"") -> Event:
    return Event(key, value, revision, 0 if value is None else 1)


def keys(cache: Cache, prefix: str = "/a/") -> list[str]:
    return [found.key for found in cache.items(prefix)]


def test_items_are_those_below_the_prefix_in_order() -> None:
    cache = Cache()
    cache.replace("/a/", [item("/a/2", 1), item("/a/1", 1), item("/a/10", 1)], 1)
    cache.replace("/b/", [item("/b/1", 1)], 1)
    assert keys(cache) == ["/a/1", "/a/10", "/a/2"]
    assert keys(cache, "/b/") == ["/b/1"]
    assert keys(cache, "/c/") == []


def test_list_tells_what_is_different_from_before() -> None:
    cache = Cache()
    cache.replace("/a/", [item("/a/same", 1), item("/a/gone", 1), item("/a/new", 1)], 1)
    changed = cache.replace("/a/", [item("/a/same", 1), item("/a/new", 2), item("/a/add", 2)], 2)
    assert sorted(changed) == ["/a/add", "/a/gone", "/a/new"]
    assert keys(cache) == ["/a/add", "/a/new", "/a/same"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_newest_wins_in_whatever_order_it_comes(order: tuple[int, ...]) -> None:
    cache = Cache()
    news = [
        lambda: cache.apply("/a/", [event("/a/1", 5, b"watched")], 5),
        lambda: cache.observe([item("/a/1", 7, b"own")], [], 7),
        lambda: cache.observe([item("/a/1", 6, b"own before")], [], 6),
    ]
    for number in order:
        news[number]()
    found = cache.get("/a/1")
    assert found is not None
    assert found.value == b"own"


def test_removal_of_our_own_is_not_undone_by_older_news() -> None:
    cache = Cache()
    cache.replace("/a/", [item("/a/1", 1)], 1)
    assert cache.observe([], ["/a/1"], 4) == ["/a/1"]
    assert cache.apply("/a/", [event("/a/1", 3)], 3) == []
    assert cache.replace("/a/", [item("/a/1", 3)], 3) == []
    assert cache.get("/a/1") is None
    assert cache.apply("/a/", [event("/a/1", 4, None)], 4) == []
    assert cache.apply("/a/", [event("/a/1", 5, b"anew")], 5) == ["/a/1"]


def test_write_of_our_own_is_not_undone_by_an_older_list_or_removal() -> None:
    cache = Cache()
    cache.replace("/a/", [item("/a/1", 1)], 1)
    cache.observe([item("/a/1", 4), item("/a/2", 4)], [], 4)
    assert cache.apply("/a/", [event("/a/1", 3, None)], 3) == []
    assert cache.replace("/a/", [], 3) == []
    assert keys(cache) == ["/a/1", "/a/2"]


def test_write_of_our_own_is_news_once() -> None:
    cache = Cache()
    assert cache.observe([item("/a/1", 4)], [], 4) == ["/a/1"]
    assert cache.apply("/a/", [event("/a/1", 4)], 4) == []


def test_what_was_removed_is_forgotten_when_no_older_news_can_come() -> None:
    cache = Cache()
    cache.observe([], ["/a/1", "/b/1"], 4)
    cache.apply("/a/", [], 4)
    assert cache._removed == {"/b/1": 4}


def test_clear_makes_way_for_an_older_state() -> None:
    cache = Cache()
    cache.replace("/a/", [item("/a/1", 9)], 9)
    cache.observe([], ["/a/2"], 9)
    assert cache.clear("/a/") == ["/a/1"]
    assert sorted(cache.replace("/a/", [item("/a/1", 2), item("/a/2", 2)], 3)) == ["/a/1", "/a/2"]
