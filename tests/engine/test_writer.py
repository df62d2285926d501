"""The fenced writer on a store that fails in every way: what it says is written is written."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from esi_flows.engine import writer
from esi_flows.engine.writer import FencedWriter
from esi_flows.model.errors import ClaimLost, Indeterminate, StoreUnavailable, TooLarge
from esi_flows.store.base import Delete, DeletePrefix, Put, Store
from esi_flows.store.claims import Claim, take_claim
from esi_flows.store.faults import Choose, Fault, FaultyStore

MARKER = "/flow/marker"


@pytest.fixture
def claim(store: Store) -> Claim:
    taken = take_claim(store, "g", holder="me", lease=store.grant(60))
    assert taken is not None
    return taken


def never(_method: str, _arguments: Sequence[Any]) -> Fault | None:
    return None


def at(number: int, fault: Fault, method: str = "txn") -> Choose:
    """This fault for the call of ``method`` with that number, from 0."""
    calls = itertools.count()
    return lambda called, _: fault if called == method and next(calls) == number else None


def make(
    store: Store,
    claim: Claim,
    choose: Choose = never,
    *,
    may_wait: Callable[[], bool] = lambda: True,
) -> tuple[FencedWriter, FaultyStore]:
    faulty = FaultyStore(store, choose)
    found = store.get(MARKER)
    made = FencedWriter(
        faulty,
        fence=claim.fence,
        marker=MARKER,
        marker_revision=found.mod_revision if found is not None else 0,
        may_wait=may_wait,
    )
    return made, faulty


def values(store: Store, prefix: str = "/a/") -> dict[str, bytes]:
    return {item.key: item.value for item in store.range(prefix).items}


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_is_flushed_is_stored_whatever_happens_to_a_transaction(
    store: Store, claim: Claim, fault: Fault, number: int
) -> None:
    given, faulty = make(store, claim, at(number, fault))
    for value in (b"1", b"2", b"3"):
        given.put("/a/k", value)
        given.flush()
        assert values(store) == {"/a/k": value}
    faulty.deliver()
    assert values(store) == {"/a/k": b"3"}


@pytest.mark.parametrize("fault", Fault)
def test_reading_back_may_fail_too(store: Store, claim: Claim, fault: Fault) -> None:
    fails = [("txn", Fault.LOST_REPLY), ("get", fault)]

    def choose(method: str, _arguments: Sequence[Any]) -> Fault | None:
        return fails.pop(0)[1] if fails and fails[0][0] == method else None

    given, _ = make(store, claim, choose)
    given.put("/a/k", b"1")
    given.flush()
    assert fails == []
    assert values(store) == {"/a/k": b"1"}


def test_a_lost_reply_is_not_followed_by_a_second_write(store: Store, claim: Claim) -> None:
    given, _ = make(store, claim, at(0, Fault.LOST_REPLY))
    before = store.range("/").revision
    given.put("/a/k", b"1")
    given.flush()
    assert store.range("/").revision == before + 1


def test_a_delayed_copy_never_overwrites_what_came_after(store: Store, claim: Claim) -> None:
    given, faulty = make(store, claim, at(0, Fault.DELAYED))
    given.put("/a/k", b"old")
    given.flush()
    given.put("/a/k", b"new")
    given.flush()
    revision = store.range("/").revision
    faulty.deliver()
    assert values(store) == {"/a/k": b"new"}
    assert store.range("/").revision == revision


def test_a_copy_that_arrives_while_we_try_again_is_found_to_be_ours(
    store: Store, claim: Claim
) -> None:
    """Delayed, read back as not there, then it lands before the new try does."""
    calls = itertools.count()
    faulty = FaultyStore(store, never)

    def choose(method: str, _arguments: Sequence[Any]) -> Fault | None:
        if method != "txn":
            return None
        number = next(calls)
        if number == 1:
            faulty.deliver()
        return Fault.DELAYED if number == 0 else None

    faulty.choose = choose
    given = FencedWriter(
        faulty, fence=claim.fence, marker=MARKER, marker_revision=0, may_wait=lambda: True
    )
    given.put("/a/k", b"1")
    given.flush()
    given.put("/a/k", b"2")
    given.flush()
    assert values(store) == {"/a/k": b"2"}


@pytest.mark.parametrize("write", ["flush", "finish"])
def test_nothing_is_written_after_the_claim_is_lost(store: Store, claim: Claim, write: str) -> None:
    given, _ = make(store, claim)
    store.delete(claim.key)
    given.put("/a/k", b"1")
    with pytest.raises(ClaimLost):
        given.flush() if write == "flush" else given.finish([Put("/a/end", b"")])
    # even if the key came back with the very same revision, this writer has ended
    calls: list[str] = []
    given._store = FaultyStore(store, lambda method, _: calls.append(method))
    for again in (given.flush, lambda: given.finish([Put("/a/end", b"")])):
        with pytest.raises(ClaimLost):
            again()
    assert calls == []
    assert values(store) == {}


def test_two_claims_of_one_group_never_mix(store: Store, claim: Claim) -> None:
    """The first one's delayed write lands after the second has begun."""
    first, faulty = make(store, claim, at(0, Fault.DELAYED), may_wait=iter([True, False]).__next__)
    first.put("/a/k", b"first")
    with pytest.raises(ClaimLost):
        first.flush()
    store.delete(claim.key)
    second_claim = take_claim(store, "g", holder="other", lease=store.grant(60))
    assert second_claim is not None
    second, _ = make(store, second_claim)
    faulty.deliver()
    second.put("/a/k", b"second")
    second.flush()
    assert values(store) == {"/a/k": b"second"}


