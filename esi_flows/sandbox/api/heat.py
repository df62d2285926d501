"""Heat v1: the stacks of a project, finding one by its name, and what needs no stack."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from esi_flows.sandbox.api.heat_access import Access, over_all
from esi_flows.sandbox.api.heat_list import listed
from esi_flows.sandbox.api.heat_views import Views
from esi_flows.sandbox.api.http import json_body
from esi_flows.sandbox.hot.parameters import schema
from esi_flows.sandbox.hot.template import Template, parse_template, versions
from esi_flows.sandbox.identity import USER_NAME
from esi_flows.sandbox.resources.registry import TYPES, resource_type, type_schema
from esi_flows.sandbox.stacks.engine import Engine
from esi_flows.sandbox.stacks.evaluation import Evaluation
from esi_flows.sandbox.stacks.model import Source
from esi_flows.sandbox.stacks.plan import made_of
from esi_flows.sandbox.stacks.request import parse_request, stack_name

_PARTS = ("resources", "events", "template", "outputs", "actions", "environment", "files")


class HeatApi:
    """The routes of the orchestration service but those of a single stack."""

    def __init__(self, engine: Engine, access: Access, views: Views) -> None:
        self._engine = engine
        self._access = access
        self._views = views

    def routes(self, base: str) -> list[Route]:
        """All routes, below the path ``base``."""
        project = f"{base}/v1/{{project_id}}"
        return [
            Route(base, self._on_api_versions),
            Route(f"{base}/", self._on_api_versions),
            *self._collection_routes(project),
            *self._lookup_routes(f"{project}/stacks/{{name}}"),
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

    async def _on_api_versions(self, request: Request) -> Response:
        link = {"rel": "self", "href": f"{request.base_url}orchestration/v1/"}
        return JSONResponse(
            {"versions": [{"id": "v1.0", "status": "CURRENT", "links": [link]}]}, status_code=300
        )

    async def _on_index(self, request: Request) -> Response:
        self._access.caller(request)
        return JSONResponse(listed(self._engine, self._views, request))

    async def _on_create(self, request: Request) -> Response:
        token = self._access.caller(request)
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
        token = self._access.caller(request)
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
        token = self._access.caller(request)
        wanted = parse_request(await json_body(request))
        template = wanted.template or parse_template(None)
        return JSONResponse(_validated(template, wanted.source, token.project_id))

    async def _on_lookup(self, request: Request) -> Response:
        token = self._access.caller(request)
        stack = self._engine.find(
            token.project_id, request.path_params["name"], every_project=over_all(token)
        )
        path = request.url.path
        after = path.partition("/stacks/")[2].partition("/")[2]
        target = self._views.stack_url(stack) + (f"/{quote(after)}" if after else "")
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(target + query, status_code=302)

    async def _on_build_info(self, request: Request) -> Response:
        self._access.caller(request)
        revision = {"revision": "esi-flows-sandbox"}
        return JSONResponse({"api": revision, "engine": revision})

    async def _on_services(self, request: Request) -> Response:
        self._access.caller(request)
        return JSONResponse({"services": []})

    async def _on_resource_types(self, request: Request) -> Response:
        self._access.caller(request)
        return JSONResponse({"resource_types": sorted(TYPES)})

    async def _on_type_schema(self, request: Request) -> Response:
        self._access.caller(request)
        return JSONResponse(type_schema(resource_type(request.path_params["type_name"])))

    async def _on_template_versions(self, request: Request) -> Response:
        self._access.caller(request)
        return JSONResponse({"template_versions": versions()})


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
