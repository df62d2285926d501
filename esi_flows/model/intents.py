"""Intents (``/config``) and the memo of what was last accepted (``/esi-worker/config``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from esi_flows.model import codec
from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import DocumentInvalid


@dataclass(frozen=True, slots=True)
class Intent:
    """What is wanted of one resource: ``/config/<api>/<plural>/<id>``.

    gohan writes ``body`` as a JSON text, people write an object; both are read, an object is
    written. ``version`` grows by one with each change.
    """

    body: JsonObject
    version: int
    marked_for_deletion: bool = False

    @classmethod
    def decode(cls, key: str, raw: bytes) -> Intent:
        """Parse the document under ``key``. Raises DocumentInvalid."""
        document = codec.loads_object(key, raw, max_depth=codec.MAX_INTENT_DEPTH)
        body = document.get("body")
        if isinstance(body, str):
            try:
                body = codec.parse(body, max_depth=codec.MAX_INTENT_DEPTH)
            except (ValueError, RecursionError) as error:
                raise DocumentInvalid(key, f"the JSON text in body is none: {error}") from error
        marked = document.get("marked_for_deletion", False)
        if not isinstance(marked, bool):
            raise DocumentInvalid(key, "member 'marked_for_deletion' must be true or false")
        return cls(
            body=codec.require_object(key, "body", body),
            version=codec.member(key, document, "version", int),
            marked_for_deletion=marked,
        )

    def encode(self) -> bytes:
        """The document as stored."""
        return codec.dumps(
            {
                "body": dict(self.body),
                "version": self.version,
                "marked_for_deletion": self.marked_for_deletion,
            }
        )


@dataclass(frozen=True, slots=True)
class Memo:
    """The last configuration that was accepted: ``/esi-worker/config/<api>/<plural>/<id>``."""

    body: JsonObject
    version: int
    deleted: bool = False

    @classmethod
    def decode(cls, key: str, raw: bytes) -> Memo:
        """Parse the document under ``key``. Raises DocumentInvalid."""
        document = codec.loads_object(key, raw)
        return cls(
            body=codec.require_object(key, "body", document.get("body")),
            version=codec.member(key, document, "version", int),
            deleted=bool(document.get("deleted", False)),
        )

    @classmethod
    def of(cls, intent: Intent) -> Memo:
        """What is remembered once ``intent`` has been compiled."""
        return cls(intent.body, intent.version, deleted=intent.marked_for_deletion)

    def encode(self) -> bytes:
        """The document as stored."""
        document: dict[str, Any] = {
            "body": dict(self.body),
            "version": self.version,
            "deleted": self.deleted,
        }
        return codec.dumps(document)
