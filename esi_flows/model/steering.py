"""What people want of groups and of the whole service: orders, with who, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from esi_flows.model import codec
from esi_flows.model.errors import DocumentInvalid

MAX_ORDERS = 50
"""How many orders are kept of one group, the newest: the document must not grow for ever."""


class Want(StrEnum):
    """What somebody wants of a group."""

    RUN = "run"
    """It goes on, or may begin."""
    SUSPEND = "suspend"
    """It stops at its next safe point, and does not begin."""
    CANCEL = "cancel"
    """It stops and is reverted; what has not begun never does. There is no way back from it."""
    RETRY = "retry"
    """It has ended, and its intent is compiled and run again: it was bad, or drift is repaired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One thing that somebody wanted. ``at``: seconds since the epoch."""

    want: Want
    by: str
    at: float
    reason: str = ""

    def __str__(self) -> str:
        """``by alice@host: quota is being raised``."""
        return f"by {self.by}" + (f": {self.reason}" if self.reason else "")

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return {"want": self.want.value, "by": self.by, "at": self.at, "reason": self.reason}

    @classmethod
    def from_json(cls, key: str, document: Any) -> Order:
        """Parse one order of the document under ``key``. Raises DocumentInvalid."""
        entry = codec.require_object(key, "an order", document)
        try:
            want = Want(str(entry.get("want")))
        except ValueError as error:
            raise DocumentInvalid(key, f"{error}") from error
        return cls(
            want=want,
            by=codec.member(key, entry, "by", str),
            at=codec.number(key, entry, "at"),
            reason=codec.member(key, entry, "reason", str),
        )


@dataclass(frozen=True, slots=True)
class Steering:
    """``/esi-flows/steering/<group>``: the orders given to one group, in their order.

    ``posted_at`` is that of the group's record: a later group of the same name is another one, to
    which these orders do not apply.
    """

    posted_at: float
    orders: tuple[Order, ...]

    @property
    def want(self) -> Want:
        """What is wanted now. Whoever wanted it cancelled has the last word."""
        if any(order.want is Want.CANCEL for order in self.orders):
            return Want.CANCEL
        return self.orders[-1].want if self.orders else Want.RUN

    @property
    def order(self) -> Order | None:
        """The order that :attr:`want` comes from."""
        wanted = [order for order in self.orders if order.want is self.want]
        return wanted[-1] if wanted else None

    def encode(self) -> bytes:
        """The document as stored."""
        orders = [order.to_json() for order in self.orders[-MAX_ORDERS:]]
        return codec.dumps({"posted_at": self.posted_at, "orders": orders})

    @classmethod
    def decode(cls, key: str, raw: bytes) -> Steering:
        """Parse the document under ``key``. Raises DocumentInvalid."""
        document = codec.loads_object(key, raw)
        return cls(
            posted_at=codec.number(key, document, "posted_at"),
            orders=orders_of(key, codec.member(key, document, "orders", list)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """``/esi-flows/steering/service``: nobody claims anything while it is there."""

    by: str
    at: float
    reason: str = ""
    suspend: bool = False
    """Whether what runs stops at its next safe point as well."""

    def encode(self) -> bytes:
        """The document as stored."""
        return codec.dumps(
            {"by": self.by, "at": self.at, "reason": self.reason, "suspend": self.suspend}
        )

    @classmethod
    def decode(cls, key: str, raw: bytes) -> Pause:
        """Parse the document under ``key``. Raises DocumentInvalid."""
        document = codec.loads_object(key, raw)
        return cls(
            by=codec.member(key, document, "by", str),
            at=codec.number(key, document, "at"),
            reason=codec.member(key, document, "reason", str),
            suspend=codec.member(key, document, "suspend", bool),
        )


def orders_of(key: str, entries: Sequence[Any]) -> tuple[Order, ...]:
    """The orders in a list of the document under ``key``. Raises DocumentInvalid."""
    return tuple(Order.from_json(key, entry) for entry in entries)
