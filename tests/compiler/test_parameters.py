"""Parameters become plain values once the outputs they refer to are recorded."""

from __future__ import annotations

import pytest

from esi_flows.compiler.parameters import resolve
from esi_flows.model.errors import TemplateError
from esi_flows.model.jobs import Parameter, ResourceRef

NETWORK = ResourceRef("network", "n1")
STACKS = {NETWORK: {"id": "u1", "mac": None}}


def output(name: str, key: str, resource: ResourceRef = NETWORK) -> Parameter:
    reference = {
        "output_key": key,
        "resource_type": resource.type,
        "resource_id": resource.id,
    }
    return Parameter(name, "output_key", reference, (resource,))


def test_values_outputs_and_lists() -> None:
    params = (
        Parameter("cidr", "value", None),
        output("network", "id"),
        output("mac", "mac"),
        Parameter(
            "all",
            "list",
            (
                output("all", "id"),
                Parameter("all", "value", {"a": 1}),
                Parameter("all", "list", ()),
            ),
        ),
    )
    assert resolve(params, STACKS.get) == {
        "cidr": None,
        "network": "u1",
        "mac": None,
        "all": ["u1", {"a": 1}, []],
    }


def test_a_stack_that_is_not_recorded_is_named() -> None:
    with pytest.raises(TemplateError, match=r"no stack is recorded for network:n2.*parameter net"):
        resolve([output("net", "id", ResourceRef("network", "n2"))], STACKS.get)


def test_an_output_that_the_stack_lacks_is_named() -> None:
    with pytest.raises(TemplateError, match=r"network:n1 has no output 'name'") as caught:
        resolve([output("net", "name")], STACKS.get)
    assert "id, mac" in caught.value.hint
