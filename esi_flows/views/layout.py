"""Where boxes go: layers from left to right by what waits for what, steps below each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from esi_flows.views.analysis import network
from esi_flows.views.model import Graph, Step

WIDTH = 288
HEAD = 28
ROW = 20
GAP_X = 76
GAP_Y = 18
MARGIN = 24
SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes of groups by id, of steps in their order, and ways of edges by their ends.

    A way is a line of points between the boxes of long edges, which go past what is between.
    """

    groups: dict[str, Box]
    steps: tuple[Box, ...]
    ways: dict[tuple[str, str], tuple[tuple[float, float], ...]]
    width: float
    height: float


def lay_out(graph: Graph, edges: Sequence[tuple[str, str]]) -> Layout:
    """The layout of a graph whose ``edges`` are to be shown. Raises InvalidInput for a circle."""
    network(graph)
    groups: dict[str, Box] = {}
    ways: dict[tuple[str, str], tuple[tuple[float, float], ...]] = {}
    steps, top = [], float(MARGIN)
    for step in graph.steps:
        layered = _Layers(step, edges, top + HEAD + MARGIN)
        groups |= layered.boxes
        ways |= layered.ways
        box = Box(MARGIN, top, layered.width + 2 * MARGIN, layered.bottom - top + MARGIN)
        steps.append(box)
        top += box.height + 2 * MARGIN
    width = max((box.width for box in steps), default=0.0) + 2 * MARGIN
    return Layout(groups, tuple(steps), ways, width, top)


class _Layers:
    """One step. An edge over several layers is bent at a point in each, as if it were a box."""

    def __init__(self, step: Step, edges: Sequence[tuple[str, str]], top: float) -> None:
        self._heights: dict[object, float] = {
            group.id: HEAD + ROW * max(1, len(group.jobs)) + 6 for group in step.groups
        }
        inside = [(a, b) for a, b in edges if a in self._heights and b in self._heights]
        self._before: dict[object, list[object]] = defaultdict(list)
        self._after: dict[object, list[object]] = defaultdict(list)
        self._chains: dict[tuple[str, str], list[object]] = {}
        self._layers = self._make_layers(step, inside)
        for _ in range(SWEEPS):
            self._sweep(self._layers, self._before)
            self._sweep(self._layers[::-1], self._after)
        self._y = self._places()
        self.width = max(len(self._layers), 1) * (WIDTH + GAP_X) - GAP_X
        self.boxes: dict[str, Box] = {}
        self.bottom = top
        for number, layer in enumerate(self._layers):
            for node in layer:
                if isinstance(node, str):
                    x, y = 2 * MARGIN + number * (WIDTH + GAP_X), top + self._y[node]
                    self.boxes[node] = Box(x, y, WIDTH, self._heights[node])
                self.bottom = max(self.bottom, top + self._y[node] + self._heights[node])
        self.ways = {ends: self._way(chain, top) for ends, chain in self._chains.items()}

    def _make_layers(self, step: Step, edges: Sequence[tuple[str, str]]) -> list[list[object]]:
        made = nx.DiGraph()
        made.add_nodes_from(group.id for group in step.groups)
        made.add_edges_from(edges)
        level = {n: i for i, ns in enumerate(nx.topological_generations(made)) for n in ns}
        layers: list[list[object]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
        alone = [g.id for g in step.groups if not made.degree(g.id)]
        for group in step.groups:
            if made.degree(group.id):
                layers[level[group.id]].append(group.id)
        for number, name in enumerate(alone):  # nothing binds them: fill the width with them
            layers[number % max(len(layers), 1)].append(name)
        for source, target in edges:
            chain: list[object] = [source]
            for number in range(level[source] + 1, level[target]):
                bend = (source, target, number)
                self._heights[bend] = 6.0
                layers[number].append(bend)
                chain.append(bend)
            chain.append(target)
            self._chains[source, target] = chain[1:-1]
            for a, b in pairwise(chain):
                self._after[a].append(b)
                self._before[b].append(a)
        return layers

    def _sweep(self, layers: list[list[object]], near: dict[object, list[object]]) -> None:
        place = {node: i for layer in layers for i, node in enumerate(layer)}
        for layer in layers:

            def wanted(node: object, place: dict[object, int] = place) -> float:
                around = [place[n] for n in near[node]]
                return sum(around) / len(around) if around else float(place[node])

            layer.sort(key=wanted)
            place.update((node, i) for i, node in enumerate(layer))

    def _places(self) -> dict[object, float]:
        y: dict[object, float] = {}
        for layer in self._layers:
            top = 0.0
            for node in layer:
                around = [y[n] + self._heights[n] / 2 for n in self._before[node]]
                middle = sum(around) / len(around) if around else 0.0
                y[node] = max(top, middle - self._heights[node] / 2)
                top = y[node] + self._heights[node] + GAP_Y
        return y

    def _way(self, chain: list[object], top: float) -> tuple[tuple[float, float], ...]:
        points = []
        for bend in chain:
            number = bend[2] if isinstance(bend, tuple) else 0
            x, y = 2 * MARGIN + number * (WIDTH + GAP_X), top + self._y[bend] + 3
            points += [(x, y), (x + WIDTH, y)]
        return tuple(points)
