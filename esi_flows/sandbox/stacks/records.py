"""Stacks on disk: one row each in sqlite, written before a request is answered."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from esi_flows.model.errors import ServerError
from esi_flows.sandbox.stacks.model import (
    Action,
    Event,
    Operation,
    Resource,
    Source,
    Stack,
    Status,
    Step,
)


class Records:
    """The stacks of one folder. Raises ServerError where its file cannot be used.

    Write-ahead log without a sync at each commit: what was written outlives the process (also
    ``kill -9``), not a power cut.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS stacks (id TEXT PRIMARY KEY, document TEXT)"
            )
        except sqlite3.Error as error:
            raise ServerError(
                f"{path} cannot be used: {error}", hint="remove the file or choose another folder"
            ) from error

    def load(self) -> Iterator[Stack]:
        """All stacks, oldest first. Raises ServerError for a damaged record."""
        rows = self._db.execute("SELECT id, document FROM stacks ORDER BY rowid").fetchall()
        for stack_id, document in rows:
            try:
                yield _stack(json.loads(document))
            except (ValueError, TypeError, KeyError) as error:
                raise ServerError(
                    f"the record of stack {stack_id} is damaged: {error}",
                    hint="remove the folder of the sandbox",
                ) from error

    def put(self, stack: Stack) -> None:
        """Write a stack."""
        self._db.execute(
            "INSERT INTO stacks (id, document) VALUES (?, ?) "
            "ON CONFLICT (id) DO UPDATE SET document = excluded.document",
            (stack.id, json.dumps(_plain(stack))),
        )

    def remove(self, stack_id: str) -> None:
        """Forget a stack."""
        self._db.execute("DELETE FROM stacks WHERE id = ?", (stack_id,))

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _stack(document: dict[str, Any]) -> Stack:
    operation, previous = document["operation"], document["previous"]
    return Stack(
        **{
            **document,
            "action": Action(document["action"]),
            "status": Status(document["status"]),
            "source": Source(**document["source"]),
            "previous": Source(**previous) if previous else None,
            "resources": {name: _resource(r) for name, r in document["resources"].items()},
            "operation": _operation(operation) if operation else None,
            "events": tuple(Event(**event) for event in document["events"]),
            "tags": tuple(document["tags"]),
        }
    )


def _resource(document: dict[str, Any]) -> Resource:
    return Resource(
        **{
            **document,
            "action": Action(document["action"]),
            "status": Status(document["status"]),
            "needs": tuple(document["needs"]),
        }
    )


def _operation(document: dict[str, Any]) -> Operation:
    steps = tuple(_step(step) for step in document["steps"])
    return Operation(**{**document, "action": Action(document["action"]), "steps": steps})


def _step(document: dict[str, Any]) -> Step:
    sides = {
        side: _resource(document[side]) if document[side] else None for side in ("before", "after")
    }
    return Step(**{**document, **sides, "action": Action(document["action"])})
