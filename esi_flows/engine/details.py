"""TaskFlow's logbooks, flow details and atom details as JSON.

A record has what its key does not say and what differs from a fresh object, and the version of
this form. The encoder never fails on what a task brought (see :mod:`esi_flows.engine.plain`), and
shows no more of an exception than its text does.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, TypeVar

from taskflow import states
from taskflow.persistence import models
from taskflow.types import failure

from esi_flows.engine import plain
from esi_flows.model import codec
from esi_flows.model.errors import DocumentInvalid

VERSION = 1
"""Of the form of the records."""

MAX_TEXT = 8192
"""Characters that are kept of an exception's text and of its traceback."""
MAX_CAUSES = 8
"""Exceptions that are kept of those which led to one."""

_FAILURES = ("failure", "revert_failure")
_VALUES = ("state", "version", "results", "revert_results")

T = TypeVar("T")


def encode_book(book: models.LogBook) -> bytes:
    """A logbook without its flows."""
    document = {"v": VERSION, "name": book.name}
    if book.meta:
        document["meta"] = book.meta
    for name in ("created_at", "updated_at"):
        when = getattr(book, name)
        if when is not None:
            document[name] = when.isoformat()
    return plain.encode(document)


def decode_book(key: str, raw: bytes) -> models.LogBook:
    """A logbook without its flows, from what is stored under ``key``. Raises DocumentInvalid."""
    document = _load(key, raw)
    book = models.LogBook(_text(key, document, "name"), uuid=key.rpartition("/")[2])
    book.meta = _meta(key, document)
    for name in ("created_at", "updated_at"):
        text = document.get(name)
        when = None if text is None else _read(key, datetime.datetime.fromisoformat, text)
        setattr(book, name, when)
    return book


def encode_flow(flow: models.FlowDetail) -> bytes:
    """A flow detail without its atoms."""
    document = {"v": VERSION, "name": flow.name}
    if flow.state is not None:
        document["state"] = flow.state
    if flow.meta:
        document["meta"] = flow.meta
    return plain.encode(document)


def decode_flow(key: str, raw: bytes) -> models.FlowDetail:
    """A flow detail without its atoms, from ``.../<flow>/flow``. Raises DocumentInvalid."""
    document = _load(key, raw)
    flow = models.FlowDetail(_text(key, document, "name"), key.split("/")[-2])
    flow.state = document.get("state")
    flow.meta = _meta(key, document)
    return flow


def encode_atom(atom: models.AtomDetail) -> bytes:
    """An atom detail."""
    document: dict[str, Any] = {"v": VERSION, "name": atom.name}
    for name in _VALUES:
        value = getattr(atom, name)
        if value is not None:
            document[name] = value
    if atom.intention != states.EXECUTE:
        document["intention"] = atom.intention
    if atom.meta:
        document["meta"] = atom.meta
    for name in _FAILURES:
        found = getattr(atom, name)
        if found is not None:
            document[name] = _encode_failure(found)
    if type(atom) is not models.TaskDetail:
        document["type"] = models.atom_detail_type(atom)
        document["results"] = [
            (data, {name: _encode_failure(found) for name, found in failures.items()})
            for data, failures in atom.results or ()
        ]
    return plain.encode(document)


def decode_atom(key: str, raw: bytes) -> models.AtomDetail:
    """An atom detail, from ``.../atoms/<atom>``. Raises DocumentInvalid."""
    document = _load(key, raw)
    kind = models.TaskDetail
    if "type" in document:
        kind = _read(key, models.atom_detail_class, document["type"])
    atom = kind(_text(key, document, "name"), key.rpartition("/")[2])
    for name in _VALUES:
        if name in document:
            setattr(atom, name, document[name])
    atom.intention = document.get("intention", states.EXECUTE)
    atom.meta = _meta(key, document)
    for name in _FAILURES:
        if name in document:
            setattr(atom, name, _read(key, _decode_failure, document[name]))
    if isinstance(atom, models.RetryDetail):
        atom.results = _read(key, _decode_history, document.get("results"))
    return atom


def _encode_failure(found: failure.Failure) -> dict[str, Any]:
    # TaskFlow's own form has each cause's causes within it again: twice as much for each of them
    causes = [_encode_one(cause) for cause in found.causes[:MAX_CAUSES]]
    return {**_encode_one(found), "causes": causes} if causes else _encode_one(found)


def _encode_one(found: failure.Failure) -> dict[str, Any]:
    document = {
        "exception_str": found.exception_str[:MAX_TEXT],
        "traceback_str": (found.traceback_str or "")[-MAX_TEXT:],
        "exc_type_names": list(found),
    }
    arguments = found.exception_args
    # a program may look at them; others could be anything, a response with its headers for one
    if arguments and all(_is_shown(value, found.exception_str) for value in arguments):
        document["exc_args"] = arguments
    return document


def _is_shown(argument: Any, text: str) -> bool:
    if argument is None or isinstance(argument, bool):
        return True
    return isinstance(argument, str | int | float) and str(argument) in text[:MAX_TEXT]


def _decode_failure(document: Any) -> failure.Failure:
    causes = tuple(_decode_failure(cause) for cause in document.get("causes", ()))
    return failure.Failure(
        exception_str=document["exception_str"],
        traceback_str=document["traceback_str"],
        exc_type_names=document["exc_type_names"],
        exc_args=document.get("exc_args", ()),
        causes=causes,
    )


def _decode_history(results: Any) -> list[Any]:
    return [
        (data, {name: _decode_failure(found) for name, found in failures.items()})
        for data, failures in results or ()
    ]


def _load(key: str, raw: bytes) -> codec.JsonObject:
    document = codec.loads_object(key, raw)
    if document.get("v") != VERSION:
        raise DocumentInvalid(
            key,
            f"is in form {document.get('v')!r}, this release reads {VERSION}",
            hint="let the release that wrote it finish its flows",
        )
    return document


def _text(key: str, document: codec.JsonObject, name: str) -> str:
    return codec.member(key, document, name, str)


def _meta(key: str, document: codec.JsonObject) -> dict[str, Any]:
    return dict(codec.require_object(key, "meta", document.get("meta", {})))


def _read(key: str, form: Callable[[Any], T], value: Any) -> T:
    """``value`` in a form of its own. Raises DocumentInvalid."""
    try:
        return form(value)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DocumentInvalid(key, f"cannot be read: {error}") from error
