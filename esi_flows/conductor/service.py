"""The conductor: one thread that decides, and bounded threads that run groups and steps."""

from __future__ import annotations

import logging
import math
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from esi_flows.catalog.types import Catalog
from esi_flows.compiler.queue import Queue
from esi_flows.conductor import names
from esi_flows.conductor.admission import Admission, Census
from esi_flows.conductor.cancelling import Cancelling
from esi_flows.conductor.claiming import Claiming, needs_of
from esi_flows.conductor.claims import Claims
from esi_flows.conductor.helm import Helm
from esi_flows.conductor.housekeeping import Housekeeper
from esi_flows.conductor.inbox import Inbox
from esi_flows.conductor.intake import WATCHED, Intake
from esi_flows.conductor.quarantining import Quarantining
from esi_flows.conductor.reader import Reader
from esi_flows.conductor.runner import Runner
from esi_flows.conductor.running import Running
from esi_flows.conductor.templates import CurrentCatalog
from esi_flows.conductor.turns import Limits, Turns
from esi_flows.engine.host import FlowHost
from esi_flows.engine.run import Policy
from esi_flows.handlers.base import Handler
from esi_flows.history.retention import Keep
from esi_flows.model import codec, keys
from esi_flows.model.errors import ClaimLost, StoreError, Suspended
from esi_flows.model.groups import GroupRecord
from esi_flows.model.vitals import Vitals, Workload
from esi_flows.store.base import KeyValue, Store
from esi_flows.store.claims import Claim, hold_role
from esi_flows.store.lease import KeptLease
from esi_flows.store.reflector import Reflector
from esi_flows.store.written import catch_up

LOG = logging.getLogger(__name__)

RETRY_SECONDS = 0.5

INTENTS_PER_ROUND = 50
"""How many intents are compiled before what may run by then is claimed."""


@dataclass(frozen=True, slots=True)
class ConductorSettings:
    """``lease_seconds``: life of the lease; the others bound what runs at once."""

    lease_seconds: int = 5
    running_groups: int = 2000
    worker_threads: int = 8
    limits: Limits = field(default_factory=Limits)
    priorities: Mapping[str, int] = field(default_factory=dict)
    """Of resource types; what has none has 0, and more goes first."""
    policy: Policy = field(default_factory=Policy)
    keep_courses: Keep = field(default_factory=Keep)
    housekeeping_seconds: float = 300.0
    interruptions: int = 10
    """How often a group may be broken off before it goes into quarantine (0: any number)."""


