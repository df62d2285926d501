"""Admission against a model: whatever happens in whatever order, it says what must be said."""

from __future__ import annotations

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from esi_flows.conductor.admission import Admission
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Action, ResourceRef, group_name

BAD_ENDS = (GroupState.REVERTED, GroupState.FAILURE, GroupState.CANCELLED)


def job_of(group: str) -> str:
    return f"create:heat_worker:{group}:abcde"


def record_of(number: int, *, after: tuple[str, ...] = ()) -> GroupRecord:
    resource = ResourceRef("port", str(number))
    name = group_name(resource, 1)
    return GroupRecord(
        name=name,
        action=Action.CREATE,
        resource=resource,
        version=1,
        job_ids=(job_of(name),),
        waits_for=tuple(job_of(owner) for owner in after),
    )


def names(*numbers: int) -> list[str]:
    return [record_of(number).name for number in numbers]


class AdmissionMachine(RuleBasedStateMachine):
    """Posts, claims, releases, ends and restarts, next to sets that say what is true."""

    def __init__(self) -> None:
        super().__init__()
        self.admission = Admission()
        self.records: dict[str, GroupRecord] = {}
        self.owners: dict[str, tuple[str, ...]] = {}
        self.claims: set[str] = set()

    def unfinished(self) -> list[str]:
        return [name for name, record in self.records.items() if not record.state.ended]

    @rule(data=st.data())
    def post(self, data: st.DataObject) -> None:
        known = sorted(self.records)
        owners = data.draw(st.lists(st.sampled_from(known), max_size=3)) if known else []
        record = record_of(len(self.records), after=tuple(owners))
        self.records[record.name] = record
        self.owners[record.name] = tuple(owners)
        self.admission.update(record)

    @precondition(lambda self: self.admission.runnable())
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.admission.runnable()))
        self.claims.add(name)
        self.admission.claimed(name)
        self.records[name] = self.records[name].but(state=GroupState.RUNNING)
        self.admission.update(self.records[name])

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.claims)))
        self.claims.discard(name)
        self.admission.released(name)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), state=st.sampled_from([GroupState.SUCCESS, *BAD_ENDS]))
    def end(self, data: st.DataObject, state: GroupState) -> None:
        name = data.draw(st.sampled_from(sorted(self.claims)))
        self.claims.discard(name)
        self.end_as(name, state, job_of(name))

    @precondition(lambda self: self.admission.doomed())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        name, failed_job = data.draw(st.sampled_from(self.admission.doomed()))
        self.end_as(name, GroupState.CANCELLED, failed_job)

    def end_as(self, name: str, state: GroupState, failed_job: str) -> None:
        bad = "" if state is GroupState.SUCCESS else failed_job
        self.records[name] = self.records[name].but(state=state, failed_job=bad)
        self.admission.update(self.records[name])
        self.admission.released(name)

    @rule(order=st.randoms(use_true_random=False))
    def start_anew(self, order: random.Random) -> None:
        """A conductor starts and is told all there is, in any order."""
        self.admission = Admission()
        told = [("record", name) for name in self.records] + [("claim", n) for n in self.claims]
        order.shuffle(told)
        for kind, name in told:
            if kind == "claim":
                self.admission.claimed(name)
            else:
                self.admission.update(self.records[name])

    @invariant()
    def exactly_those_may_run(self) -> None:
        free = [name for name in self.unfinished() if name not in self.claims]
        wanted = {
            name
            for name in free
            if all(self.records[o].state is GroupState.SUCCESS for o in self.owners[name])
        }
        assert set(self.admission.runnable()) == wanted

    @invariant()
    def exactly_those_are_doomed(self) -> None:
        wanted = {
            name
            for name in self.unfinished()
            if any(self.records[owner].state in BAD_ENDS for owner in self.owners[name])
        }
        assert {name for name, _ in self.admission.doomed()} == wanted

    @invariant()
    def cancelling_reaches_all_that_wait(self) -> None:
        """Cancelled to the end, the doomed are everything that waits for a failure, however far."""
        failed = {name for name, record in self.records.items() if record.state in BAD_ENDS}
        lost: set[str] = set()
        for name in self.records:  # posted in this order, so owners come first
            if any(owner in failed | lost for owner in self.owners[name]):
                lost.add(name)
        copy = Admission()
        for record in self.records.values():
            copy.update(record)
        while doomed := copy.doomed():
            for name, failed_job in doomed:
                cancelled = self.records[name].but(
                    state=GroupState.CANCELLED, failed_job=failed_job
                )
                copy.update(cancelled)
                lost.discard(name)
        assert not [name for name in lost if not self.records[name].state.ended]

    @invariant()
    def it_remembers_only_what_somebody_waits_for(self) -> None:
        unfinished = set(self.unfinished())
        needed = unfinished.union(*(self.owners[name] for name in unfinished))
        assert set(self.admission._waiting) <= needed


TestAdmission = AdmissionMachine.TestCase
TestAdmission.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_who_waits_may_be_told_before_what_it_waits_for() -> None:
    owner, waiter = record_of(2), record_of(1, after=tuple(names(2)))
    admission = Admission()
    admission.update(waiter)
    admission.update(owner)
    assert admission.runnable() == [owner.name]


def test_a_failure_may_be_told_after_who_waits_for_it() -> None:
    admission = Admission()
    admission.update(record_of(1, after=tuple(names(2))))
    admission.update(record_of(2).but(state=GroupState.REVERTED, failed_job="the job"))
    assert admission.runnable() == []
    assert admission.doomed() == [(names(1)[0], "the job")]


def test_a_group_posted_anew_under_its_old_name_counts_afresh() -> None:
    admission = Admission()
    admission.update(record_of(1).but(job_ids=("old",)))
    admission.update(record_of(1, after=tuple(names(2))))
    admission.update(record_of(2))
    assert admission.runnable() == names(2)


def test_a_refused_claim_waits_for_news() -> None:
    admission = Admission()
    admission.update(record_of(1))
    admission.defer(names(1)[0])
    assert admission.runnable() == []
    admission.update(record_of(1))
    assert admission.runnable() == names(1)


def test_what_waits_for_a_group_whose_record_is_gone_may_run() -> None:
    admission = Admission()
    admission.update(record_of(1))
    admission.update(record_of(2, after=tuple(names(1))))
    admission.forget(names(1)[0])
    assert admission.runnable() == names(2)


def test_a_group_does_not_wait_for_an_earlier_one_of_its_own_name() -> None:
    admission = Admission()
    admission.update(record_of(1).but(state=GroupState.SUCCESS))
    admission.update(record_of(1, after=tuple(names(1))))
    assert admission.runnable() == names(1)


def test_a_newer_version_runs_although_the_older_one_failed() -> None:
    admission = Admission()
    older, newer = record_of(1), record_of(1, after=tuple(names(1))).but(name="port:1:2")
    admission.update(older)
    admission.update(newer)
    assert admission.runnable() == [older.name]
    admission.update(older.but(state=GroupState.REVERTED, failed_job="the job"))
    assert admission.doomed() == []
    assert admission.runnable() == [newer.name]
