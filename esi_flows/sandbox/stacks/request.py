"""What a client asks for when it creates, updates or validates a stack."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from esi_flows.sandbox.errors import CloudError, ValidationFailed
from esi_flows.sandbox.hot import values
from esi_flows.sandbox.hot.template import Template, parse_template
from esi_flows.sandbox.hot.text import parse_mapping
from esi_flows.sandbox.resources.registry import replacement
from esi_flows.sandbox.stacks.model import Source, Stack

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{0,254}")
_MAX_TAG = 80
_MAX_NUMBER = 2**31 - 1
_ENVIRONMENT = frozenset(
    {
        "parameters",
        "parameter_defaults",
        "parameter_merge_strategies",
        "resource_registry",
        "encrypted_param_names",
        "event_sinks",
    }
)


@dataclass(frozen=True, slots=True)
class Request:
    """A parsed request body. ``template`` is None where a patch keeps the old one.

    ``disable_rollback``, ``timeout_mins`` and ``tags`` are None where they were not given.
    """

    template: Template | None
    source: Source
    name: str = ""
    disable_rollback: bool | None = None
    timeout_mins: int | None = None
    tags: tuple[str, ...] | None = None
    clear_parameters: tuple[str, ...] = ()


def parse_request(body: Mapping[str, Any], *, patch: bool = False) -> Request:
    """Parse the body of a request. Raises CloudError as Heat refuses it."""
    template = _template(body, patch)
    environment = _environment(body)
    parameters = {**_map(environment, "parameters"), **_map(body, "parameters")}
    rollback = body.get("disable_rollback")
    source = Source(
        template=template.source if template else {},
        parameters=parameters,
        defaults=_map(environment, "parameter_defaults"),
        registry=replacement(environment.get("resource_registry") or {}),
        files={str(name): str(text) for name, text in _map(body, "files").items()},
    )
    return Request(
        template=template,
        source=source,
        disable_rollback=None if rollback is None else flag("disable_rollback", rollback),
        timeout_mins=_minutes(body.get("timeout_mins")),
        tags=_tags(body.get("tags")),
        clear_parameters=tuple(str(name) for name in _list(body, "clear_parameters")),
    )


def new_stack(
    name: str, project_id: str, owner: str, request: Request, *, created_at: float
) -> Stack:
    """The stack that a request asks for, with nothing done for it yet."""
    rollback = request.disable_rollback
    return Stack(
        id=str(uuid.uuid4()),
        name=name,
        project_id=project_id,
        owner=owner,
        source=request.source,
        created_at=created_at,
        tags=request.tags or (),
        timeout_mins=request.timeout_mins,
        disable_rollback=True if rollback is None else rollback,
    )


def updated(stack: Stack, request: Request, *, patch: bool) -> Stack:
    """The stack as a request wants it. A patch keeps of its source what it does not give."""
    rollback, minutes = request.disable_rollback, request.timeout_mins
    return stack.but(
        source=_patched(stack.source, request) if patch else request.source,
        previous=stack.source,
        tags=stack.tags if request.tags is None else request.tags,
        timeout_mins=stack.timeout_mins if minutes is None else minutes,
        disable_rollback=stack.disable_rollback if rollback is None else rollback,
    )


def _patched(have: Source, request: Request) -> Source:
    given = request.source
    kept = {k: v for k, v in have.parameters.items() if k not in request.clear_parameters}
    return Source(
        template=given.template or have.template,
        parameters={**kept, **given.parameters},
        defaults={**have.defaults, **given.defaults},
        registry={**have.registry, **given.registry},
        files={**have.files, **given.files},
    )


def stack_name(body: Mapping[str, Any]) -> str:
    """The name of a new stack. Raises CloudError for none or an invalid one."""
    if "stack_name" not in body:
        raise CloudError("No stack name specified")
    name = body["stack_name"]
    if not isinstance(name, str):
        raise ValidationFailed(f"Invalid stack name {name}, must be a string")
    if not _NAME.fullmatch(name):
        raise ValidationFailed(
            f"Invalid stack name {name} must contain only alphanumeric or "
            '"_-." characters, must start with alpha and must be 255 characters or less.'
        )
    return name


def flag(name: str, value: Any) -> bool:
    """A boolean of the API (true or false, or their texts). Raises CloudError."""
    if str(value).lower() not in ("true", "false"):
        raise CloudError(
            f'Unrecognized value "{value}" for "{name}", acceptable values are: true, false.'
        )
    return str(value).lower() == "true"


def whole(name: str, value: Any) -> int:
    """A number of the API, zero or more. Raises CloudError."""
    try:
        number = int(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise CloudError(f"Only integer is acceptable by '{name}'.") from error
    if number > _MAX_NUMBER:
        raise CloudError(f"Value '{number}' is invalid for '{name}' which is too big.")
    if number < 0:
        raise CloudError(
            f"Value '{number}' is invalid for '{name}' which only accepts non-negative integer."
        )
    return number


def _template(body: Mapping[str, Any], patch: bool) -> Template | None:
    given = body.get("template")
    if given is None:
        if "template_url" in body:
            raise CloudError("Could not retrieve template: the sandbox fetches nothing")
        if patch:
            return None
        raise CloudError("No template specified")
    if not isinstance(given, str | dict):
        raise CloudError(
            "Template not in valid format: The template is not a JSON object or YAML mapping."
        )
    return parse_template(given)


def _environment(body: Mapping[str, Any]) -> dict[str, Any]:
    environment: dict[str, Any] = parse_mapping(body.get("environment"), what="Environment")
    for section in environment:
        if section not in _ENVIRONMENT:
            raise CloudError(
                f'Environment not in valid format: environment has wrong section "{section}"'
            )
    return environment


def _map(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    if found is None:
        return {}
    try:
        return values.mapping(found)
    except ValueError as error:
        raise CloudError(f"{name}: {error}") from error


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    found = body.get(name)
    if found is None:
        return []
    try:
        return values.sequence(found)
    except ValueError as error:
        raise CloudError(f"{name}: {error}") from error


def _minutes(value: Any) -> int | None:
    return None if value is None else whole("timeout_mins", value)


def _tags(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    tags = value.split(",") if isinstance(value, str) else value
    if not isinstance(tags, list):
        raise CloudError(f"Invalid tags, not a list: {value}")
    for tag in tags:
        if not isinstance(tag, str):
            raise CloudError(f'Invalid tag, "{tag}" is not a string')
        if len(tag) > _MAX_TAG:
            raise CloudError(f'Invalid tag, "{tag}" is longer than 80 characters')
        if "," in tag:
            raise CloudError(f'Invalid tag, "{tag}" contains a comma')
    return tuple(tags)