class Conductor:
    """Compiles (when it has the reader's role), admits, claims and runs, until it is stopped.

    Any number of conductors may work on one etcd. Killed at any point, what it was running is
    claimed by another when its lease has run out, and goes on from what is recorded.
    """

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        handlers: Mapping[str, Handler],
        settings: ConductorSettings | None = None,
    ) -> None:
        self._store = store
        self._handlers = handlers
        self._settings = settings or ConductorSettings()
        self.id = names.new_id()
        self._inbox = Inbox()
        self._cache = Reflector(store, WATCHED, self._inbox.add)
        self._queue = Queue()
        turns = Turns(
            lambda name: needs_of(self._cache, name, self._settings.priorities),
            limits=self._settings.limits,
            handlers=handlers,
        )
        self._admission = Admission(turns)
        self._census = Census()
        self._catalog = CurrentCatalog(catalog, self._cache)
        self._reader = Reader(
            store,
            self._cache,
            self._catalog,
            self._queue,
            suffix=names.suffix,
        )
        self._quarantining = Quarantining(
            store, self._cache, interruptions=self._settings.interruptions
        )
        self._intake = Intake(
            self._cache,
            self._queue,
            self._admission,
            self._catalog,
            on_claim=self._claim_seen,
            on_record=self._quarantining.look,
            on_steering=lambda name: self._helm.look(name),
        )
        self._reading: Claim | None = None
        self._running = Running(groups=self._settings.running_groups, on_end=self._run_ended)
        self._helm = Helm(
            store,
            self._cache,
            self._admission,
            self._running,
            quarantine=self._quarantining,
            catalog=lambda: self._catalog.now,
        )
        self._cancelling = Cancelling(
            store, self._cache, self._admission, catalog=lambda: self._catalog.now
        )
        self._claiming = Claiming(
            self._cache,
            self._admission,
            turns,
            self._running,
            helm=self._helm,
            quarantine=self._quarantining,
        )
        self._housekeeper = Housekeeper(
            store,
            self._cache,
            keep=self._settings.keep_courses,
            interval_seconds=self._settings.housekeeping_seconds,
            catalog=lambda: self._catalog.now,
            role=lambda: self._reading,
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._decide, name="conductor", daemon=True)

    def start(self) -> None:
        """Take a lease, register, and begin. Raises StoreError when etcd cannot be asked."""
        self._take_lease(self.id)
        self._cache.start()
        self._thread.start()
        self._housekeeper.start()

    def stop(self) -> None:
        """Claim nothing more, stop what runs at its next safe point, give all claims back."""
        self._stopping.set()
        self._inbox.wake()
        self._thread.join()
        self._housekeeper.stop()
        self._running.suspend(Suspended("the conductor is stopping"))
        self._running.wait_idle()
        self._host.stop()
        self._cache.stop()
        self._lease.stop()

    def vitals(self) -> Vitals:
        """How it is at the moment; from any thread, once it has been started."""
        busy = {"conductor": self._inbox.busy_seconds if self._thread.is_alive() else math.inf}
        lease = self._lease
        if not lease.lost.is_set():
            # between two leases there are no flows
            busy["flows"] = self._host.loop.busy_seconds
        return Vitals(
            is_synced=self._cache.wait_synced(0),
            lease_seconds=lease.seconds_left,
            busy_seconds=busy,
        )

    def workload(self) -> Workload:
        """What there is to do; from any thread."""
        census = self._census
        since = census.runnable_since
        return Workload(
            waiting=max(census.unfinished - census.runnable - census.claimed, 0),
            runnable=census.runnable,
            claimed=census.claimed,
            oldest_runnable_seconds=0.0 if since is None else time.monotonic() - since,
            running=len(self._running),
            changed_keys=len(self._inbox),
            reads=self._reading is not None,
            claims_lost=self._running.claims_lost,
        )

    def _take_lease(self, conductor_id: str) -> None:
        """Begin under a new lease and name. Raises StoreError; then nothing has begun."""
        lease = KeptLease(self._store, self._settings.lease_seconds, on_lost=self._inbox.wake)
        lease.start()
        note = codec.dumps({"host": socket.gethostname(), "pid": os.getpid(), "at": time.time()})
        host = FlowHost(
            self._store,
            conductor_id,
            lease=lease.id,
            threads=self._settings.worker_threads,
            may_run=lease.alive,
        )
        try:
            self._store.put(keys.conductor(conductor_id), note, lease=lease.id)
            host.start()
        except StoreError:
            lease.stop()
            raise
        self.id, self._host, self._lease = conductor_id, host, lease
        self._claims = Claims(self._store, conductor_id=conductor_id, lease=lease.id)
        LOG.info("conductor started", extra={"conductor": conductor_id})

    def _decide(self) -> None:
        """The deciding thread: look at what changed, then claim what may run."""
        while not self._cache.wait_synced(RETRY_SECONDS):
            if self._stopping.is_set():
                return
        todo = self._intake.everything()
        while not self._stopping.is_set():
            try:
                if self._lease.lost.is_set():
                    todo = self._start_over()
                has_more = self._digest(todo)
                self._cancelling.cancel_doomed()
                self._claiming.claim_runnable(
                    self._claims, self.id, run=self._run, may_claim=self._lease.alive
                )
                self._census = self._admission.census()
            except StoreError as error:
                LOG.warning("etcd does not answer, trying again", extra={"error": str(error)})
                self._stopping.wait(RETRY_SECONDS)
                todo = [*todo, *self._inbox.take(0)]
            except Exception:
                LOG.exception("conductor thread failed on some keys", extra={"keys": todo[:20]})
                self._stopping.wait(RETRY_SECONDS)
                todo = self._inbox.take()
            else:
                todo = self._inbox.take(0 if has_more else None)

    def _start_over(self) -> list[str]:
        """Our lease is gone: nothing that ran under it may go on; begin again with a new one."""
        LOG.warning("lease lost, starting over", extra={"conductor": self.id})
        self._reading = None
        self._running.suspend(ClaimLost("the lease under which this group is claimed has run out"))
        while not self._running.wait_idle(RETRY_SECONDS):
            if self._stopping.is_set():
                return []
        self._host.stop()
        self._take_lease(names.new_id())
        return self._intake.everything()

    def _digest(self, changed: Sequence[str]) -> bool:
        """Take in what has changed; whether there are more intents to compile."""
        configs: set[keys.ResourcePath] = set()
        for key in changed:
            try:
                configs |= self._intake.take_in(key)
            except StoreError:
                raise
            except Exception:
                LOG.exception("key not taken in, a defect", extra={"key": key})
        return self._read(configs)

    def _read(self, configs: set[keys.ResourcePath]) -> bool:
        """Compile these intents, or all of them when the reader's role has just become ours.

        A round of them only; whether there are more.
        """
        claim = hold_role(
            self._store, self._cache, keys.READER_ROLE, holder=self.id, lease=self._lease.id
        )
        if claim is not None and claim != self._reading:
            # the last reader may have posted what our watches have not brought yet
            catch_up(self._store, self._cache, WATCHED)
            for key in self._intake.everything():
                self._intake.take_in(key)
            self._reader.take_over(claim)
            configs = self._intake.all_resources()
            LOG.info("reader role taken", extra={"conductor": self.id})
        self._reading = claim
        if claim is not None:
            return self._reader.consider_all(configs, claim, most=INTENTS_PER_ROUND)
        return False

    def _claim_seen(self, found: KeyValue) -> None:
        """A claim that nobody uses, or nobody can hold, is given back."""
        self._claims.give_back(found, is_used=found.key.removeprefix(keys.CLAIMS) in self._running)

    def _run(self, record: GroupRecord, claim: Claim) -> None:
        self._running.start(
            Runner(
                record,
                claim,
                host=self._host,
                find_job=self._cache.get,
                catalog=self._catalog.now,
                handlers=self._handlers,
                policy=self._settings.policy,
            )
        )

    def _run_ended(self, runner: Runner) -> None:
        self._claiming.over(runner.record.name)
        self._inbox.add([] if runner.is_settled else [keys.claim(runner.record.name)])
