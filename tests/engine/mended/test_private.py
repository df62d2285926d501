"""Each private part of TaskFlow that is relied on is named, and is there."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from taskflow import task
from taskflow.engines.action_engine import engine
from taskflow.patterns import linear_flow
from taskflow.persistence import models

from esi_flows.engine import mended

NAMED = {
    owner: set(re.findall(r"``(_\w+)``", names))
    for owner, names in re.findall(r"- ``(\w+)``: ((?:.|\n)*?)(?=\n- |\Z)", mended.__doc__ or "")
}


class Nothing(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    def execute(self) -> None:
        pass


@pytest.fixture
def stock() -> dict[str, Any]:
    """One object of each class that is named."""
    member = Nothing("a")
    flow = linear_flow.Flow("flow").add(member)
    made = engine.SerialActionEngine(flow, models.FlowDetail("flow", "uuid"), None, {})
    made.compile()
    runtime = made._runtime
    parts = [member, runtime, runtime.completer, runtime.scheduler, runtime.selector]
    named = {type(part).__name__: part for part in [*parts, runtime.task_action, made.storage]}
    return {**named, "Flow": flow, "Task": member, "ActionEngine": made}


def uses() -> list[tuple[str | None, str]]:
    """Every private name that the package's code uses, with the class whose ``self`` has it."""
    found = []
    for path in sorted(Path(mended.__file__).parent.glob("*.py")):
        tree = ast.parse(path.read_text())
        for scope in [tree, *tree.body]:
            owner = scope.name if isinstance(scope, ast.ClassDef) else None
            for node in ast.walk(scope):
                if isinstance(node, ast.FunctionDef) and owner:
                    found.append((f"{path.stem}.{owner}", node.name))
                elif isinstance(node, ast.Attribute):
                    is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
                    if not is_own or owner:
                        found.append((f"{path.stem}.{owner}" if is_own else None, node.attr))
    return [(owner, name) for owner, name in found if re.match(r"_[a-z]", name)]


def bases(owner: str) -> set[str]:
    """The names of TaskFlow's classes that a class of ours is a subclass of."""
    module, _, name = owner.partition(".")
    kind = getattr(importlib.import_module(f"{mended.__name__}.{module}"), name)
    return {base.__name__ for base in kind.__mro__ if base.__module__.startswith("taskflow.")}


def test_what_is_named_is_there(stock: dict[str, Any]) -> None:
    missing = [
        f"{owner}.{name}"
        for owner, names in NAMED.items()
        for name in names
        if not hasattr(stock[owner], name)
    ]
    assert missing == []


def test_what_is_used_is_named_and_nothing_else(stock: dict[str, Any]) -> None:
    used = {
        f"{theirs}.{name}"
        for owner, name in uses()
        for theirs in stock.keys() & (stock.keys() if owner is None else bases(owner))
        if hasattr(stock[theirs], name)
    }
    named = {f"{owner}.{name}" for owner, names in NAMED.items() for name in names}
    assert used == named
