"""The flows that are run: steps that do nothing, and what each waits for."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

JOURNAL = "ESI_FLOWS_BENCH_JOURNAL"
"""Names a file in which every step notes that it begins; unset: steps do nothing at all."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a flow. ``layer`` is one more than the highest of those it waits for."""

    name: str
    after: tuple[str, ...] = ()
    layer: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """A flow. ``seconds`` is how long each step sleeps, 0 for not at all."""

    name: str
    steps: tuple[Step, ...]
    seconds: float = 0.0

    def layers(self) -> list[list[Step]]:
        """The steps by layer, each in order."""
        ordered = sorted(self.steps, key=lambda step: step.layer)
        return [list(steps) for _, steps in groupby(ordered, lambda step: step.layer)]

    def to_json(self) -> dict[str, Any]:
        """As sent to a worker."""
        steps = [[step.name, list(step.after), step.layer] for step in self.steps]
        return {"name": self.name, "steps": steps, "seconds": self.seconds}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Shape:
        """As received by a worker."""
        steps = tuple(Step(name, tuple(after), layer) for name, after, layer in document["steps"])
        return cls(document["name"], steps, document["seconds"])


def chain(name: str, length: int, *, seconds: float = 0.0) -> Shape:
    """Steps one after the other."""
    steps = [Step(f"s{i:05}", (f"s{i - 1:05}",) if i else (), i) for i in range(length)]
    return Shape(name, tuple(steps), seconds)


def wide(name: str, width: int) -> Shape:
    """One step, then ``width`` that wait for it, then one that waits for all of them."""
    middle = [Step(f"m{i:05}", ("begin",), 1) for i in range(width)]
    last = Step("end", tuple(step.name for step in middle), 2)
    return Shape(name, (Step("begin"), *middle, last))


def layers(name: str, count: int, width: int, parents: int) -> Shape:
    """Layers of steps that each wait for ``parents`` neighbours in the layer before."""
    return Shape(name, tuple(_layered(count, width, parents)))


def _layered(count: int, width: int, parents: int) -> Iterator[Step]:
    for layer in range(count):
        for place in range(width):
            above = sorted({(place + i) % width for i in range(parents)}) if layer else []
            after = tuple(f"s{layer - 1:04}-{other:04}" for other in above)
            yield Step(f"s{layer:04}-{place:04}", after, layer)


def work(shape: Shape, step: str) -> None:
    """What a step does: nothing, or note that it begins, and sleep."""
    journal = os.environ.get(JOURNAL)
    if journal:
        line = f"{step} {os.getpid()} {time.monotonic()}\n".encode()
        target = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(target, line)
        os.close(target)
    if shape.seconds:
        time.sleep(shape.seconds)


def count_steps(shapes: Sequence[Shape]) -> int:
    """How many steps some flows have."""
    return sum(len(shape.steps) for shape in shapes)
