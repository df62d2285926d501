"""A real Keystone and a real Heat on loopback ports, with the interface of the simulated cloud."""

from __future__ import annotations

import socket
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from keystoneauth1 import adapter, session
from keystoneauth1.identity import v3

from esi_flows.sandbox.faults import Fault
from esi_flows.sandbox.journal import Entry
from tests.cloud.bed.layout import DOMAIN, HOST, PROJECT, REGION, USER, Layout
from tests.cloud.bed.process import Service

PASSWORD = "bed"
"""Guards nothing: the bed listens on loopback only, and holds nothing."""

_SECONDS = 30


class Switches:
    """What a server is told to do wrong, and what it was asked."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/bed"

    def add(self, fault: Fault) -> None:
        """Set a switch."""
        body = {name: getattr(fault, name) for name in fault.__slots__ if name != "id"}
        self._call("POST", "faults", body)

    def clear(self) -> None:
        """Take all switches back."""
        self._call("DELETE", "faults")

    def refuse(self, seconds: float) -> None:
        """Close the port for that long; the process goes on."""
        self._call("POST", "refuse", {"seconds": seconds})

    def entries(self, *, method: str = "", contains: str = "", stack: str = "") -> list[Entry]:
        """The requests seen since the server started (empty: any)."""
        found = [Entry(**entry) for entry in self._call("GET", "journal")]
        return [
            entry
            for entry in found
            if method in ("", entry.method)
            and contains in entry.path
            and stack in ("", entry.stack)
        ]

    def _call(self, method: str, name: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self._url}/{name}", json=body, timeout=_SECONDS)
        answer.raise_for_status()
        return answer.json()


class RealCloud:
    """Keystone and Heat, started on a folder and gone at the end.

    ``projects`` are there from the start, by id; the one user may do anything in every project.
    """

    def __init__(
        self,
        folder: Path,
        *,
        python: Path,
        projects: list[str] | None = None,
        convergence: bool = True,
    ) -> None:
        """``python`` is that of the environment in which the services are installed."""
        folder.mkdir(parents=True, exist_ok=True)
        keystone_port, heat_port = _free_ports(2)
        self._layout = Layout(
            folder=str(folder),
            keystone_port=keystone_port,
            heat_port=heat_port,
            password=PASSWORD,
            projects=projects or [],
            convergence=convergence,
        )
        self._layout.write()
        self.keystone = Service("keystone", python=python, folder=folder)
        self.heat = Service("heat", python=python, folder=folder)
        self.faults = self.journal = Switches(self._layout.heat_url)
        self.keystone_faults = Switches(self._layout.keystone_url)

    def start(self) -> None:
        """Start both. Raises ServerError."""
        try:
            for service in (self.keystone, self.heat):
                service.launch()
            for service in (self.keystone, self.heat):
                service.ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both."""
        self.heat.stop()
        self.keystone.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def environment(self) -> dict[str, str]:
        """The variables with which ``openstack`` and our own commands find this cloud."""
        return {
            "OS_AUTH_URL": self._layout.auth_url,
            "OS_IDENTITY_API_VERSION": "3",
            "OS_USERNAME": USER,
            "OS_PASSWORD": PASSWORD,
            "OS_USER_DOMAIN_ID": DOMAIN,
            "OS_PROJECT_NAME": PROJECT,
            "OS_PROJECT_DOMAIN_ID": DOMAIN,
            "OS_REGION_NAME": REGION,
        }

    def make_project(self) -> str:
        """A new, empty project's id."""
        body = {"project": {"name": uuid.uuid4().hex, "domain_id": DOMAIN}}
        made = self._identity().post("/projects", json=body).json()
        return str(made["project"]["id"])

    def refuse(self, seconds: float) -> None:
        """Close the port of Heat's API for that long: connections are refused."""
        self.faults.refuse(seconds)

    def mend(self) -> None:
        """Take all faults back and start what does not run."""
        for service in (self.keystone, self.heat):
            if not service.running:
                service.start()
        self.faults.clear()
        self.keystone_faults.clear()

    def _identity(self) -> adapter.Adapter:
        auth = v3.Password(
            auth_url=self._layout.auth_url,
            username=USER,
            password=PASSWORD,
            user_domain_id=DOMAIN,
            project_name=PROJECT,
            project_domain_id=DOMAIN,
        )
        return adapter.Adapter(
            session.Session(auth=auth, timeout=_SECONDS), service_type="identity", version="3"
        )


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