def test_no_try_is_made_once_the_lease_has_run_out(store: Store, claim: Claim) -> None:
    given, _ = make(store, claim, may_wait=lambda: False)
    given.put("/a/k", b"1")
    with pytest.raises(ClaimLost):
        given.flush()
    assert values(store) == {}


def test_waiting_for_etcd_ends_with_the_lease(store: Store, claim: Claim) -> None:
    alive = iter([True] * 5)
    given, _ = make(store, claim, lambda _m, _a: Fault.ERROR, may_wait=lambda: next(alive, False))
    given.put("/a/k", b"1")
    with pytest.raises(ClaimLost):
        given.flush()


def test_what_is_stored_already_is_not_written_again(store: Store, claim: Claim) -> None:
    given, _ = make(store, claim)
    given.remember("/a/known", b"1")
    given.put("/a/known", b"1")
    given.put("/a/k", b"1")
    given.flush()
    revision = store.range("/").revision
    given.put("/a/k", b"1")
    given.flush()
    assert store.range("/").revision == revision
    assert values(store) == {"/a/k": b"1"}


def test_the_last_value_given_counts(store: Store, claim: Claim) -> None:
    given, _ = make(store, claim)
    given.put("/a/k", b"1")
    given.flush()
    given.put("/a/k", b"2")
    given.put("/a/k", b"1")
    given.flush()
    assert values(store) == {"/a/k": b"1"}


def test_what_was_removed_can_be_written_again(store: Store, claim: Claim) -> None:
    given, _ = make(store, claim)
    for write in (lambda: given.put("/a/k", b"1"), lambda: given.delete("/a/k")) * 2:
        write()
        given.flush()
    given.put("/a/k", b"1")
    given.flush()
    assert values(store) == {"/a/k": b"1"}


def test_many_writes_are_parted_and_all_arrive(store: Store, claim: Claim) -> None:
    given, _ = make(store, claim, at(1, Fault.LOST_REPLY))
    wanted = {f"/a/{number:03}": str(number).encode() for number in range(writer.MAX_OPS * 2 + 7)}
    before = store.range("/").revision
    for key, value in wanted.items():
        given.put(key, value)
    given.flush()
    assert values(store) == wanted
    assert store.range("/").revision == before + 3


def test_large_writes_are_parted_by_size(store: Store, claim: Claim) -> None:
    given, _ = make(store, claim)
    large = b"x" * (writer.MAX_BYTES // 2)
    for number in range(5):
        given.put(f"/a/{number}", large)
    given.flush()
    assert len(values(store)) == 5


def test_what_belongs_together_is_not_parted(store: Store, claim: Claim) -> None:
    given, _ = make(store, claim)
    for unit in range(40):
        for part in range(3):
            given.put(f"/a/{unit:02}/{part}", b"")
        given.seal()
    given.flush()
    revisions = [item.mod_revision for item in store.range("/a/").items]
    assert len(set(revisions)) == 2
    assert all(len(set(revisions[i : i + 3])) == 1 for i in range(0, 120, 3))


def test_one_document_that_etcd_does_not_take_is_said_to_be_too_large(
    store: Store, claim: Claim
) -> None:
    given, _ = make(store, claim)
    given.put("/a/k", b"x" * 2 * 1024 * 1024)
    with pytest.raises(TooLarge):
        given.flush()


def test_finish_writes_what_is_left_with_it_in_one_transaction(store: Store, claim: Claim) -> None:
    given, _ = make(store, claim)
    store.put("/gone/x", b"")
    given.put("/a/k", b"1")
    given.put("/a/shared", b"mine")
    given.put("/gone/y", b"1")
    before = store.range("/").revision
    given.finish([Put("/a/shared", b"theirs"), DeletePrefix("/gone/"), Delete(claim.key)])
    assert store.range("/").revision == before + 1
    assert values(store, "/") == {"/a/k": b"1", "/a/shared": b"theirs"}


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (Fault.ERROR, StoreUnavailable),
        (Fault.LOST_REQUEST, Indeterminate),
        (Fault.LOST_REPLY, Indeterminate),
        (Fault.DELAYED, Indeterminate),
    ],
)
def test_finish_can_be_tried_again_and_happens_once(
    store: Store, claim: Claim, fault: Fault, raised: type[Exception]
) -> None:
    given, faulty = make(store, claim, at(0, fault))
    given.put("/a/k", b"1")
    ops = [Put("/a/end", b"1"), Delete(claim.key)]
    with pytest.raises(raised):
        given.finish(ops)
    done = fault is Fault.LOST_REPLY
    assert (values(store) != {}) is done
    if done:
        with pytest.raises(ClaimLost):  # it is over: reading back tells how
            given.finish(ops)
    else:
        given.finish(ops)
    revision = store.range("/").revision
    faulty.deliver()
    assert store.range("/").revision == revision
    assert values(store) == {"/a/k": b"1", "/a/end": b"1"}


def test_finish_sends_ahead_what_does_not_fit(store: Store, claim: Claim) -> None:
    given, _ = make(store, claim)
    for number in range(writer.MAX_OPS):
        given.put(f"/a/{number}", b"")
    given.finish([Put("/a/end", b""), Delete(claim.key)])
    assert len(values(store)) == writer.MAX_OPS + 1
