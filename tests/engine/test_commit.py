"""Flows share transactions, and nobody suffers for another."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import pytest

from esi_flows.engine.commit import MAX_OPS, Commit, Committer
from esi_flows.model import keys
from esi_flows.model.errors import ClaimLost, EsiFlowsError, TooLarge
from esi_flows.store.base import Compare, Op, Put, Store, Txn
from esi_flows.store.claims import Claim, take_claim
from esi_flows.store.faults import FaultyStore


class Gated(FaultyStore):
    """Lets transactions through once the gate is open, and keeps them."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, lambda method, arguments: None)
        self.gate = threading.Event()
        self.reached = threading.Event()
        self.txns: list[Sequence[Op]] = []

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        self.reached.set()
        assert self.gate.wait(20)
        self.txns.append(ops)
        return super().txn(compares, ops)


@pytest.fixture
def gated(store: Store) -> Gated:
    return Gated(store)


@pytest.fixture
def committer(gated: Gated) -> Iterator[Committer]:
    made = Committer(gated, "me", may_wait=lambda: True)
    made.start()
    yield made
    gated.gate.set()
    made.stop()


def claims(store: Store, number: int) -> list[Claim]:
    lease = store.grant(60)
    taken = [take_claim(store, f"g{n}", holder="me", lease=lease) for n in range(number)]
    return [claim for claim in taken if claim is not None]


Told = Future[EsiFlowsError | None]


def commit(claim: Claim, *ops: Op) -> tuple[Commit, Told]:
    told: Told = Future()
    return Commit(claim.fence, ops, told.set_result), told


def submit(committer: Committer, *commits: tuple[Commit, Told]) -> list[Told]:
    for one, _ in commits:
        committer.submit([one])
    return [told for _, told in commits]


def hold_up(committer: Committer, gated: Gated, claim: Claim) -> Told:
    """A first transaction that is on its way until the gate is opened."""
    [told] = submit(committer, commit(claim, Put("/a/first", b"")))
    assert gated.reached.wait(20)
    return told


def test_what_gathers_while_one_is_on_its_way_goes_out_together(
    store: Store, gated: Gated, committer: Committer
) -> None:
    first, *others = claims(store, 21)
    told = [hold_up(committer, gated, first)]
    told += submit(committer, *(commit(c, Put(f"/a/{c.name}", b"")) for c in others))
    gated.gate.set()
    assert [t.result(20) for t in told] == [None] * 21
    assert [len(ops) for ops in gated.txns] == [2, 21]


def test_only_who_lost_its_claim_is_refused(
    store: Store, gated: Gated, committer: Committer
) -> None:
    first, *others = claims(store, 6)
    told = [hold_up(committer, gated, first)]
    told += submit(committer, *(commit(c, Put(f"/a/{c.name}", b"")) for c in others))
    store.delete(others[2].key)
    gated.gate.set()
    errors = {claim.name: t.result(20) for claim, t in zip([first, *others], told, strict=True)}
    assert [name for name, error in errors.items() if error is not None] == [others[2].name]
    assert isinstance(errors[others[2].name], ClaimLost)
    written = {item.key for item in store.range("/a/").items}
    assert written == {"/a/first", *(f"/a/{c.name}" for c in others if c is not others[2])}


def test_what_etcd_does_not_take_of_one_does_not_keep_the_others(
    store: Store, gated: Gated, committer: Committer
) -> None:
    first, second, third = claims(store, 3)
    told = [hold_up(committer, gated, first)]
    many = [Put(f"/a/many/{n}", b"") for n in range(MAX_OPS * 2)]
    told += submit(committer, commit(second, *many), commit(third, Put("/a/third", b"")))
    gated.gate.set()
    assert told[0].result(20) is None
    assert isinstance(told[1].result(20), TooLarge)
    assert told[2].result(20) is None
    assert store.get("/a/third") is not None


