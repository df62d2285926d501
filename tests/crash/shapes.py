"""Job groups of any shape, posted directly: a crash does not care where a group came from."""

from __future__ import annotations

import string
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from esi_flows.catalog.types import Catalog, ResourceType
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord
from esi_flows.model.jobs import Action, Job, OnFailure, ResourceRef, group_name
from esi_flows.store.base import Put, Store

HANDLER = "outside"

Shape = Mapping[str, str]
"""For each job, by its letter, those it waits for."""

LINEAR: Shape = {"a": "", "b": "a", "c": "b"}
DIAMOND: Shape = {"a": "", "b": "a", "c": "a", "d": "bc"}
FAN_OUT: Shape = {"a": "", "b": "a", "c": "a", "d": "a"}
SHAPES: Mapping[str, Shape] = {"linear": LINEAR, "diamond": DIAMOND, "fan": FAN_OUT}


def catalog() -> Catalog:
    """One type of resource, for which no intent is ever compiled."""
    return Catalog([ResourceType(type="network", prefix="/v2.0", plural="networks")], [])


@dataclass(frozen=True, slots=True)
class Group:
    """A group to be posted, and what the outside world does to its jobs, by their letters."""

    shape: Shape
    resource: str = "n1"
    version: int = 1
    fails: str = ""
    ignored: str = ""
    """Jobs whose failure is ignored."""
    stays: str = ""
    """Jobs that cannot be reverted."""
    waits_for: tuple[Group, ...] = ()

    @property
    def name(self) -> str:
        """The group's name."""
        return group_name(ResourceRef("network", self.resource), self.version)

    @property
    def path(self) -> keys.ResourcePath:
        """Its resource."""
        return keys.ResourcePath("v2.0/networks", self.resource)

    def job_id(self, letter: str) -> str:
        """The id of a job."""
        return f"create:{HANDLER}:{self.name}:{letter * 5}"

    def jobs(self) -> list[Job]:
        """The jobs, in order."""
        letters = list(self.shape)
        return [
            Job(
                id=self.job_id(letter),
                job_name=self.name,
                action=Action.CREATE,
                handler=HANDLER,
                resource_type="network",
                resource_id=self.resource,
                version=self.version,
                resource_input={"id": self.resource},
                params=(),
                is_first=letter == letters[0],
                is_last=letter == letters[-1],
                on_failure=OnFailure.IGNORE if letter in self.ignored else OnFailure.FAIL,
                dependency=tuple(self.job_id(before) for before in self.shape[letter]),
            )
            for letter in letters
        ]

    def record(self) -> GroupRecord:
        """Its record, as a reader posts it."""
        return GroupRecord(
            name=self.name,
            action=Action.CREATE,
            resource=ResourceRef("network", self.resource),
            version=self.version,
            job_ids=tuple(self.job_id(letter) for letter in self.shape),
            waits_for=tuple(
                group.job_id(letter) for group in self.waits_for for letter in group.shape
            ),
            posted_at=time.time(),
        )


def letter_of(job_id: str) -> str:
    """The letter of a job of ours."""
    letter = job_id[-1]
    assert letter in string.ascii_lowercase
    return letter


def post(store: Store, groups: Sequence[Group]) -> None:
    """Post groups, each with its jobs in one transaction."""
    for group in groups:
        jobs = [Put(keys.job(job.id), job.encode()) for job in group.jobs()]
        store.txn([], [*jobs, Put(keys.group(group.name), group.record().encode())])


CASES: Mapping[str, Group] = {
    **{f"{name}-success": Group(shape) for name, shape in SHAPES.items()},
    **{
        f"{name}-{letter}-fails": Group(shape, fails=letter)
        for name, shape in SHAPES.items()
        for letter in shape
    },
    **{f"{name}-b-ignored": Group(shape, fails="b", ignored="b") for name, shape in SHAPES.items()},
    "linear-a-stays": Group(LINEAR, fails="c", stays="a"),
}
"""Every course that a group can take, on every shape."""
