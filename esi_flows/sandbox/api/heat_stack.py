"""Heat v1: one stack, under its canonical URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from esi_flows.sandbox.api.heat_access import Access
from esi_flows.sandbox.api.heat_list import events_page
from esi_flows.sandbox.api.heat_views import Views
from esi_flows.sandbox.api.http import json_body
from esi_flows.sandbox.errors import CloudError, NotFound
from esi_flows.sandbox.hot.parameters import MASK, Parameter
from esi_flows.sandbox.hot.template import Template, parse_template
from esi_flows.sandbox.stacks.engine import Engine
from esi_flows.sandbox.stacks.evaluation import Evaluation
from esi_flows.sandbox.stacks.model import Action, Resource, Stack
from esi_flows.sandbox.stacks.request import flag, parse_request


class HeatStackApi:
    """The routes of a single stack."""

    def __init__(self, engine: Engine, access: Access, views: Views) -> None:
        self._engine = engine
        self._access = access
        self._views = views

    def routes(self, base: str) -> list[Route]:
        """All routes, below the path ``base``."""
        stack = f"{base}/v1/{{project_id}}/stacks/{{name}}/{{stack_id}}"
        resource = f"{stack}/resources/{{resource}}"
        return [
            Route(stack, self._on_show, methods=["GET"]),
            Route(stack, self._on_update, methods=["PUT", "PATCH"]),
            Route(stack, self._on_delete, methods=["DELETE"]),
            Route(f"{stack}/preview", self._on_preview_update, methods=["PUT", "PATCH"]),
            Route(f"{stack}/template", self._on_template),
            Route(f"{stack}/environment", self._on_environment),
            Route(f"{stack}/files", self._on_files),
            Route(f"{stack}/outputs", self._on_outputs),
            Route(f"{stack}/outputs/{{key}}", self._on_output),
            Route(f"{stack}/actions", self._on_action, methods=["POST"]),
            Route(f"{stack}/resources", self._on_resources),
            Route(resource, self._on_resource),
            Route(f"{resource}/metadata", self._on_metadata),
            Route(f"{resource}/signal", self._on_signal, methods=["POST"]),
            Route(f"{resource}/events", self._on_events),
            Route(f"{resource}/events/{{event_id}}", self._on_event),
            Route(f"{stack}/events", self._on_events),
        ]

    async def _on_show(self, request: Request) -> Response:
        stack = self._engine.view(self._access.stack(request))
        resolve = flag("resolve_outputs", request.query_params.get("resolve_outputs", "true"))
        evaluation = self._engine.evaluation(stack)
        shown = self._views.detail(stack, evaluation, resolve_outputs=resolve)
        return JSONResponse({"stack": shown})

    async def _on_update(self, request: Request) -> Response:
        stack = self._access.stack(request)
        patch = request.method == "PATCH"
        wanted = parse_request(await json_body(request), patch=patch)
        self._engine.update(stack.id, wanted, patch=patch)
        return JSONResponse(None, status_code=202)

    async def _on_preview_update(self, request: Request) -> Response:
        stack = self._access.stack(request)
        patch = request.method == "PATCH"
        wanted = parse_request(await json_body(request), patch=patch)
        changes = self._engine.preview_update(stack.id, wanted, patch=patch)
        shown = self._views.changes(self._engine.view(stack), changes)
        return JSONResponse({"resource_changes": shown})

    async def _on_delete(self, request: Request) -> Response:
        self._engine.delete(self._access.stack(request).id)
        return Response(status_code=204)

    async def _on_template(self, request: Request) -> Response:
        return JSONResponse(dict(self._access.stack(request).source.template))

    async def _on_environment(self, request: Request) -> Response:
        source = self._access.stack(request).source
        declared = parse_template(source.template).parameters
        environment: dict[str, Any] = {
            "parameters": _without_hidden(declared, source.parameters),
            "parameter_defaults": _without_hidden(declared, source.defaults),
            "resource_registry": {**source.registry, "resources": {}},
            "encrypted_param_names": [],
            "event_sinks": [],
        }
        return JSONResponse(environment)

    async def _on_files(self, request: Request) -> Response:
        return JSONResponse(dict(self._access.stack(request).source.files))

    async def _on_outputs(self, request: Request) -> Response:
        _, _, template = self._opened(request)
        shown = [
            {"output_key": output.key, "description": output.description}
            for output in template.outputs.values()
        ]
        return JSONResponse({"outputs": shown})

    async def _on_output(self, request: Request) -> Response:
        _, evaluation, template = self._opened(request)
        key = request.path_params["key"]
        if key not in template.outputs:
            raise NotFound(f"Specified output key {key} not found.", kind="NotFound")
        return JSONResponse({"output": evaluation.output(template.outputs[key])})

    async def _on_action(self, request: Request) -> Response:
        stack = self._access.stack(request)
        body = await json_body(request)
        if len(body) != 1:
            raise CloudError("No action specified" if not body else "Multiple actions specified")
        (name,) = body
        if name in ("cancel_update", "cancel_without_rollback"):
            self._engine.cancel_update(stack.id, rollback=name == "cancel_update")
            return JSONResponse(None)
        if name not in ("check", "suspend", "resume"):
            raise CloudError(f"Invalid action {name} specified")
        self._engine.act(stack.id, Action(name.upper()))
        return JSONResponse(None)

    async def _on_resources(self, request: Request) -> Response:
        stack = self._engine.view(self._access.stack(request))
        shown = [self._views.resource(stack, each) for each in stack.resources.values()]
        return JSONResponse({"resources": shown})

    async def _on_resource(self, request: Request) -> Response:
        stack, evaluation, _ = self._opened(request)
        resource = _resource(stack, request)
        attributes = evaluation.attributes(resource.name)
        return JSONResponse({"resource": self._views.resource(stack, resource, attributes)})

    async def _on_metadata(self, request: Request) -> Response:
        stack = self._engine.view(self._access.stack(request))
        return JSONResponse({"metadata": _resource(stack, request).metadata})

    async def _on_signal(self, request: Request) -> Response:
        stack = self._engine.view(self._access.stack(request))
        resource = _resource(stack, request)
        raise CloudError(f"Signal resource {resource.name} is not supported.", kind="NotSupported")

    async def _on_events(self, request: Request) -> Response:
        stack = self._engine.view(self._access.stack(request))
        found = events_page(stack.events, request)
        return JSONResponse({"events": [self._views.event(stack, event) for event in found]})

    async def _on_event(self, request: Request) -> Response:
        stack = self._engine.view(self._access.stack(request))
        wanted = request.path_params["event_id"]
        for event in stack.events:
            if event.id == wanted and event.resource == request.path_params["resource"]:
                shown = self._views.event(stack, event)
                return JSONResponse({"event": {**shown, "resource_type": event.type}})
        raise NotFound(f"The Event ({wanted}) could not be found.")

    def _opened(self, request: Request) -> tuple[Stack, Evaluation, Template]:
        stack = self._engine.view(self._access.stack(request))
        template = parse_template(stack.source.template)
        return stack, self._engine.evaluation(stack, template=template), template


def _resource(stack: Stack, request: Request) -> Resource:
    name = request.path_params["resource"]
    if name not in stack.resources:
        raise NotFound(f"The Resource ({name}) could not be found in Stack {stack.name}.")
    return stack.resources[name]


def _without_hidden(declared: Mapping[str, Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values with those masked that the template hides."""
    hidden = {name for name, parameter in declared.items() if parameter.hidden}
    return {name: MASK if name in hidden else value for name, value in given.items()}
