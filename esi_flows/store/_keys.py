"""Keys as etcd has them (bytes) and as we have them (text)."""

from __future__ import annotations

from esi_flows.model.errors import StoreError

# any byte sequence can be a key; what is not UTF-8 must survive a round trip, not stop a reader
_CODEC = ("utf-8", "surrogateescape")


def encode_key(key: str) -> bytes:
    """The bytes of a key."""
    return key.encode(*_CODEC)


def decode_key(raw: bytes) -> str:
    """The key of some bytes; :func:`encode_key` gives them back unchanged."""
    return raw.decode(*_CODEC)


def prefix_end(prefix: str) -> bytes:
    """The first key after all that start with ``prefix``. Raises StoreError.

    A prefix must end in ``/`` or ``:``, so that ``/jobs/1`` cannot mean ``/jobs/10`` as well.
    """
    if not prefix.endswith(("/", ":")):
        raise StoreError(f"{prefix!r} is no prefix", hint="end it in a slash or a colon")
    raw = encode_key(prefix)
    return raw[:-1] + bytes((raw[-1] + 1,))
