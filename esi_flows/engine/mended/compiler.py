"""Compiling a flat flow."""

from __future__ import annotations

import functools
from typing import Any

from taskflow import exceptions as tf_exceptions
from taskflow import flow as tf_flow
from taskflow import task
from taskflow.engines.action_engine import compiler
from taskflow.types import graph, tree


def fits(flow: Any) -> bool:
    """Whether the mended classes apply: tasks only, no retry, no deciders."""
    return (
        isinstance(flow, tf_flow.Flow)
        and flow.retry is None
        and all(isinstance(member, task.Task) for member, _ in flow.iter_nodes())
        and not any(tf_flow.LINK_DECIDER in attributes for *_, attributes in flow.iter_links())
    )


class FlatCompiler:
    """Compiles a flow that :func:`fits`; what it makes is equal to PatternCompiler's.

    Stock TaskFlow makes a graph per task and merges them one by one, each merge copying what it
    has so far: 18 s of CPU for 5,000 tasks.
    """

    def __init__(self, flow: tf_flow.Flow) -> None:
        self._flow = flow

    def compile(self) -> FlatCompilation:
        """The compiled flow. Raises taskflow's Duplicate for two tasks of one name."""
        compilation = FlatCompilation(self._flow)
        names = [atom.name for atom in compilation.atoms]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise tf_exceptions.Duplicate(f"Atoms with duplicate names found: {twice}")
        return compilation


class FlatCompilation(compiler.Compilation):  # type: ignore[misc]  # TaskFlow is untyped
    """A flow's tasks with their direct neighbours.

    TaskFlow's own graph and tree are made when somebody asks for them: running does not.
    """

    def __init__(self, flow: tf_flow.Flow) -> None:
        self._flow = flow
        self.atoms: tuple[task.Task, ...] = tuple(flow)
        """In an order in which each comes after what it waits for."""
        followers: dict[task.Task, list[task.Task]] = {atom: [] for atom in self.atoms}
        for before, after, _ in flow.iter_links():
            followers[before].append(after)
        self.predecessors: dict[task.Task, list[task.Task]] = {atom: [] for atom in self.atoms}
        self.successors: dict[task.Task, list[task.Task]] = {atom: [] for atom in self.atoms}
        # twice through, so that both are in the order of ``atoms``
        for before, after_all in followers.items():
            for after in after_all:
                self.predecessors[after].append(before)
        for after, before_all in self.predecessors.items():
            for before in before_all:
                self.successors[before].append(after)

    @functools.cached_property
    def execution_graph(self) -> graph.DiGraph:
        """The graph as TaskFlow has it, from the flow through its tasks to its end."""
        made = graph.DiGraph(name=self._flow.name)
        end = compiler.Terminator(self._flow)
        made.add_node(self._flow, kind=compiler.FLOW, noop=True)
        made.add_nodes_from(self.atoms, kind=compiler.TASK)
        made.add_edges_from(self._flow.iter_links())
        made.add_node(end, kind=compiler.FLOW_END, noop=True)
        invariant = {tf_flow.LINK_INVARIANT: True}
        made.add_edges_from(
            ((self._flow, atom) for atom in self.atoms if not self.predecessors[atom]), **invariant
        )
        last = [atom for atom in self.atoms if not self.successors[atom]] or [self._flow]
        made.add_edges_from(((atom, end) for atom in last), **invariant)
        return made.freeze()

    @functools.cached_property
    def hierarchy(self) -> tree.Node:
        """The tree as TaskFlow has it: the flow, and its tasks below."""
        root = tree.Node(self._flow, kind=compiler.FLOW, noop=True)
        for atom in self.atoms:
            root.add(tree.Node(atom, kind=compiler.TASK))
        root.freeze()
        return root
