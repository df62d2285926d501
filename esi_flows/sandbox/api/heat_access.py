"""Whose request it is, and which stack it may be about."""

from __future__ import annotations

from starlette.requests import Request

from esi_flows.sandbox.errors import Forbidden
from esi_flows.sandbox.identity import PROJECT_ID, Identity, Token
from esi_flows.sandbox.stacks.engine import Engine
from esi_flows.sandbox.stacks.model import Stack
from esi_flows.sandbox.stacks.rules import missing


class Access:
    """The checks before every request to Heat."""

    def __init__(self, engine: Engine, identity: Identity) -> None:
        self._engine = engine
        self._identity = identity

    def caller(self, request: Request) -> Token:
        """The token of a request. Raises Unauthorized, Forbidden."""
        token = self._identity.check(request.headers.get("X-Auth-Token", ""))
        asked = request.path_params["project_id"]
        if token.project_id != asked and not over_all(token):
            raise Forbidden("You are not authorized to use this project.")
        return token

    def stack(self, request: Request) -> Stack:
        """The stack a canonical URL names. Raises Unauthorized, Forbidden, NotFound."""
        token = self.caller(request)
        stack_id, name = request.path_params["stack_id"], request.path_params["name"]
        stack = self._engine.get(stack_id)
        visible = stack.project_id == token.project_id or over_all(token)
        if stack.name != name or not visible:
            raise missing(name)
        request.state.stack = stack.name
        return stack


def over_all(token: Token) -> bool:
    """Whether the token reaches the stacks of all projects."""
    # the admin in the admin project sees the stacks of all projects, as Heat's default policy says
    return token.project_id == PROJECT_ID
