"""Documents are read strictly: what could not be written again is refused."""

from __future__ import annotations

import pytest

from esi_flows.model import codec
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.intents import Intent


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_deep_documents_are_refused() -> None:
    codec.loads("k", nested(codec.MAX_DEPTH).encode())
    for depth in (codec.MAX_DEPTH + 1, 100_000):
        with pytest.raises(DocumentInvalid, match="k: is not JSON"):
            codec.loads("k", nested(depth).encode())


@pytest.mark.parametrize("depth", [codec.MAX_DEPTH + 1, 100_000])
def test_deep_bodies_are_refused_as_text_too(depth: int) -> None:
    body = codec.dumps({"body": nested(depth), "version": 1})
    with pytest.raises(DocumentInvalid, match="JSON text in body"):
        Intent.decode("k", body)
