"""Claims: a key under a lease that says who may do something, and the token that proves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from esi_flows.model import codec, keys
from esi_flows.model.errors import Indeterminate
from esi_flows.store.base import Compare, KeyValue, Op, Put, Store, absent, created_at
from esi_flows.store.reflector import Reflector


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim we hold. ``token`` is its key's create revision: the fencing token."""

    name: str
    token: int

    @property
    def key(self) -> str:
        """Where the claim is."""
        return keys.claim(self.name)

    @property
    def fence(self) -> Compare:
        """The compare that refuses a write once the claim is no longer this one."""
        return created_at(self.key, self.token)


def take_claim(
    store: Store,
    name: str,
    *,
    holder: str,
    lease: int,
    compares: Sequence[Compare] = (),
    ops: Sequence[Op] = (),
) -> Claim | None:
    """Claim ``name`` if nobody holds it and ``compares`` hold, and do ``ops`` with it, as one.

    None: somebody else was faster, or a compare did not hold. Raises StoreError; after it the claim
    may still come to be ours, as whoever watches claims sees by its lease. ``lease`` must belong to
    this holder alone: by it a claim whose answer was lost is told from another's.
    """
    key = keys.claim(name)
    claim = Put(key, codec.dumps({"holder": holder}), lease=lease)
    try:
        answer = store.txn([absent(key), *compares], [claim, *ops])
    except Indeterminate:
        found = store.get(key)
        if found is None:
            raise  # it may have been lost, or be on its way
        return Claim(name, found.create_revision) if found.lease == lease else None
    return Claim(name, answer.revision) if answer.succeeded else None


def hold_role(
    store: Store, cache: Reflector, role: str, *, holder: str, lease: int
) -> Claim | None:
    """Our claim of a role, taken now if nobody holds it; None if another does. Raises StoreError.

    Who holds it is read off ``cache``, which must follow the claims, so that a role that was lost
    is noticed and one that was taken without our knowledge is made use of.
    """
    key = keys.claim(role)
    found = cache.get(key)
    if found is not None:
        return Claim(role, found.create_revision) if found.lease == lease else None
    claim = take_claim(store, role, holder=holder, lease=lease)
    if claim is not None:
        # shown to the cache at once: older news of the key must not count against us
        taken = KeyValue(key, b"", claim.token, claim.token, lease)
        cache.observe([taken], [], claim.token)
    return claim