def test_writes_of_one_key_keep_their_order(
    store: Store, gated: Gated, committer: Committer
) -> None:
    first, second, third = claims(store, 3)
    told = [hold_up(committer, gated, first)]
    told += submit(committer, commit(second, Put("/a/k", b"1")), commit(third, Put("/a/k", b"2")))
    gated.gate.set()
    assert [t.result(20) for t in told] == [None] * 3
    found = store.get("/a/k")
    assert found is not None
    assert found.value == b"2"
    assert len(gated.txns) == 3


def test_a_transaction_never_has_more_than_etcd_takes(
    store: Store, gated: Gated, committer: Committer
) -> None:
    first, *others = claims(store, 31)
    told = [hold_up(committer, gated, first)]
    told += submit(
        committer,
        *(commit(c, *(Put(f"/a/{c.name}/{n}", b"") for n in range(10))) for c in others),
    )
    gated.gate.set()
    assert [t.result(20) for t in told] == [None] * 31
    assert [len(ops) for ops in gated.txns] == [2, MAX_OPS + 1, MAX_OPS + 1, 300 - 2 * MAX_OPS + 1]


def test_stopping_sends_what_is_waiting(store: Store, gated: Gated) -> None:
    [claim] = claims(store, 1)
    gated.gate.set()
    made = Committer(gated, "me", may_wait=lambda: True)
    [told] = submit(made, commit(claim, Put("/a/k", b"")))
    made.start()
    made.stop()
    assert told.result(0) is None


def test_the_marker_goes_with_its_lease(store: Store, gated: Gated) -> None:
    lease = store.grant(60)
    claim = take_claim(store, "g", holder="me", lease=lease)
    assert claim is not None
    gated.gate.set()
    made = Committer(gated, "me", lease=lease, may_wait=lambda: True)
    made.start()
    [told] = submit(made, commit(claim, Put("/a/k", b"")))
    assert told.result(20) is None
    made.stop()
    assert store.get(keys.marker("me")) is not None
    store.revoke(lease)
    assert store.get(keys.marker("me")) is None


def test_a_write_of_an_earlier_claim_never_goes_with_one_of_a_later(
    store: Store, gated: Gated, committer: Committer
) -> None:
    first, earlier = claims(store, 2)
    told = [hold_up(committer, gated, first)]
    store.delete(earlier.key)
    later = take_claim(store, earlier.name, holder="me", lease=store.grant(60))
    assert later is not None
    told += submit(
        committer,
        commit(earlier, Put("/a/earlier", b"")),
        commit(later, Put("/a/later", b"")),
    )
    gated.gate.set()
    errors = [t.result(20) for t in told]
    assert isinstance(errors[1], ClaimLost)
    assert [errors[0], errors[2]] == [None, None]
    assert [item.key for item in store.range("/a/").items] == ["/a/first", "/a/later"]


def test_what_cannot_even_be_sent_of_one_does_not_keep_the_others(
    store: Store, gated: Gated, committer: Committer
) -> None:
    first, second, third = claims(store, 3)
    told = [hold_up(committer, gated, first)]
    told += submit(
        committer, commit(second, Put("/a/\ud800", b"")), commit(third, Put("/a/3", b""))
    )
    gated.gate.set()
    assert told[0].result(20) is None
    assert isinstance(told[1].result(20), EsiFlowsError)
    assert told[2].result(20) is None


def test_who_fails_on_its_answer_does_not_keep_the_others_from_theirs(
    store: Store, gated: Gated, committer: Committer
) -> None:
    first, second, third = claims(store, 3)
    told = [hold_up(committer, gated, first)]
    answers: list[EsiFlowsError | None] = []

    def fails(error: EsiFlowsError | None) -> None:
        answers.append(error)
        raise ValueError("a defect")

    committer.submit([Commit(second.fence, (Put("/a/2", b""),), fails)])
    told += submit(committer, commit(third, Put("/a/3", b"")))
    gated.gate.set()
    assert [t.result(20) for t in told] == [None, None]
    assert answers == [None]
