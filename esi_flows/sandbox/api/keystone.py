"""Keystone v3: versions, tokens, catalog, projects and application credentials."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from esi_flows.sandbox.api.http import json_body
from esi_flows.sandbox.errors import CloudError, NotFound, Unauthorized
from esi_flows.sandbox.identity import (
    DOMAIN,
    ROLES,
    USER_ID,
    USER_NAME,
    Identity,
    Project,
    Token,
)

REGION = "RegionOne"
_REFUSED = "The request you have made requires authentication."


def isotime(epoch: float) -> str:
    """Keystone's way to write a time."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class KeystoneApi:
    """The routes of the identity service; ``url`` gives the cloud's base URL."""

    def __init__(self, identity: Identity, url: Callable[[], str]) -> None:
        self._identity = identity
        self._url = url

    def routes(self, base: str) -> list[Route]:
        """All routes, below the path ``base``."""
        version = f"{base}/v3"
        credentials = f"{version}/users/{{user_id}}/application_credentials"
        credential = f"{credentials}/{{credential_id}}"
        return [
            Route(base, self._on_versions),
            Route(f"{base}/", self._on_versions),
            Route(version, self._on_version),
            Route(f"{version}/", self._on_version),
            Route(f"{version}/auth/tokens", self._on_issue, methods=["POST"]),
            Route(f"{version}/auth/tokens", self._on_show_token, methods=["GET", "HEAD"]),
            Route(f"{version}/auth/tokens", self._on_revoke, methods=["DELETE"]),
            Route(f"{version}/auth/catalog", self._on_catalog),
            Route(f"{version}/auth/projects", self._on_projects),
            Route(f"{version}/projects", self._on_projects),
            Route(f"{version}/projects/{{project_id}}", self._on_project),
            Route(f"{version}/users/{{user_id}}/projects", self._on_projects),
            Route(f"{version}/users/{{user_id}}", self._on_user),
            Route(credentials, self._on_credentials),
            Route(credentials, self._on_add_credential, methods=["POST"]),
            Route(credential, self._on_credential),
            Route(credential, self._on_remove_credential, methods=["DELETE"]),
        ]

    async def _on_versions(self, request: Request) -> Response:
        return JSONResponse({"versions": {"values": [self._version()]}}, status_code=300)

    async def _on_version(self, request: Request) -> Response:
        return JSONResponse({"version": self._version()})

    async def _on_issue(self, request: Request) -> Response:
        body = await json_body(request)
        try:
            project, methods = self._authenticated(body["auth"])
        except (KeyError, TypeError, AttributeError) as error:
            raise CloudError(f"Invalid input for authentication: {error!r}") from error
        text, token = self._identity.issue(project.id if project else "", methods)
        return JSONResponse(
            self._token_body(token), status_code=201, headers={"X-Subject-Token": text}
        )

    async def _on_show_token(self, request: Request) -> Response:
        self._caller(request)
        subject = request.headers.get("X-Subject-Token", "")
        try:
            token = self._identity.check(subject)
        except Unauthorized as error:
            raise NotFound("Failed to validate token") from error
        return JSONResponse(self._token_body(token), headers={"X-Subject-Token": subject})

    async def _on_revoke(self, request: Request) -> Response:
        self._caller(request)
        try:
            self._identity.revoke(request.headers.get("X-Subject-Token", ""))
        except Unauthorized as error:
            raise NotFound("Failed to validate token") from error
        return Response(status_code=204)

    async def _on_catalog(self, request: Request) -> Response:
        token = self._caller(request)
        return JSONResponse({"catalog": self._catalog(token.project_id)})

    async def _on_projects(self, request: Request) -> Response:
        self._caller(request)
        name = request.query_params.get("name")
        listed = [p for p in self._identity.projects() if name in (None, p.name)]
        return JSONResponse({"projects": [self._project(p) for p in listed], "links": {}})

    async def _on_project(self, request: Request) -> Response:
        self._caller(request)
        wanted = request.path_params["project_id"]
        for project in self._identity.projects():
            if project.id == wanted:
                return JSONResponse({"project": self._project(project)})
        raise NotFound(f"Could not find project: {wanted}.")

    async def _on_user(self, request: Request) -> Response:
        self._caller(request)
        if request.path_params["user_id"] != USER_ID:
            raise NotFound(f"Could not find user: {request.path_params['user_id']}.")
        user = {"id": USER_ID, "name": USER_NAME, "domain_id": DOMAIN["id"], "enabled": True}
        return JSONResponse({"user": user})

    async def _on_credentials(self, request: Request) -> Response:
        self._caller(request)
        listed = self._identity.credentials()
        return JSONResponse({"application_credentials": listed, "links": {}})

    async def _on_credential(self, request: Request) -> Response:
        self._caller(request)
        found = self._identity.credential(request.path_params["credential_id"])
        return JSONResponse({"application_credential": found})

    async def _on_add_credential(self, request: Request) -> Response:
        token = self._caller(request)
        body = await json_body(request)
        given = body.get("application_credential")
        if not isinstance(given, dict):
            raise CloudError("'application_credential' is a required property")
        made = self._identity.add_credential(token.project_id, given)
        return JSONResponse({"application_credential": made}, status_code=201)

    async def _on_remove_credential(self, request: Request) -> Response:
        self._caller(request)
        self._identity.remove_credential(request.path_params["credential_id"])
        return Response(status_code=204)

    def _caller(self, request: Request) -> Token:
        return self._identity.check(request.headers.get("X-Auth-Token", ""))

    def _authenticated(self, auth: dict[str, Any]) -> tuple[Project | None, tuple[str, ...]]:
        given = auth["identity"]
        methods = tuple(str(method) for method in given["methods"])
        project: Project | None = None
        if not methods:
            raise Unauthorized(_REFUSED)
        for method in methods:
            if method == "password":
                self._identity.check_password(given["password"]["user"])
            elif method == "token":
                old = self._identity.check(str(given["token"]["id"]))
                project = self._identity.project(old.project_id) if old.project_id else None
            elif method == "application_credential":
                credential = given["application_credential"]
                project = self._identity.project(self._identity.credential_project(credential))
            else:
                raise Unauthorized(_REFUSED)
        scope = auth.get("scope")
        if isinstance(scope, dict) and "project" in scope:
            project = self._scoped(scope["project"])
        return project, methods

    def _scoped(self, scope: dict[str, Any]) -> Project:
        if "id" in scope:
            return self._identity.project(str(scope["id"]))
        return self._identity.project_named(str(scope["name"]))

    def _token_body(self, token: Token) -> dict[str, Any]:
        body: dict[str, Any] = {
            "methods": list(token.methods),
            "user": {
                "id": USER_ID,
                "name": USER_NAME,
                "domain": DOMAIN,
                "password_expires_at": None,
            },
            "audit_ids": [token.audit_id],
            "issued_at": isotime(token.issued_at),
            "expires_at": isotime(token.expires_at),
        }
        if token.project_id:
            project = self._identity.project(token.project_id)
            body["project"] = {"id": project.id, "name": project.name, "domain": DOMAIN}
            body["is_domain"] = False
            body["roles"] = ROLES
            body["catalog"] = self._catalog(project.id)
        return {"token": body}

    def _catalog(self, project_id: str) -> list[dict[str, Any]]:
        services = (
            ("identity", "keystone", f"{self._url()}/identity"),
            ("orchestration", "heat", f"{self._url()}/orchestration/v1/{project_id}"),
        )
        return [
            {
                "id": f"{name}-service",
                "type": kind,
                "name": name,
                "endpoints": [
                    {
                        "id": f"{name}-{interface}",
                        "interface": interface,
                        "region": REGION,
                        "region_id": REGION,
                        "url": url,
                    }
                    for interface in ("public", "internal", "admin")
                ],
            }
            for kind, name, url in services
        ]

    def _project(self, project: Project) -> dict[str, Any]:
        return {
            "id": project.id,
            "name": project.name,
            "description": "",
            "domain_id": DOMAIN["id"],
            "parent_id": DOMAIN["id"],
            "enabled": True,
            "is_domain": False,
            "tags": [],
            "options": {},
            "links": {"self": f"{self._url()}/identity/v3/projects/{project.id}"},
        }

    def _version(self) -> dict[str, Any]:
        return {
            "id": "v3.14",
            "status": "stable",
            "updated": "2020-04-07T00:00:00Z",
            "links": [{"rel": "self", "href": f"{self._url()}/identity/v3/"}],
            "media-types": [
                {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
            ],
        }
