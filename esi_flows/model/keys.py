"""Every etcd key of the product: built and parsed here and nowhere else.

Keys that the original system's neighbours read and write (gohan above all) keep their recorded
form; everything of our own lives under ``/esi-flows/``. Every prefix ends in ``/``, or in the colon
that parts a job's id, so that no identifier can be the prefix of another.
"""

from __future__ import annotations

from typing import NamedTuple

CONFIG = "/config/"
MEMO = "/esi-worker/config/"
HEAT_STACKS = "/esi-worker/heat_stacks/"
JOB_STATE = "/esi-worker/job_state/"
JOBS = "/jobs/all/"
STATE = "/state/"
MONITORING = "/monitoring/"

OURS = "/esi-flows/"
GROUPS = OURS + "groups/"
CLAIMS = OURS + "claims/"
CONDUCTORS = OURS + "conductors/"
PERSISTENCE = OURS + "persistence/"
QUARANTINE = OURS + "quarantine/"
STACKS = OURS + "stacks/"
TARGETS = OURS + "targets/"
REPORTED = OURS + "reported/"
MARKERS = OURS + "markers/"
HISTORY = OURS + "history/"
PINS = OURS + "pins/"
STEERING = OURS + "steering/"
BEFORE = OURS + "before/"
REVOKED = OURS + "revoked/"

HEAT_TEMPLATE_COLLECTION = "v2.0/heat_templates"

READER_ROLE = "reader"
COLLECTOR_ROLE = "collector"

WHOLE_SERVICE = "service"
"""What is steered without being a group; no group is called so, for their names have colons."""


class ResourcePath(NamedTuple):
    """Where a resource lives below each root: gohan's URL of its collection, and its id."""

    collection: str
    """URL path of the collection without leading slash, e.g. ``v2.0/ports``."""
    id: str

    def __str__(self) -> str:
        return f"{self.collection}/{self.id}"


def parse_resource(key: str, root: str) -> ResourcePath | None:
    """The resource that ``key`` below ``root`` is about, or None if it has no such form.

    >>> parse_resource("/state/v2.0/ports/7abe", STATE)
    ResourcePath(collection='v2.0/ports', id='7abe')
    """
    if not key.startswith(root):
        return None
    collection, _, identifier = key[len(root) :].rpartition("/")
    return ResourcePath(collection, identifier) if collection and identifier else None


def config(path: ResourcePath) -> str:
    """The intent: what is wanted."""
    return f"{CONFIG}{path}"


def memo(path: ResourcePath) -> str:
    """The last configuration that was accepted and compiled."""
    return f"{MEMO}{path}"


def heat_stack(path: ResourcePath) -> str:
    """The last recorded stack of the resource, with its outputs."""
    return f"{HEAT_STACKS}{path}"


def job_state(path: ResourcePath) -> str:
    """What the jobs of the running group have brought so far."""
    return f"{JOB_STATE}{path}"


def state(path: ResourcePath) -> str:
    """The result for gohan: one document per finished group."""
    return f"{STATE}{path}"


def monitoring(path: ResourcePath) -> str:
    """The live status of the resource."""
    return f"{MONITORING}{path}"


def job(job_id: str) -> str:
    """One unfinished job."""
    return f"{JOBS}{job_id}"


def jobs_like(job_id: str) -> str:
    """Prefix of the jobs that differ from this one in nothing but the random end of their ids."""
    return f"{JOBS}{job_id.rpartition(':')[0]}:"


def group(name: str) -> str:
    """Our record of one job group; it stays after the group has ended."""
    return f"{GROUPS}{name}"


def courses(group_name: str) -> str:
    """Prefix of the courses of all groups that have had this name."""
    return f"{HISTORY}{group_name}/"


def course(group_name: str, ended_at: float) -> str:
    """How a group went that ended then (seconds since the epoch)."""
    return f"{courses(group_name)}{round(ended_at * 1000):013d}"


def parse_course(key: str) -> tuple[str, float] | None:
    """The name of the group and the time of its end, or None if ``key`` has no such form."""
    if not key.startswith(HISTORY):
        return None
    name, _, ended = key.removeprefix(HISTORY).rpartition("/")
    return (name, int(ended) / 1000) if name and ended.isdecimal() else None


def pin(course_key: str) -> str:
    """Says that the course under ``course_key`` is kept however old it is."""
    return f"{PINS}{course_key.removeprefix(HISTORY)}"


def steering(group_name: str) -> str:
    """What people want of a group that has not ended, or of the :data:`WHOLE_SERVICE`."""
    return f"{STEERING}{group_name}"


def before(path: ResourcePath) -> str:
    """What was accepted of the resource before what :func:`memo` has: what a retry goes back to."""
    return f"{BEFORE}{path}"


def claim(name: str) -> str:
    """Who runs a group, or holds a role; under the holder's lease."""
    return f"{CLAIMS}{name}"


def conductor(conductor_id: str) -> str:
    """A live conductor; under its lease."""
    return f"{CONDUCTORS}{conductor_id}"


def revoked(errand: str) -> str:
    """Says that a worker's errand may take no further step; under the conductor's lease."""
    return f"{REVOKED}{errand}"


def marker(committer: str) -> str:
    """Where a committer leaves the number of its last transaction."""
    return f"{MARKERS}{committer}"


def quarantine(key: str) -> str:
    """Why the document under ``key`` cannot be used."""
    return f"{QUARANTINE.removesuffix('/')}{key}"


def quarantined(key: str) -> str:
    """The key of the document that a quarantine key speaks of."""
    return key[len(QUARANTINE) - 1 :]


def stack_record(path: ResourcePath) -> str:
    """What was last sent to Heat for the resource: what a revert goes back to."""
    return f"{STACKS}{path}"


def targets(path: ResourcePath) -> str:
    """Prefix of the monitoring targets of one resource."""
    return f"{TARGETS}{path}/"


def target(path: ResourcePath, name: str) -> str:
    """One monitoring target."""
    return f"{targets(path)}{name}"


def reported(path: ResourcePath) -> str:
    """Says that the document under :func:`monitoring` is a collector's of ours to remove."""
    return f"{REPORTED}{path}"


def parse_target(key: str) -> tuple[ResourcePath, str] | None:
    """The resource and the name of a monitoring target, or None if ``key`` has no such form."""
    resource, _, name = key.rpartition("/")
    path = parse_resource(resource, TARGETS)
    return (path, name) if path is not None and name else None
