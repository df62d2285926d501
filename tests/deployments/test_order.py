from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from esi_flows.catalog.types import Catalog, ResourceType
from esi_flows.deployments.order import ordered
from esi_flows.deployments.types import Wanted
from esi_flows.model.errors import Finding
from esi_flows.model.jobs import ResourceRef

CATALOG = Catalog([ResourceType(type="t", prefix="/v1", plural="ts", relations={"needs": "t"})], [])


def wanted(name: str, needs: list[str]) -> Wanted:
    return Wanted(ResourceRef("t", name), {"needs": needs}, f"f:{name}")


def order(*intents: Wanted) -> list[str]:
    findings: list[Finding] = []
    result = [w.resource.id for w in ordered(intents, CATALOG, findings)]
    assert findings == []
    return result


def test_unrelated_intents_stay_in_file_order() -> None:
    assert order(wanted("c", []), wanted("a", []), wanted("b", [])) == ["c", "a", "b"]


def test_what_is_referred_to_comes_first_and_no_earlier_than_needed() -> None:
    assert order(wanted("x", []), wanted("b", ["a"]), wanted("a", [])) == ["x", "a", "b"]


def test_resources_outside_the_step_and_references_to_itself_do_not_matter() -> None:
    assert order(wanted("a", ["elsewhere", "a"])) == ["a"]


def test_a_chain_of_thousands_is_no_deeper_than_one_of_two() -> None:
    intents = [wanted(str(n), [str(n + 1)]) for n in range(5000)]
    assert order(*intents) == [str(n) for n in reversed(range(5000))]


@given(st.lists(st.sets(st.integers(0, 9)), min_size=1, max_size=10))
def test_any_graph_is_either_ordered_or_its_cycle_is_found(needs: list[set[int]]) -> None:
    intents = [wanted(str(n), sorted(map(str, targets))) for n, targets in enumerate(needs)]
    findings: list[Finding] = []
    result = [w.resource.id for w in ordered(intents, CATALOG, findings)]
    assert sorted(result) == sorted(w.resource.id for w in intents)
    place = {name: index for index, name in enumerate(result)}
    wrong = [
        (name, str(target))
        for name, targets in ((str(n), t) for n, t in enumerate(needs))
        for target in targets
        if str(target) in place and str(target) != name and place[str(target)] > place[name]
    ]
    assert bool(wrong) == bool(findings)
