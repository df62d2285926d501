"""Whose turn it is: fair between projects, within limits, by priority; held to a plain model."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from esi_flows.conductor.turns import Limits, Needs, Turns

H = frozenset({"heat_worker"})


def turns_of(groups: dict[str, Needs], limits: Limits | None = None) -> Turns:
    turns = Turns(groups.__getitem__, limits=limits, handlers=("heat_worker", "monitoring_worker"))
    for since, name in enumerate(groups):
        turns.add(name, float(since))
    return turns


def test_one_project_with_many_groups_does_not_keep_another_waiting() -> None:
    groups = {f"a{number}": Needs("a", H) for number in range(1000)}
    turns = turns_of({**groups, "b0": Needs("b", H), "b1": Needs("b", H)})
    assert turns.take(5) == ["a0", "b0", "a1", "b1", "a2"]


def test_a_project_that_had_its_turn_waits_for_the_others_in_the_next_round_too() -> None:
    turns = turns_of({f"{project}{n}": Needs(project, H) for project in "abc" for n in range(9)})
    taken = [turns.take(1)[0][0] for _ in range(9)]
    assert taken == [*"abcabcabc"]


def test_priority_goes_first() -> None:
    turns = turns_of({"low": Needs("a", H, -1), "mid": Needs("b", H), "top": Needs("c", H, 5)})
    assert turns.take(2) == ["top", "mid"]


def test_what_a_limit_holds_back_holds_up_nobody_else() -> None:
    other = frozenset({"monitoring_worker"})
    groups = {"a0": Needs("a", H), "a1": Needs("a", H), "a2": Needs("a", other)}
    turns = turns_of(groups, Limits(handlers={"heat_worker": 1}))
    assert turns.take(9) == ["a0", "a2"]
    turns.over("a0")
    assert turns.take(9) == ["a1"]


def test_a_group_whose_handler_is_not_installed_here_is_left_for_another_conductor() -> None:
    turns = turns_of({"a": Needs("a", frozenset({"vnf_worker"})), "b": Needs("a", H)})
    assert turns.take(9) == ["b"]
    assert turns.waiting() == ["a"]


_needs = st.builds(
    Needs,
    st.sampled_from("abc"),
    st.sampled_from([H, frozenset({"monitoring_worker"}), H | {"monitoring_worker"}]),
    st.integers(-1, 1),
)


def _fits(need: Needs, limits: Limits, projects: Counter[str], handlers: Counter[str]) -> bool:
    return not (
        0 < limits.project <= projects[need.project]
        or any(0 < limits.handlers.get(h, 0) <= handlers[h] for h in need.handlers)
    )


@given(
    st.lists(_needs, max_size=30),
    st.builds(
        Limits,
        st.integers(0, 3),
        st.dictionaries(st.sampled_from(["heat_worker", "monitoring_worker"]), st.integers(0, 4)),
    ),
    st.lists(st.integers(1, 7), min_size=1, max_size=12),
)
def test_no_limit_is_broken_no_room_is_left_and_nothing_is_lost(
    needs: list[Needs], limits: Limits, rounds: list[int]
) -> None:
    groups = {f"g{number}": need for number, need in enumerate(needs)}
    turns = turns_of(groups, limits)
    running: list[str] = []
    done: list[str] = []
    for most in [*rounds, *[1] * 40]:
        taken = turns.take(most)
        running += taken
        projects = Counter(groups[name].project for name in running)
        handlers = Counter(h for name in running for h in groups[name].handlers)

        assert not limits.project or max(projects.values(), default=0) <= limits.project
        assert all(not n or handlers[h] <= n for h, n in limits.handlers.items())
        assert len(taken) == most or not any(
            _fits(groups[name], limits, projects, handlers) for name in turns.waiting()
        )
        for name in running[:2]:
            turns.over(name)
            done.append(name)
        running = running[2:]
    assert sorted([*done, *running, *turns.waiting()]) == sorted(groups)
    assert not turns.waiting(), "room came free in every round"
