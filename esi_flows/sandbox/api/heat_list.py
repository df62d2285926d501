"""Lists of stacks and events: filters, order, pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from starlette.requests import Request

from esi_flows.sandbox.api.heat_views import Views
from esi_flows.sandbox.errors import CloudError
from esi_flows.sandbox.stacks.engine import Engine
from esi_flows.sandbox.stacks.model import Event, Stack
from esi_flows.sandbox.stacks.request import flag, whole

Item = TypeVar("Item", Stack, Event)

_SORT_KEYS: dict[str, Callable[[Stack], Any]] = {
    "stack_name": lambda stack: stack.name,
    "stack_status": lambda stack: stack.status,
    "creation_time": lambda stack: stack.created_at,
    "updated_time": lambda stack: stack.updated_at,
}


def listed(engine: Engine, views: Views, request: Request) -> dict[str, Any]:
    """The answer to a list request. Raises CloudError for parameters that are none."""
    query = request.query_params
    flag("global_tenant", query.get("global_tenant", "false"))
    # an admin, whatever the project, is listed the stacks of all, as with Heat's default policy
    found = (engine.head(stack) for stack in engine.all(None))
    kept = list(_filtered(found, request))
    page = _page(_sorted(kept, request), query.get("marker"), query.get("limit"))
    answer: dict[str, Any] = {"stacks": [views.summary(stack) for stack in page]}
    if flag("with_count", query.get("with_count", "false")):
        answer["count"] = len(kept)
    return answer


def _filtered(stacks: Iterable[Stack], request: Request) -> Iterator[Stack]:
    query = request.query_params
    deleted = flag("show_deleted", query.get("show_deleted", "false"))
    ids = set(query.getlist("id"))
    projects = set(query.getlist("tenant"))
    names = set(query.getlist("name")) | set(query.getlist("stack_name"))
    actions = set(query.getlist("action")) | set(query.getlist("stack_action"))
    states = set(query.getlist("status")) | set(query.getlist("stack_status"))
    tags = set(filter(None, query.get("tags", "").split(",")))
    for stack in stacks:
        if (
            (deleted or not stack.deleted_at)
            and (not ids or stack.id in ids)
            and (not projects or stack.project_id in projects)
            and (not names or stack.name in names)
            and (not actions or stack.action in actions)
            and (not states or stack.status in states or stack.state in states)
            and tags <= set(stack.tags)
        ):
            yield stack


def _sorted(stacks: list[Stack], request: Request) -> list[Stack]:
    keys = [key for key in request.query_params.getlist("sort_keys") if key in _SORT_KEYS]
    direction = _direction(request)
    if not keys:
        return stacks[::-1] if direction == "asc" else stacks
    for key in reversed(keys):
        stacks = sorted(stacks, key=_SORT_KEYS[key], reverse=direction == "desc")
    return stacks


def events_page(events: Sequence[Event], request: Request) -> list[Event]:
    """The events a request asks for, the latest first. Raises CloudError."""
    query = request.query_params
    only = request.path_params.get("resource")
    found = [event for event in events if only in (None, event.resource)]
    if _direction(request) != "asc":
        found.reverse()
    return _page(found, query.get("marker"), query.get("limit"))


def _direction(request: Request) -> str:
    direction = request.query_params.get("sort_dir", "")
    if direction not in ("", "asc", "desc"):
        raise CloudError("Unknown sort direction, must be one of asc, desc")
    return direction


def _page(items: list[Item], marker: str | None, limit: str | None) -> list[Item]:
    # a marker that is not there is ignored, as Heat does
    start = next((i + 1 for i, item in enumerate(items) if item.id == marker), 0)
    count = whole("limit", limit) if limit else 0
    return items[start : start + count] if count else items[start:]
