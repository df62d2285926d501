"""One flow's writes on a store that fails in every way: what it says is written is written."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from esi_flows.engine.commit import MAX_BYTES, MAX_OPS, Committer
from esi_flows.engine.fenced import FencedWriter
from esi_flows.model.errors import ClaimLost, EsiFlowsError, TooLarge
from esi_flows.store.base import Delete, DeletePrefix, Op, Put, Store
from esi_flows.store.claims import Claim, take_claim
from esi_flows.store.faults import Choose, Fault, FaultyStore

Make = Callable[..., tuple[FencedWriter, FaultyStore]]


@pytest.fixture
def claim(store: Store) -> Claim:
    taken = take_claim(store, "g", holder="me", lease=store.grant(60))
    assert taken is not None
    return taken


def never(_method: str, _arguments: Sequence[Any]) -> Fault | None:
    return None


def unexpected(method: str, _arguments: Sequence[Any]) -> Fault | None:
    pytest.fail(f"etcd is asked: {method}")


def at(number: int, fault: Fault, method: str = "txn") -> Choose:
    """This fault for the call of ``method`` with that number, from 0."""
    calls = itertools.count()
    return lambda called, _: fault if called == method and next(calls) == number else None


@pytest.fixture
def make(store: Store, claim: Claim) -> Iterator[Make]:
    """Makes writers, each with a committer of its own as of a process of its own."""
    committers: list[Committer] = []

    def make_one(
        choose: Choose = never,
        *,
        under: Claim = claim,
        may_wait: Callable[[], bool] = lambda: True,
    ) -> tuple[FencedWriter, FaultyStore]:
        faulty = FaultyStore(store, choose)
        committer = Committer(faulty, f"me{len(committers)}", may_wait=may_wait)
        committer.start()
        committers.append(committer)
        return FencedWriter(committer, under.fence), faulty

    yield make_one
    for committer in committers:
        committer.stop()


def finish(writer: FencedWriter, ops: Sequence[Op]) -> None:
    """As :meth:`FencedWriter.finish`, and wait."""
    told: Future[EsiFlowsError | None] = Future()
    writer.finish(ops, told.set_result)
    error = told.result(20)
    if error is not None:
        raise error


def values(store: Store, prefix: str = "/a/") -> dict[str, bytes]:
    return {item.key: item.value for item in store.range(prefix).items}


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_is_flushed_is_stored_whatever_happens_to_a_transaction(
    store: Store, make: Make, claim: Claim, fault: Fault, number: int
) -> None:
    given, faulty = make(at(number, fault))
    for value in (b"1", b"2", b"3"):
        given.put("/a/k", value)
        given.flush()
        assert values(store) == {"/a/k": value}
    faulty.deliver()
    assert values(store) == {"/a/k": b"3"}


@pytest.mark.parametrize("fault", Fault)
def test_reading_back_may_fail_too(store: Store, make: Make, claim: Claim, fault: Fault) -> None:
    fails = [("txn", Fault.LOST_REPLY), ("get", fault)]

    def choose(method: str, _arguments: Sequence[Any]) -> Fault | None:
        return fails.pop(0)[1] if fails and fails[0][0] == method else None

    given, _ = make(choose)
    given.put("/a/k", b"1")
    given.flush()
    assert fails == []
    assert values(store) == {"/a/k": b"1"}


def test_a_lost_reply_is_not_followed_by_a_second_write(
    store: Store, make: Make, claim: Claim
) -> None:
    given, _ = make(at(0, Fault.LOST_REPLY))
    before = store.range("/").revision
    given.put("/a/k", b"1")
    given.flush()
    assert store.range("/").revision == before + 1


def test_a_delayed_copy_never_overwrites_what_came_after(
    store: Store, make: Make, claim: Claim
) -> None:
    given, faulty = make(at(0, Fault.DELAYED))
    given.put("/a/k", b"old")
    given.flush()
    given.put("/a/k", b"new")
    given.flush()
    revision = store.range("/").revision
    faulty.deliver()
    assert values(store) == {"/a/k": b"new"}
    assert store.range("/").revision == revision


def test_a_copy_that_arrives_while_we_try_again_is_found_to_be_ours(
    store: Store, make: Make, claim: Claim
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
    committer = Committer(faulty, "me", may_wait=lambda: True)
    committer.start()
    given = FencedWriter(committer, claim.fence)
    given.put("/a/k", b"1")
    given.flush()
    given.put("/a/k", b"2")
    given.flush()
    committer.stop()
    assert values(store) == {"/a/k": b"2"}


@pytest.mark.parametrize("write", ["flush", "finish"])
def test_nothing_is_written_after_the_claim_is_lost(
    store: Store, make: Make, claim: Claim, write: str
) -> None:
    given, faulty = make()
    store.delete(claim.key)
    given.put("/a/k", b"1")
    with pytest.raises(ClaimLost):
        given.flush() if write == "flush" else finish(given, [Put("/a/end", b"")])
    # even if the key came back with the very same revision, this writer has ended
    faulty.choose = unexpected
    for again in (given.flush, lambda: finish(given, [Put("/a/end", b"")])):
        with pytest.raises(ClaimLost):
            again()
    assert values(store) == {}


def test_two_claims_of_one_group_never_mix(store: Store, make: Make, claim: Claim) -> None:
    """The first one's delayed write lands after the second has begun."""
    first, faulty = make(at(0, Fault.DELAYED), may_wait=iter([True, False]).__next__)
    first.put("/a/k", b"first")
    with pytest.raises(ClaimLost):
        first.flush()
    store.delete(claim.key)
    second_claim = take_claim(store, "g", holder="other", lease=store.grant(60))
    assert second_claim is not None
    second, _ = make(under=second_claim)
    faulty.deliver()
    second.put("/a/k", b"second")
    second.flush()
    assert values(store) == {"/a/k": b"second"}


