"""The services put together as one ASGI application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from esi_flows.sandbox.api.heat import HeatApi
from esi_flows.sandbox.api.heat_access import Access
from esi_flows.sandbox.api.heat_stack import HeatStackApi
from esi_flows.sandbox.api.heat_views import Views
from esi_flows.sandbox.api.http import answer_error, answer_http_error
from esi_flows.sandbox.api.keystone import KeystoneApi
from esi_flows.sandbox.api.switches import SwitchesApi
from esi_flows.sandbox.errors import CloudError
from esi_flows.sandbox.faults import FaultKind, Faults
from esi_flows.sandbox.gate import Abort, Gate
from esi_flows.sandbox.identity import Identity
from esi_flows.sandbox.journal import Journal
from esi_flows.sandbox.stacks.engine import Conditions, Engine
from esi_flows.sandbox.stacks.model import Action, Resource, Stack
from esi_flows.sandbox.stacks.plan import NO_TROUBLE, Trouble
from esi_flows.sandbox.stacks.records import Records


class Services:
    """Everything behind the HTTP interface of one folder. The constructor raises ServerError."""

    def __init__(
        self,
        data_dir: Path,
        *,
        speed: float,
        password: str,
        token_seconds: float,
        real_names: bool,
        clock: Callable[[], float],
        faults: Faults,
        journal: Journal,
    ) -> None:
        self.faults = faults
        self.journal = journal
        self._records = Records(data_dir / "stacks.sqlite")
        self.identity = Identity(
            data_dir / "identity.sqlite",
            password=password,
            token_seconds=token_seconds,
            clock=clock,
        )
        self.engine = Engine(
            self._records,
            speed=speed,
            real_names=real_names,
            conditions=Conditions(self._trouble, self._stale_seconds),
            clock=clock,
        )

    def application(
        self, *, url: Callable[[], str], abort: Abort, refuse: Callable[[float], None]
    ) -> Gate:
        """The application; ``url`` gives the base URL under which it is reached."""
        switches = SwitchesApi(
            faults=self.faults, journal=self.journal, identity=self.identity, refuse=refuse
        )
        keystone = KeystoneApi(self.identity, url)
        access, views = Access(self.engine, self.identity), Views(url)
        heat = HeatApi(self.engine, access, views)
        heat_stack = HeatStackApi(self.engine, access, views)
        app = Starlette(
            routes=[
                *keystone.routes("/identity"),
                *heat.routes("/orchestration"),
                *heat_stack.routes("/orchestration"),
                *switches.routes(),
            ],
            exception_handlers={CloudError: answer_error, HTTPException: answer_http_error},
        )
        app.router.redirect_slashes = False
        clock = self.engine.now
        return Gate(app, faults=self.faults, journal=self.journal, abort=abort, clock=clock)

    def close(self) -> None:
        """Close the files."""
        self._records.close()
        self.identity.close()

    def _trouble(self, stack: Stack, resource: Resource, action: Action) -> Trouble:
        struck = self.faults.of_resource(
            stack=stack.name, type_name=resource.type, resource=resource.name, action=action
        )
        if struck is None:
            return NO_TROUBLE
        return Trouble(
            fail=struck.reason if struck.kind is FaultKind.FAIL else "",
            hang=struck.kind is FaultKind.HANG,
            seconds=struck.seconds,
        )

    def _stale_seconds(self, stack: Stack) -> float:
        return self.faults.stale_seconds(stack.name)
