"""Every error of the product, in one tree.

::

    EsiFlowsError
    |-- InvalidInput                what the user gave cannot be used; carries all findings at once
    |   |-- DocumentInvalid         one document in etcd cannot be read as what its key says
    |   |-- MappingError            a parameter mapping cannot be parsed or evaluated
    |   |   `-- MissingDocument     a mapping steps on a document that is not there (yet)
    |   `-- TemplateError           a template cannot be rendered
    |-- SettingsInvalid             configuration that cannot work
    |-- StoreError
    |   |-- StoreUnavailable        etcd could not be asked; nothing was written
    |   |-- Indeterminate           a write may or may not have happened: read back, never resend
    |   |-- Compacted               the revision asked for is gone: list again
    |   |-- NoSpace                 etcd refuses writes until it is compacted and defragmented
    |   |-- TooLarge                a document or transaction is over etcd's limits
    |   |-- LeaseLost               the lease of a write is gone; nothing was written
    |   `-- AccessDenied            etcd knows the user but does not let it
    |-- ServerError                 an etcd or sandbox process could not be started or is unfit
    |-- ClaimLost                   another conductor owns (or may own) what we were writing
    |-- DefinitionChanged           a flow in flight is not the one that was begun
    |-- Cancelled                   somebody wants the group stopped and reverted
    |-- Suspended                   the conductor is stopping; the work goes on elsewhere
    `-- HandlerError                a handler could not make the outside world match
        `-- HandlerTimeout          it did not get there within the job's time
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class EsiFlowsError(Exception):
    """Base of all errors raised on purpose; ``hint`` says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Severity(StrEnum):
    """What a finding means for whoever wants to use what it is about."""

    ERROR = "error"
    """It cannot be used, or not as it is meant."""
    WARNING = "warning"
    """It can be used, and is probably not what was meant."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file: line and column count from 1 (0: not known), ``path`` is inside it."""

    file: str
    line: int = 0
    column: int = 0
    path: str = ""
    """Such as ``parameter_mappings.name.path[0]``; empty for a document as a whole."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with what the user gave: where, what, and what would be right.

    ``spot`` says where for programs, if it is in a file; ``value`` is what is there and ``allowed``
    what may be, as texts, where both are worth showing.
    """

    where: str
    what: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    spot: Spot | None = None
    value: str = ""
    allowed: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.hint})" if self.hint else "")


class InvalidInput(EsiFlowsError):
    """Input that cannot be used. ``findings`` lists all that is wrong, not just the first."""

    def __init__(self, message: str, *, findings: Sequence[Finding] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.findings = tuple(findings)


class DocumentInvalid(InvalidInput):
    """A document in etcd cannot be read as what its key says it is."""

    def __init__(self, key: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"{key}: {reason}", findings=(Finding(key, reason, hint),), hint=hint)
        self.key = key
        self.reason = reason


class MappingError(InvalidInput):
    """A parameter mapping cannot be parsed or evaluated."""


class MissingDocument(MappingError):
    """A mapping steps on a document that is not there (yet).

    ``missing`` is ``type:id``, so that the change can be compiled again once it appears.
    """

    def __init__(self, message: str, *, missing: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.missing = missing


class TemplateError(InvalidInput):
    """A template cannot be rendered, or is not what its handler needs."""


class SettingsInvalid(EsiFlowsError):
    """Configuration that cannot work."""


class StoreError(EsiFlowsError):
    """Base of what can go wrong between us and etcd."""


class StoreUnavailable(StoreError):
    """etcd could not be asked; if this was a write, it was not made."""


class Indeterminate(StoreError):
    """The write may or may not have happened. Read back; never resend blindly."""


class Compacted(StoreError):
    """The revision asked for has been compacted away; list again.

    ``revision`` is the oldest revision that can still be asked for, 0 where etcd did not say.
    """

    def __init__(self, message: str, *, revision: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.revision = revision


class NoSpace(StoreError):
    """etcd is over its quota and refuses writes."""


class TooLarge(StoreError):
    """A document or transaction is over etcd's limits; nothing was written."""


class LeaseLost(StoreError):
    """The lease that a write was to be attached to is gone; nothing was written."""


class AccessDenied(StoreError):
    """etcd refuses the credentials, or they do not allow this."""


class ServerError(EsiFlowsError):
    """An etcd or sandbox process could not be started, or is unfit for durable data."""


class ClaimLost(EsiFlowsError):
    """The claim under which we were writing is no longer ours; the write was refused."""


class DefinitionChanged(EsiFlowsError):
    """The jobs of a group that is under way are not those its flow was begun with."""


class Cancelled(EsiFlowsError):
    """Somebody wants the group stopped, and reverted what it has done."""


class Suspended(EsiFlowsError):
    """The conductor stops here; whoever claims the group next goes on from what is recorded."""


class HandlerError(EsiFlowsError):
    """A handler could not make the outside world match the job."""


class HandlerTimeout(HandlerError):
    """The outside world did not get there within the job's time."""
