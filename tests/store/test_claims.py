"""Claims whose answer is lost, and roles that come and go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from esi_flows.model import keys
from esi_flows.model.errors import Indeterminate, StoreUnavailable
from esi_flows.store.base import Put, Store
from esi_flows.store.claims import hold_role, take_claim
from esi_flows.store.faults import Fault, FaultyStore
from esi_flows.store.reflector import Reflector

ROLE = "reader"


def faulty(store: Store, **faults: Fault) -> FaultyStore:
    """A store in which each method named fails at its first call."""

    def choose(method: str, _arguments: Sequence[Any]) -> Fault | None:
        return faults.pop(method, None)

    return FaultyStore(store, choose)


def test_a_claim_whose_answer_is_lost_is_known_by_its_lease(store: Store) -> None:
    claim = take_claim(faulty(store, txn=Fault.LOST_REPLY), "g", holder="me", lease=store.grant(60))
    found = store.get(keys.claim("g"))
    assert claim is not None
    assert found is not None
    assert claim.token == found.create_revision


def test_a_claim_that_another_took_meanwhile_is_not_ours(store: Store) -> None:
    take_claim(store, "g", holder="other", lease=store.grant(60))
    lossy = faulty(store, txn=Fault.LOST_REPLY)
    assert take_claim(lossy, "g", holder="me", lease=store.grant(60)) is None


@pytest.mark.parametrize("fault", [Fault.LOST_REQUEST, Fault.DELAYED])
def test_a_claim_that_may_still_come_is_no_refusal(store: Store, fault: Fault) -> None:
    lossy = faulty(store, txn=fault)
    lease = store.grant(60)
    with pytest.raises(Indeterminate):
        take_claim(lossy, "g", holder="me", lease=lease, ops=[Put("/a", b"1")])
    lossy.deliver()
    assert (store.get("/a") is not None) == (fault is Fault.DELAYED)


def test_a_claim_that_cannot_be_read_back_is_no_refusal(store: Store) -> None:
    lossy = faulty(store, txn=Fault.LOST_REPLY, get=Fault.ERROR)
    with pytest.raises(StoreUnavailable):
        take_claim(lossy, "g", holder="me", lease=store.grant(60))


@pytest.fixture
def cache(store: Store) -> Iterator[Reflector]:
    reflector = Reflector(store, [keys.CLAIMS])
    reflector.start()
    assert reflector.wait_synced(10)
    yield reflector
    reflector.stop()


def test_a_role_is_taken_once_and_kept(store: Store, cache: Reflector) -> None:
    lease = store.grant(60)
    first = hold_role(store, cache, ROLE, holder="me", lease=lease)
    assert first is not None
    before = store.range(keys.CLAIMS)
    assert hold_role(store, cache, ROLE, holder="me", lease=lease) == first
    assert store.range(keys.CLAIMS) == before


def test_a_role_that_another_holds_is_not_ours(store: Store, cache: Reflector) -> None:
    assert hold_role(store, cache, ROLE, holder="other", lease=store.grant(60)) is not None
    assert hold_role(store, cache, ROLE, holder="me", lease=store.grant(60)) is None


def test_a_role_taken_without_an_answer_is_made_use_of(store: Store) -> None:
    """The answer and the reading back are lost; the watch tells."""
    lease = store.grant(60)
    with pytest.raises(StoreUnavailable):
        take_claim(
            faulty(store, txn=Fault.LOST_REPLY, get=Fault.ERROR), ROLE, holder="me", lease=lease
        )
    cache = Reflector(store, [keys.CLAIMS])
    cache.start()
    assert cache.wait_synced(10)
    claim = hold_role(store, cache, ROLE, holder="me", lease=lease)
    cache.stop()
    found = store.get(keys.claim(ROLE))
    assert claim is not None
    assert found is not None
    assert claim.token == found.create_revision


def test_a_role_taken_anew_by_another_is_not_mistaken_for_ours(store: Store) -> None:
    mine, other = store.grant(60), store.grant(60)
    cache = Reflector(store, [keys.CLAIMS])
    first = hold_role(store, cache, ROLE, holder="me", lease=mine)
    store.delete(keys.claim(ROLE))
    assert take_claim(store, ROLE, holder="other", lease=other) is not None
    cache.start()
    assert cache.wait_synced(10)
    assert first is not None
    assert hold_role(store, cache, ROLE, holder="me", lease=mine) is None
    cache.stop()
