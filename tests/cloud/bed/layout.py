"""What one bed consists of, as the tests and the servers read it: a JSON file in its folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE = "bed.json"
REGION = "RegionOne"
DOMAIN = "default"
USER = "admin"
PROJECT = "admin"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Ports, credentials and the projects there are from the start (by id).

    ``convergence``: the engine Heat has by default; without it, it is the one before.
    """

    folder: str
    keystone_port: int
    heat_port: int
    password: str
    projects: list[str] = field(default_factory=list)
    convergence: bool = True

    @property
    def keystone_url(self) -> str:
        """Keystone's base URL."""
        return f"http://{HOST}:{self.keystone_port}"

    @property
    def auth_url(self) -> str:
        """Where tokens are asked for."""
        return f"{self.keystone_url}/v3"

    @property
    def heat_url(self) -> str:
        """Heat's base URL."""
        return f"http://{HOST}:{self.heat_port}"

    def write(self) -> None:
        """Put it where the servers read it."""
        (Path(self.folder) / FILE).write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: str) -> Layout:
        """What was written there."""
        return cls(**json.loads((Path(folder) / FILE).read_text()))
