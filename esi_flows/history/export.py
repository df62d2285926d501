"""Writes courses to a file, one JSON object a line."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from esi_flows.history.courses import Course
from esi_flows.model import codec
from esi_flows.model.errors import InvalidInput


def line(course: Course) -> str:
    """A course as one line: its ``id``, whether it is ``pinned``, and its record."""
    document = codec.loads_object(course.key, course.record.encode())
    return codec.dumps({**document, "id": course.id, "pinned": bool(course.pinned)}).decode()


def export(path: Path, courses: Iterable[Course]) -> int:
    """Write a file with these courses, whole or not at all; how many. Raises InvalidInput.

    It is for its owner only. Never over a file that is there.
    """
    if path.exists():
        raise InvalidInput(f"{path} is there already", hint="name another file, or remove that one")
    count = 0
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be written: {error.strerror}", hint="name another file"
        ) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            for course in courses:
                file.write(f"{line(course)}\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        # unlike rename, it never replaces what another has written meanwhile
        os.link(name, path)
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be written: {error.strerror}", hint="name another file"
        ) from error
    finally:
        os.unlink(name)
    return count