def test_no_try_is_made_once_the_lease_has_run_out(store: Store, make: Make, claim: Claim) -> None:
    given, _ = make(may_wait=lambda: False)
    given.put("/a/k", b"1")
    with pytest.raises(ClaimLost):
        given.flush()
    assert values(store) == {}


def test_waiting_for_etcd_ends_with_the_lease(store: Store, make: Make, claim: Claim) -> None:
    alive = iter([True] * 5)
    given, _ = make(lambda _m, _a: Fault.ERROR, may_wait=lambda: next(alive, False))
    given.put("/a/k", b"1")
    with pytest.raises(ClaimLost):
        given.flush()


def test_what_is_stored_already_is_not_written_again(
    store: Store, make: Make, claim: Claim
) -> None:
    given, _ = make()
    given.remember("/a/known", b"1")
    given.put("/a/known", b"1")
    given.put("/a/k", b"1")
    given.flush()
    revision = store.range("/").revision
    given.put("/a/k", b"1")
    given.flush()
    assert store.range("/").revision == revision
    assert values(store) == {"/a/k": b"1"}


def test_the_last_value_given_counts(store: Store, make: Make, claim: Claim) -> None:
    given, _ = make()
    given.put("/a/k", b"1")
    given.flush()
    given.put("/a/k", b"2")
    given.put("/a/k", b"1")
    given.flush()
    assert values(store) == {"/a/k": b"1"}


def test_what_was_removed_can_be_written_again(store: Store, make: Make, claim: Claim) -> None:
    given, _ = make()
    for _ in range(2):
        given.put("/a/k", b"1")
        given.flush()
        given.delete("/a/k")
        given.flush()
    given.put("/a/k", b"1")
    given.flush()
    assert values(store) == {"/a/k": b"1"}


def test_many_writes_are_parted_and_all_arrive(store: Store, make: Make, claim: Claim) -> None:
    given, _ = make(at(1, Fault.LOST_REPLY))
    wanted = {f"/a/{number:03}": str(number).encode() for number in range(MAX_OPS * 2 + 7)}
    before = store.range("/").revision
    for key, value in wanted.items():
        given.put(key, value)
    given.flush()
    assert values(store) == wanted
    assert store.range("/").revision == before + 3


def test_large_writes_are_parted_by_size(store: Store, make: Make, claim: Claim) -> None:
    given, _ = make()
    large = b"x" * (MAX_BYTES // 2)
    for number in range(5):
        given.put(f"/a/{number}", large)
    given.flush()
    assert len(values(store)) == 5


def test_what_belongs_together_is_not_parted(store: Store, make: Make, claim: Claim) -> None:
    given, _ = make()
    for unit in range(50):
        for part in range(3):
            given.put(f"/a/{unit:02}/{part}", b"")
        given.seal()
    given.flush()
    revisions = [item.mod_revision for item in store.range("/a/").items]
    assert len(set(revisions)) == 2
    assert all(len(set(revisions[i : i + 3])) == 1 for i in range(0, 150, 3))


def test_one_document_that_etcd_does_not_take_is_said_to_be_too_large(
    store: Store, make: Make, claim: Claim
) -> None:
    given, _ = make()
    given.put("/a/k", b"x" * 2 * 1024 * 1024)
    with pytest.raises(TooLarge):
        given.flush()


def test_finish_writes_what_is_left_with_it_in_one_transaction(
    store: Store, make: Make, claim: Claim
) -> None:
    given, _ = make()
    store.put("/gone/x", b"")
    given.put("/a/k", b"1")
    given.put("/a/shared", b"mine")
    given.put("/gone/y", b"1")
    before = store.range("/").revision
    finish(given, [Put("/a/shared", b"theirs"), DeletePrefix("/gone/"), Delete(claim.key)])
    assert store.range("/").revision == before + 1
    assert values(store) == {"/a/k": b"1", "/a/shared": b"theirs"}
    assert store.get(claim.key) is None
    assert values(store, "/gone/") == {}


@pytest.mark.parametrize("fault", Fault)
def test_finish_happens_once_whatever_happens_to_it(
    store: Store, make: Make, claim: Claim, fault: Fault
) -> None:
    given, faulty = make(at(0, fault))
    given.put("/a/k", b"1")
    finish(given, [Put("/a/end", b"1"), Delete(claim.key)])
    revision = store.range("/").revision
    faulty.deliver()
    assert store.range("/").revision == revision
    assert values(store) == {"/a/k": b"1", "/a/end": b"1"}


def test_finish_sends_ahead_what_does_not_fit(store: Store, make: Make, claim: Claim) -> None:
    given, _ = make()
    for number in range(MAX_OPS):
        given.put(f"/a/{number}", b"")
    finish(given, [Put("/a/end", b""), Delete(claim.key)])
    assert len(values(store)) == MAX_OPS + 1
