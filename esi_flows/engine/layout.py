"""Where TaskFlow's details are, below a root that may be chosen."""

from __future__ import annotations

from esi_flows.model.errors import InvalidInput


def books(root: str) -> str:
    """What the records of all logbooks begin with."""
    return f"{root.rstrip('/')}/books/"


def book_key(root: str, book: str) -> str:
    """Where the record of a logbook is."""
    return f"{books(root)}{book}"


def flows(root: str) -> str:
    """What everything of all flows begins with."""
    return f"{root.rstrip('/')}/flows/"


def flows_of(root: str, book: str) -> str:
    """What everything of the flows of a book begins with."""
    return f"{flows(root)}{book}/"


def flow_prefix(root: str, book: str, flow: str) -> str:
    """Where everything of one flow is, without the trailing slash."""
    return f"{flows_of(root, book)}{flow}"


def segment(uuid: str) -> str:
    """``uuid`` if it can be one step of a key. Raises InvalidInput."""
    if not uuid or "/" in uuid:
        raise InvalidInput(
            f"the uuid {uuid!r} cannot be part of a key", hint="use uuids that are not empty or a/b"
        )
    return uuid
