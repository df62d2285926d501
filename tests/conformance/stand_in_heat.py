"""A Heat that answers as the recorded one did: over HTTP, without a look into the templates."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from keystoneauth1 import session, token_endpoint
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from esi_flows.handlers.heat.client import Clouds
from esi_flows.model.results import HeatStack
from esi_flows.sandbox.server import HOST, HttpServer, bind


@dataclass(frozen=True, slots=True)
class Asked:
    """One action that was asked of Heat; ``body`` is empty for a deletion."""

    action: str
    project: str
    name: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Stack:
    id: str
    name: str
    status: str
    reason: str = ""
    outputs: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "stack_name": self.name,
            "stack_status": self.status,
            "stack_status_reason": self.reason,
            # Heat counts seconds; here each action has one of its own, as it had when recorded
            "updated_time": self.id,
            "outputs": list(self.outputs),
        }


class StandInHeat:
    """Every action on a stack stays in progress until :meth:`let_finish`, then ends as recorded.

    ``ends``: by name of the stack, what was recorded of it after each action. What is asked for
    beyond that (a revert) ends well at once.
    """

    def __init__(self, ends: Mapping[str, Sequence[HeatStack]]) -> None:
        self.asked: list[Asked] = []
        self._ends = ends
        self._stacks: dict[tuple[str, str], _Stack] = {}
        self._begun: Counter[str] = Counter()
        self._allowed: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = HttpServer(Starlette(routes=self._routes()), bind(0))

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def clouds(self) -> Clouds:
        """What the real handler needs to talk to this one."""

        def make_session(project: str) -> session.Session:
            url = f"http://{HOST}:{self._server.port}/{project}"
            return session.Session(auth=token_endpoint.Token(url, "token"), timeout=10)

        return Clouds(make_session)

    def let_finish(self, name: str) -> None:
        """One more action on the stack may come to its end, now or when it begins."""
        with self._lock:
            self._allowed[name] += 1
            for project, found in list(self._stacks):
                if found == name:
                    self._settle(project, name)

    def _begin(self, action: str, project: str, name: str, body: Mapping[str, Any]) -> _Stack:
        with self._lock:
            self.asked.append(Asked(action, project, name, body))
            self._begun[name] += 1
            number = f"{name}-{self._begun[name]}"
            begun = _Stack(number, name, f"{action}_IN_PROGRESS")
            known = self._stacks.get((project, name))
            if known is not None:
                begun = replace(begun, outputs=known.outputs)
            self._stacks[project, name] = begun
            self._settle(project, name)
            return begun

    def _settle(self, project: str, name: str) -> None:
        stack, number = self._stacks[project, name], self._begun[name]
        recorded = self._ends.get(name, ())
        if not stack.status.endswith("_IN_PROGRESS"):
            return
        if number <= len(recorded):
            if number > self._allowed[name]:
                return
            end = recorded[number - 1]
            ended = replace(
                stack, status=end.stack_status, reason=end.status_reason, outputs=end.output
            )
        else:
            status = stack.status.replace("_IN_PROGRESS", "_COMPLETE")
            ended = replace(stack, status=status, reason="not recorded")
        self._stacks[project, name] = ended
        if ended.status == "DELETE_COMPLETE":
            del self._stacks[project, name]

    def _routes(self) -> list[Route]:
        one = "/{project}/stacks/{name}/{id}"
        return [
            Route("/{project}/stacks", self._on_list, methods=["GET"]),
            Route("/{project}/stacks", self._on_create, methods=["POST"]),
            Route("/{project}/stacks/{id}/resources", self._on_resources, methods=["GET"]),
            Route("/{project}/stacks/{name}", self._on_show, methods=["GET"]),
            Route(one, self._on_show, methods=["GET"]),
            Route(one, self._on_update, methods=["PUT"]),
            Route(one, self._on_delete, methods=["DELETE"]),
        ]

    def _find(self, request: Request) -> _Stack | None:
        with self._lock:
            return self._stacks.get((request.path_params["project"], request.path_params["name"]))

    async def _on_list(self, request: Request) -> Response:
        with self._lock:
            project = request.path_params["project"]
            found = [stack.to_json() for (of, _), stack in self._stacks.items() if of == project]
        return JSONResponse({"stacks": found})

    async def _on_show(self, request: Request) -> Response:
        found = self._find(request)
        return _refusal(404) if found is None else JSONResponse({"stack": found.to_json()})

    async def _on_create(self, request: Request) -> Response:
        body = await request.json()
        project, name = request.path_params["project"], body["stack_name"]
        if (project, name) in self._stacks:
            return _refusal(409)
        begun = self._begin("CREATE", project, name, body)
        return JSONResponse({"stack": {"id": begun.id, "links": []}}, status_code=201)

    async def _on_update(self, request: Request) -> Response:
        body = await request.json()
        found = self._find(request)
        if found is None:
            return _refusal(404)
        self._begin("UPDATE", request.path_params["project"], found.name, body)
        return Response(status_code=202)

    async def _on_delete(self, request: Request) -> Response:
        found = self._find(request)
        if found is None:
            return _refusal(404)
        self._begin("DELETE", request.path_params["project"], found.name, {})
        return Response(status_code=204)

    async def _on_resources(self, request: Request) -> Response:
        return JSONResponse({"resources": []})


def _refusal(code: int) -> Response:
    return JSONResponse({"code": code, "error": {"message": f"no luck: {code}"}}, code)
