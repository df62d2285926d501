"""TaskFlow's logbooks, flow details and atom details as JSON.

The encoder never fails on what a task brought: an exception's arguments are left out (they may be
locks, sockets, anything), and what JSON does not know is kept as its ``repr``.
"""

from __future__ import annotations

import json
from typing import Any

from taskflow.persistence import models

from esi_flows.model import codec

MAX_TRACEBACK = 8192


def encode_book(book: models.LogBook) -> bytes:
    """A logbook without its flows."""
    return _dumps(book.to_dict(marshal_time=True))


def decode_book(key: str, raw: bytes) -> models.LogBook:
    """A logbook without its flows. Raises DocumentInvalid."""
    return models.LogBook.from_dict(dict(codec.loads_object(key, raw)), unmarshal_time=True)


def encode_flow(flow: models.FlowDetail) -> bytes:
    """A flow detail without its atoms."""
    return _dumps(flow.to_dict())


def decode_flow(key: str, raw: bytes) -> models.FlowDetail:
    """A flow detail without its atoms. Raises DocumentInvalid."""
    return models.FlowDetail.from_dict(dict(codec.loads_object(key, raw)))


def encode_atom(atom: models.AtomDetail) -> bytes:
    """An atom detail, with its type."""
    document = atom.to_dict()
    for name in ("failure", "revert_failure"):
        if getattr(atom, name) is not None:
            document[name] = _failure(getattr(atom, name))
    return _dumps({"type": models.atom_detail_type(atom), "atom": document})


def decode_atom(key: str, raw: bytes) -> models.AtomDetail:
    """An atom detail. Raises DocumentInvalid."""
    document = codec.loads_object(key, raw)
    atom = dict(codec.require_object(key, "atom", document.get("atom")))
    kind = models.atom_detail_class(codec.member(key, document, "type", str))
    return kind.from_dict(atom)


def _failure(failure: Any) -> dict[str, Any]:
    document: dict[str, Any] = failure.to_dict(include_args=False)
    document["traceback_str"] = (document["traceback_str"] or "")[-MAX_TRACEBACK:]
    return document


def _dumps(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True, default=repr).encode()
