"""What the runs of a claimed group hang on."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from esi_flows.engine.commit import Commit, Committer
from esi_flows.model import keys
from esi_flows.model.errors import EsiFlowsError
from esi_flows.store.base import Compare, Put


@dataclass(frozen=True, slots=True)
class GroupTenure:
    """A claim, and how to take back an errand that another process runs under it.

    A revocation hangs on the conductor's ``lease``: with the lease goes the claim, and without the
    claim no errand takes a step anyway.
    """

    claim: Compare
    lease: int
    committer: Committer

    def revoke(self, errand: str) -> Future[None]:
        """Done when it is durable. Raises ClaimLost, StoreError."""
        answer: Future[None] = Future()

        def done(error: EsiFlowsError | None) -> None:
            if not answer.set_running_or_notify_cancel():
                return
            if error is None:
                answer.set_result(None)
            else:
                answer.set_exception(error)

        op = Put(keys.revoked(errand), b"{}", lease=self.lease)
        self.committer.submit([Commit(self.claim, (op,), done)])
        return answer
