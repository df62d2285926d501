"""Claims: a key under a lease that says who may do something, and the token that proves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from esi_flows.model import codec, keys
from esi_flows.model.errors import Indeterminate
from esi_flows.store.base import Compare, Op, Put, Store, absent, created_at


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

    None: somebody else was faster, or a compare did not hold. Raises StoreError. ``lease`` must
    belong to this holder alone: by it a claim whose answer was lost is told from another's.
    """
    key = keys.claim(name)
    claim = Put(key, codec.dumps({"holder": holder}), lease=lease)
    try:
        answer = store.txn([absent(key), *compares], [claim, *ops])
    except Indeterminate:
        found = store.get(key)
        mine = found is not None and found.lease == lease
        return Claim(name, found.create_revision) if found is not None and mine else None
    return Claim(name, answer.revision) if answer.succeeded else None
