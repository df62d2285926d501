"""The cloud as one object: start it on a folder, use its environment, stop it."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from esi_flows.model.errors import ServerError
from esi_flows.sandbox.api.keystone import REGION
from esi_flows.sandbox.app import Services
from esi_flows.sandbox.faults import Faults
from esi_flows.sandbox.identity import DOMAIN, PROJECT_NAME, USER_NAME
from esi_flows.sandbox.journal import Entry, Journal
from esi_flows.sandbox.server import HOST, HttpServer, abort, bind

LOG = logging.getLogger(__name__)

PASSWORD = "sandbox"
"""Guards nothing: the cloud is simulated and listens on loopback only."""


class Cloud:
    """A simulated Keystone and Heat on a loopback port.

    Everything is kept in ``data_dir``: a cloud started again on the same folder has the same
    stacks (those in progress have gone on meanwhile), accepts the same tokens, and listens on the
    same port if it is free. ``speed`` divides the recorded durations, ``real_names`` gives the
    attributes a real backend would instead of the recorded ones. ``clock`` tells the seconds since
    the epoch.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        speed: float = 1.0,
        port: int = 0,
        token_seconds: float = 3600.0,
        real_names: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not speed > 0:
            raise ServerError(f"speed is {speed}, must be above 0")
        self.data_dir = data_dir
        self.faults = Faults()
        self.journal = Journal()
        self._speed = speed
        self._port = port
        self._token_seconds = token_seconds
        self._real_names = real_names
        self._clock = clock
        self._lock: int | None = None
        self._services: Services | None = None
        self._server: HttpServer | None = None

    def start(self) -> None:
        """Start to serve. Raises ServerError for a folder in use or unusable, or a taken port."""
        if self._server is not None:
            raise ServerError("the sandbox cloud is running already")
        self._take_folder()
        try:
            self._services = Services(
                self.data_dir,
                speed=self._speed,
                password=PASSWORD,
                token_seconds=self._token_seconds,
                real_names=self._real_names,
                clock=self._clock,
                faults=self.faults,
                journal=self.journal,
            )
            sock = bind(self._port or self._last_port(), or_any=not self._port)
            app = self._services.application(url=lambda: self.url, abort=abort, refuse=self.refuse)
            self._server = HttpServer(app, sock)
            (self.data_dir / "port").write_text(str(self._server.port))
            self._server.start()
        except BaseException:
            self.stop()
            raise
        LOG.info("sandbox cloud serves", extra={"url": self.url, "folder": str(self.data_dir)})

    def stop(self) -> None:
        """Stop serving; nothing is lost. Does nothing where it is not running."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._services is not None:
            self._services.close()
            self._services = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

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

    @property
    def url(self) -> str:
        """The base URL of all services. Raises ServerError while it is not running."""
        if self._server is None:
            raise ServerError("the sandbox cloud is not running", hint="call start() first")
        return f"http://{HOST}:{self._server.port}"

    @property
    def auth_url(self) -> str:
        """Keystone's URL."""
        return f"{self.url}/identity/v3"

    @property
    def monitor_url(self) -> str:
        """The URL below which monitored things can be asked for (``/v1/status``)."""
        return f"{self.url}/monitor"

    def environment(self) -> dict[str, str]:
        """The variables with which ``openstack`` and our own commands find this cloud."""
        return {
            "OS_AUTH_URL": self.auth_url,
            "OS_IDENTITY_API_VERSION": "3",
            "OS_USERNAME": USER_NAME,
            "OS_PASSWORD": PASSWORD,
            "OS_USER_DOMAIN_NAME": DOMAIN["name"],
            "OS_PROJECT_NAME": PROJECT_NAME,
            "OS_PROJECT_DOMAIN_NAME": DOMAIN["name"],
            "OS_REGION_NAME": REGION,
            "ESI_FLOWS_MONITOR_URL": self.monitor_url,
            "ESI_FLOWS_SANDBOX_URL": self.url,
        }

    def refuse(self, seconds: float) -> None:
        """Close the port for that long: connections are refused."""
        if self._server is not None:
            self._server.refuse(seconds)

    def expire_tokens(self) -> None:
        """Refuse every token issued until now."""
        if self._services is not None:
            self._services.identity.expire_tokens()

    def requests(self, *, method: str = "", contains: str = "", stack: str = "") -> list[Entry]:
        """The requests seen (see :meth:`Journal.entries`)."""
        return self.journal.entries(method=method, contains=contains, stack=stack)

    def _last_port(self) -> int:
        try:
            port = int((self.data_dir / "port").read_text())
        except (OSError, ValueError):
            return 0
        return port if 0 < port < 65536 else 0

    def _take_folder(self) -> None:
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ServerError(f"{self.data_dir} cannot be used: {error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise ServerError(
                f"another sandbox cloud runs on {self.data_dir}",
                hint="stop it, use it, or choose another folder",
            ) from error
        self._lock = lock
