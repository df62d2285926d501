"""Heat v1: stacks, and what belongs to one."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from esi_flows.sandbox.api.heat_list import events_page, listed
from esi_flows.sandbox.api.heat_views import Views
from esi_flows.sandbox.api.http import json_body
from esi_flows.sandbox.errors import CloudError, Forbidden, NotFound
from esi_flows.sandbox.hot.parameters import schema
from esi_flows.sandbox.hot.template import Template, parse_template, versions
from esi_flows.sandbox.identity import PROJECT_ID, USER_NAME, Identity, Token
from esi_flows.sandbox.resources.registry import TYPES, resource_type, type_schema
from esi_flows.sandbox.stacks.engine import Engine, missing
from esi_flows.sandbox.stacks.evaluation import Evaluation
from esi_flows.sandbox.stacks.model import Action, Resource, Source, Stack
from esi_flows.sandbox.stacks.plan import made_of
from esi_flows.sandbox.stacks.request import flag, parse_request, stack_name

_PARTS = ("resources", "events", "template", "outputs", "actions", "environment", "files")


class HeatApi:
    """The routes of the orchestration service."""

    def __init__(self, engine: Engine, identity: Identity, views: Views) -> None:
        self._engine = engine
        self._identity = identity
        self._views = views

    def routes(self, base: str) -> list[Route]:
        """All routes, below the path ``base``."""
        project = f"{base}/v1/{{project_id}}"
        return [
            Route(base, self._on_api_versions),
            Route(f"{base}/", self._on_api_versions),
            *self._collection_routes(project),
            *self._lookup_routes(f"{project}/stacks/{{name}}"),
            *self._stack_routes(f"{project}/stacks/{{name}}/{{stack_id}}"),
        ]

    def _collection_routes(self, project: str) -> list[Route]:
        return [
            Route(f"{project}/stacks", self._on_index, methods=["GET"]),
            Route(f"{project}/stacks", self._on_create, methods=["POST"]),
            Route(f"{project}/stacks/detail", self._on_index, methods=["GET"]),
            Route(f"{project}/stacks/preview", self._on_preview, methods=["POST"]),
            Route(f"{project}/validate", self._on_validate, methods=["POST"]),
            Route(f"{project}/build_info", self._on_build_info),
            Route(f"{project}/services", self._on_services),
            Route(f"{project}/resource_types", self._on_resource_types),
            Route(f"{project}/resource_types/{{type_name}}", self._on_type_schema),
            Route(f"{project}/template_versions", self._on_template_versions),
        ]

    def _lookup_routes(self, by_name: str) -> list[Route]:
        every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        parts = [Route(f"{by_name}/{p}", self._on_lookup, methods=["GET", "POST"]) for p in _PARTS]
        return [Route(by_name, self._on_lookup, methods=every), *parts]

    def _stack_routes(self, stack: str) -> list[Route]:
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

    async def _on_api_versions(self, request: Request) -> Response:
        link = {"rel": "self", "href": f"{request.base_url}orchestration/v1/"}
        return JSONResponse(
            {"versions": [{"id": "v1.0", "status": "CURRENT", "links": [link]}]}, status_code=300
        )

    async def _on_index(self, request: Request) -> Response:
        token = self._caller(request)
        return JSONResponse(listed(self._engine, self._views, token.project_id, request))

    async def _on_create(self, request: Request) -> Response:
        token = self._caller(request)
        body = await json_body(request)
        request.state.stack = body.get("stack_name")
        name = stack_name(body)
        wanted = parse_request(body)
        stack = self._engine.create(
            name=name, project_id=token.project_id, owner=USER_NAME, request=wanted
        )
        return JSONResponse(
            {"stack": self._views.made(stack)},
            status_code=201,
            headers={"Location": self._views.stack_url(stack)},
        )

    async def _on_preview(self, request: Request) -> Response:
        token = self._caller(request)
        body = await json_body(request)
        stack = self._engine.preview(
            name=stack_name(body),
            project_id=token.project_id,
            owner=USER_NAME,
            request=parse_request(body),
        )
        evaluation = self._engine.evaluation(stack)
        return JSONResponse({"stack": self._views.preview(stack, evaluation)})

    async def _on_validate(self, request: Request) -> Response:
        token = self._caller(request)
        wanted = parse_request(await json_body(request))
        template = wanted.template or parse_template(None)
        return JSONResponse(_validated(template, wanted.source, token.project_id))

    async def _on_lookup(self, request: Request) -> Response:
        token = self._caller(request)
        stack = self._engine.find(
            token.project_id, request.path_params["name"], every_project=_over_all(token)
        )
        path = request.url.path
        after = path.partition("/stacks/")[2].partition("/")[2]
        target = self._views.stack_url(stack) + (f"/{quote(after)}" if after else "")
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(target + query, status_code=302)

    async def _on_show(self, request: Request) -> Response:
        stack = self._engine.view(self._stack(request))
        resolve = flag("resolve_outputs", request.query_params.get("resolve_outputs", "true"))
        evaluation = self._engine.evaluation(stack)
        shown = self._views.detail(stack, evaluation, resolve_outputs=resolve)
        return JSONResponse({"stack": shown})

    async def _on_update(self, request: Request) -> Response:
        stack = self._stack(request)
        patch = request.method == "PATCH"
        wanted = parse_request(await json_body(request), patch=patch)
        self._engine.update(stack.id, wanted, patch=patch)
        return JSONResponse(None, status_code=202)

    async def _on_preview_update(self, request: Request) -> Response:
        stack = self._stack(request)
        patch = request.method == "PATCH"
        wanted = parse_request(await json_body(request), patch=patch)
        changes = self._engine.preview_update(stack.id, wanted, patch=patch)
        shown = self._views.changes(self._engine.view(stack), changes)
        return JSONResponse({"resource_changes": shown})

    async def _on_delete(self, request: Request) -> Response:
        self._engine.delete(self._stack(request).id)
        return Response(status_code=204)

    async def _on_template(self, request: Request) -> Response:
        return JSONResponse(dict(self._stack(request).source.template))

    async def _on_environment(self, request: Request) -> Response:
        source = self._stack(request).source
        environment: dict[str, Any] = {
            "parameters": source.parameters,
            "parameter_defaults": source.defaults,
            "resource_registry": {**source.registry, "resources": {}},
            "encrypted_param_names": [],
            "event_sinks": [],
        }
        return JSONResponse(environment)

    async def _on_files(self, request: Request) -> Response:
        return JSONResponse(dict(self._stack(request).source.files))

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
        stack = self._stack(request)
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
        stack = self._engine.view(self._stack(request))
        shown = [self._views.resource(stack, each) for each in stack.resources.values()]
        return JSONResponse({"resources": shown})

    async def _on_resource(self, request: Request) -> Response:
        stack, evaluation, _ = self._opened(request)
        resource = _resource(stack, request)
        attributes = evaluation.attributes(resource.name)
        return JSONResponse({"resource": self._views.resource(stack, resource, attributes)})

    async def _on_metadata(self, request: Request) -> Response:
        stack = self._engine.view(self._stack(request))
        return JSONResponse({"metadata": _resource(stack, request).metadata})

    async def _on_signal(self, request: Request) -> Response:
        stack = self._engine.view(self._stack(request))
        resource = _resource(stack, request)
        raise CloudError(f"Signal resource {resource.name} is not supported.", kind="NotSupported")

    async def _on_events(self, request: Request) -> Response:
        stack = self._engine.view(self._stack(request))
        found = events_page(stack.events, request)
        return JSONResponse({"events": [self._views.event(stack, event) for event in found]})

    async def _on_event(self, request: Request) -> Response:
        stack = self._engine.view(self._stack(request))
        wanted = request.path_params["event_id"]
        for event in stack.events:
            if event.id == wanted and event.resource == request.path_params["resource"]:
                shown = self._views.event(stack, event)
                return JSONResponse({"event": {**shown, "resource_type": event.type}})
        raise NotFound(f"The Event ({wanted}) could not be found.")

    async def _on_build_info(self, request: Request) -> Response:
        self._caller(request)
        revision = {"revision": "esi-flows-sandbox"}
        return JSONResponse({"api": revision, "engine": revision})

    async def _on_services(self, request: Request) -> Response:
        self._caller(request)
        return JSONResponse({"services": []})

    async def _on_resource_types(self, request: Request) -> Response:
        self._caller(request)
        return JSONResponse({"resource_types": sorted(TYPES)})

    async def _on_type_schema(self, request: Request) -> Response:
        self._caller(request)
        return JSONResponse(type_schema(resource_type(request.path_params["type_name"])))

    async def _on_template_versions(self, request: Request) -> Response:
        self._caller(request)
        return JSONResponse({"template_versions": versions()})

    def _caller(self, request: Request) -> Token:
        token = self._identity.check(request.headers.get("X-Auth-Token", ""))
        asked = request.path_params["project_id"]
        if token.project_id != asked and not _over_all(token):
            raise Forbidden("You are not authorized to use this project.")
        return token

    def _stack(self, request: Request) -> Stack:
        token = self._caller(request)
        stack_id, name = request.path_params["stack_id"], request.path_params["name"]
        stack = self._engine.get(stack_id)
        visible = stack.project_id == token.project_id or _over_all(token)
        if stack.name != name or not visible:
            raise missing(name)
        request.state.stack = stack.name
        return stack

    def _opened(self, request: Request) -> tuple[Stack, Evaluation, Template]:
        stack = self._engine.view(self._stack(request))
        template = parse_template(stack.source.template)
        return stack, self._engine.evaluation(stack, template=template), template


def _over_all(token: Token) -> bool:
    # the admin in the admin project sees the stacks of all projects, as Heat's default policy says
    return token.project_id == PROJECT_ID


def _resource(stack: Stack, request: Request) -> Resource:
    name = request.path_params["resource"]
    if name not in stack.resources:
        raise NotFound(f"The Resource ({name}) could not be found in Stack {stack.name}.")
    return stack.resources[name]


def _validated(template: Template, source: Source, project_id: str) -> dict[str, Any]:
    evaluation = Evaluation(
        template,
        source,
        stack_id="None",
        stack_name="validate",
        project_id=project_id,
        strict=False,
    )
    missing_some = any(
        declared.default is None and name not in source.parameters
        for name, declared in template.parameters.items()
    )
    if missing_some:
        for name in template.resources:
            evaluation.type_of(name)
    else:
        made_of(template, evaluation, {})
    return {
        "Description": template.description,
        "Parameters": {n: schema(p) for n, p in template.parameters.items()},
        "Environment": {
            "parameters": dict(source.parameters),
            "parameter_defaults": dict(source.defaults),
            "resource_registry": {**source.registry, "resources": {}},
            "event_sinks": [],
        },
    }
