"""What ``status`` tells, read from the store once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from esi_flows.catalog.types import Catalog
from esi_flows.cli.screen import Screen
from esi_flows.cli.steer import pause_text
from esi_flows.cli.tree import SHOWN_WITH_JOBS, resource_lines
from esi_flows.deployments import lookup
from esi_flows.deployments.board import PREFIXES, Board
from esi_flows.deployments.progress import Followed, Phase, ResourceProgress, totals
from esi_flows.deployments.recorded import Recorded, read
from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.results import State
from esi_flows.model.secrets import Names
from esi_flows.model.steering import Pause
from esi_flows.store.base import KeyValue, ReadStore


def board_of_all(store: ReadStore, catalog: Catalog) -> Board:
    """The board of every resource in the store, in its current version."""
    cache = {item.key: item for prefix in PREFIXES for item in store.range(prefix).items}
    followed = [
        Followed(resource, _version(cache, catalog, resource))
        for resource in lookup.all_resources(store, catalog)
    ]
    return _board(cache, catalog, followed)


def _board(cache: dict[str, KeyValue], catalog: Catalog, followed: list[Followed]) -> Board:
    board = Board(cache.get, catalog, followed)
    board.update(key for key in cache if key.startswith(keys.PERSISTENCE))
    return board


def _version(cache: dict[str, KeyValue], catalog: Catalog, resource: ResourceRef) -> int:
    """The version of the intent, of the result where there is none, 0 where it is unreadable."""
    path = catalog.path(resource)
    config, state = cache.get(keys.config(path)), cache.get(keys.state(path))
    try:
        if config is not None:
            return Intent.decode(config.key, config.value).version
        return State.decode(state.key, state.value).version if state is not None else 0
    except DocumentInvalid:
        return 0


@dataclass(frozen=True, slots=True)
class Overview:
    """All resources, in the order in which they are to be shown."""

    board: Board
    resources: Sequence[ResourceProgress]
    pause: Pause | None

    def lines(self, screen: Screen, again: Callable[..., str]) -> Iterator[Text]:
        """A line for each, with the jobs of what needs attention; and what to type next."""
        if self.pause is not None:
            yield Text(f"Paused, {pause_text(self.pause)}.", style="yellow")
        now = time.time()
        for progress in self.resources:
            jobs = progress.phase in SHOWN_WITH_JOBS
            yield from resource_lines(screen, self.board, progress, now=now, jobs=jobs)
        counts = totals(self.resources)
        told = ", ".join(f"{counts[phase]} {phase.value}" for phase in Phase if phase in counts)
        yield Text(f"{len(self.resources)} resources: {told}")
        yield Text(f"next: {self._next(again)}")

    def _next(self, again: Callable[..., str]) -> str:
        first = self.resources[0]
        suspended = [p for p in self.resources if p.phase is Phase.SUSPENDED]
        if first.phase.bad:
            return again("status", first.resource)
        if self.pause is not None:
            return again("unpause")
        if suspended:
            return again("resume", suspended[0].resource)
        return again("status", first.resource) if first.ended else again("events", "--follow")


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything about one resource; secrets are masked already."""

    board: Board
    progress: ResourceProgress
    recorded: Recorded
    body: Any
    outputs: Any
    monitoring: Any

    def fields(self) -> dict[str, Any]:
        """By name, for JSON and the like."""
        progress = self.progress
        return {
            "resource": str(progress.resource),
            "version": progress.followed.version,
            "phase": progress.phase.value,
            "state": progress.worker_state,
            "error": progress.error,
            "marked_for_deletion": self._marked,
            "waits_for": list(self.board.waiting_on(progress)),
            "jobs": [_job_fields(progress, index) for index in range(len(progress.jobs))],
            "posted_at": progress.posted_at,
            "started_at": progress.started_at,
            "ended_at": progress.ended_at,
            "outputs": self.outputs,
            "monitoring": self.monitoring,
            "body": self.body,
        }

    @property
    def _marked(self) -> bool:
        return self.recorded.intent is not None and self.recorded.intent.marked_for_deletion

    def lines(self, screen: Screen, again: Callable[..., str]) -> Iterator[Text]:
        """Header, jobs, outputs, monitoring, and what to type next."""
        progress = self.progress
        yield from resource_lines(screen, self.board, progress, now=time.time(), jobs=True)
        yield Text(f"State       {progress.worker_state or progress.phase.value}")
        if self._marked:
            yield Text("Marked      for deletion")
        if progress.error:
            yield Text(f"Error       {progress.error}", style="red")
        for title, value in (("Outputs", self.outputs), ("Monitoring", self.monitoring)):
            for name, text in _texts(value):
                yield Text(f"{title:<11} {name} = {text}")
                title = ""
        yield Text(f"next: {self._next(again)}")

    def _next(self, again: Callable[..., str]) -> str:
        resource, path = self.progress.resource, self.recorded.path
        if self._marked:
            return again("delete", resource, "--wait")
        if self.progress.phase.bad and self.progress.jobs:
            return f"{again('retry', resource)} tries again what failed"
        if self.progress.phase.bad:
            return f"{again('run', 'DIR')} tries again what failed"
        if self.progress.phase is Phase.SUSPENDED:
            return again("resume", resource)
        if not self.progress.ended:
            return again("status", resource)
        return again("get", keys.heat_stack(path) if self.outputs else keys.state(path))


def picture(
    store: ReadStore, catalog: Catalog, resource: ResourceRef, *, show_secrets: bool = False
) -> Picture:
    """Read everything about one resource."""
    path = catalog.path(resource)
    cache = {i.key: i for p in PREFIXES if p != keys.CONFIG for i in store.range(p).items}
    for key in (keys.config(path), keys.monitoring(path)):
        found = store.get(key)
        if found is not None:
            cache[key] = found
    version = _version(cache, catalog, resource)
    board = _board(cache, catalog, [Followed(resource, version)])
    recorded = read(store, catalog, [resource])[resource]
    names = Names(catalog.types[resource.type].secrets)
    mask: Callable[[Any], Any] = (lambda value: value) if show_secrets else names.mask
    monitored = cache.get(keys.monitoring(path))
    return Picture(
        board=board,
        progress=board.resources[resource],
        recorded=recorded,
        body=mask(dict(recorded.intent.body)) if recorded.intent is not None else None,
        outputs=_by_key(mask(_outputs(recorded.state))),
        monitoring=mask(_document(monitored)) if monitored is not None else None,
    )


def _outputs(state: State | None) -> list[Any]:
    text = state.members.get("heat_outputs", "[]") if state is not None else "[]"
    try:
        outputs = json.loads(text)
    except ValueError:
        return []
    return outputs if isinstance(outputs, list) else []


def _by_key(outputs: list[Any]) -> dict[str, Any]:
    return {
        str(output.get("output_key")): output.get("output_value")
        for output in outputs
        if isinstance(output, dict)
    }


def _document(item: KeyValue) -> Any:
    try:
        return codec.loads(item.key, item.value)
    except DocumentInvalid:
        return item.value.decode(errors="replace")


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, element in value.items():
            text = element if isinstance(element, str) else json.dumps(element, sort_keys=True)
            yield name, text


def _job_fields(progress: ResourceProgress, index: int) -> dict[str, Any]:
    job = progress.jobs[index]
    return {
        "id": job.id,
        "phase": job.phase.value,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "waited_seconds": job.waited_seconds,
        "error": job.error,
    }
