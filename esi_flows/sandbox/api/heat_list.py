"""The list of stacks: filters, order, pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from starlette.requests import Request

from esi_flows.sandbox.api.heat_views import Views
from esi_flows.sandbox.errors import CloudError
from esi_flows.sandbox.identity import PROJECT_ID
from esi_flows.sandbox.stacks.engine import Engine
from esi_flows.sandbox.stacks.model import Stack
from esi_flows.sandbox.stacks.request import flag, whole

_SORT_KEYS: dict[str, Callable[[Stack], Any]] = {
    "stack_name": lambda stack: stack.name,
    "stack_status": lambda stack: stack.status,
    "creation_time": lambda stack: stack.created_at,
    "updated_time": lambda stack: stack.updated_at,
}


def listed(engine: Engine, views: Views, project_id: str, request: Request) -> dict[str, Any]:
    """The answer to a list request. Raises CloudError for parameters that are none."""
    query = request.query_params
    everywhere = flag("global_tenant", query.get("global_tenant", "false"))
    everywhere = everywhere and project_id == PROJECT_ID
    found = (engine.head(stack) for stack in engine.all(None if everywhere else project_id))
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
    names = set(query.getlist("name")) | set(query.getlist("stack_name"))
    actions = set(query.getlist("action")) | set(query.getlist("stack_action"))
    states = set(query.getlist("status")) | set(query.getlist("stack_status"))
    tags = set(filter(None, query.get("tags", "").split(",")))
    for stack in stacks:
        if (
            (deleted or not stack.deleted_at)
            and (not ids or stack.id in ids)
            and (not names or stack.name in names)
            and (not actions or stack.action in actions)
            and (not states or stack.status in states or stack.state in states)
            and tags <= set(stack.tags)
        ):
            yield stack


def _sorted(stacks: list[Stack], request: Request) -> list[Stack]:
    keys = request.query_params.getlist("sort_keys")
    direction = request.query_params.get("sort_dir", "asc" if keys else "")
    if direction not in ("", "asc", "desc"):
        raise CloudError("Unknown sort direction, must be one of asc, desc")
    for key in reversed(keys):
        if key in _SORT_KEYS:
            stacks = sorted(stacks, key=_SORT_KEYS[key], reverse=direction == "desc")
    return list(reversed(stacks)) if direction == "asc" and not keys else stacks


def _page(stacks: list[Stack], marker: str | None, limit: str | None) -> list[Stack]:
    # a marker that is not there is ignored, as Heat does
    start = next((i + 1 for i, stack in enumerate(stacks) if stack.id == marker), 0)
    count = whole("limit", limit) if limit else 0
    return stacks[start : start + count] if count else stacks[start:]
