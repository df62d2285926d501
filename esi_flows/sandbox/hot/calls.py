"""What a function is given when it is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from esi_flows.sandbox.errors import ValidationFailed

Path = tuple[str | int, ...]


class Misused(ValidationFailed):
    """A function that can never work as it stands in the template."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The functions of one template version.

    ``any_text``: maps and lists may be put into texts (as JSON), which older versions refuse.
    """

    functions: tuple[str, ...]
    any_text: bool


class Scope(Protocol):
    """What functions can ask for."""

    def parameter(self, name: str) -> Any:
        """A parameter's value. Raises CloudError for an unknown one."""

    def reference(self, resource: str) -> Any:
        """What ``get_resource`` gives. Raises CloudError for an unknown one."""

    def attribute(self, resource: str, attribute: str, where: Path) -> Any:
        """What ``get_attr`` gives. Raises Misused for an unknown one."""

    def file(self, name: str) -> str:
        """The text of a file sent along. Raises ValueError for an unknown one."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function: what it may ask, and where it stands."""

    scope: Scope
    dialect: Dialect
    where: Path

    def misused(self, message: str) -> Misused:
        """The error for arguments that can never do."""
        return Misused(message, where=self.where)
