"""Which operations remove the jobs of a group: few enough for the one transaction of its end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable

from esi_flows.conductor.records import unfinished
from esi_flows.model import keys
from esi_flows.model.errors import InvalidInput
from esi_flows.model.jobs import group_of, is_job_id
from esi_flows.store.base import Delete, DeletePrefix, Op
from esi_flows.store.reflector import Reflector

MANY_JOBS = 100
"""Groups of more jobs than this are removed by what the ids of their jobs begin with."""

_VERSION_INSIDE = re.compile(r":\d+(?=:)")


def removed_jobs(group: str, job_ids: Collection[str]) -> list[Op]:
    """What removes the jobs of a group.

    Of many jobs those of one handler and action go together: their ids differ in the random end
    only. :func:`check_names` sees to it that this is nobody else's.
    """
    if len(job_ids) <= MANY_JOBS:
        return [Delete(keys.job(job_id)) for job_id in job_ids]
    alike = Counter(map(keys.jobs_like, job_ids))
    together = [prefix for prefix in alike if prefix.endswith(f":{group}:")]
    single = [job_id for job_id in job_ids if keys.jobs_like(job_id) not in together]
    return [*map(DeletePrefix, together), *(Delete(keys.job(job_id)) for job_id in single)]


def check_names(group: str, job_ids: Collection[str], cache: Reflector) -> None:
    """Raises InvalidInput where the end of one group would take jobs of another.

    That takes a group of many jobs, and a resource whose id begins with the id and the version
    that are in the other's name.
    """
    if len(job_ids) > MANY_JOBS:
        for prefix in set(map(keys.jobs_like, job_ids)):
            _check_owner(group, (item.key for item in cache.items(prefix)))
    for match in _VERSION_INSIDE.finditer(group):
        other = unfinished(cache, group[: match.end()])
        if other is not None and len(other[0].job_ids) > MANY_JOBS:
            raise _alike(group, other[0].name)


def _check_owner(group: str, found: Iterable[str]) -> None:
    for key in found:
        job_id = key.removeprefix(keys.JOBS)
        if is_job_id(job_id) and group_of(job_id) != group:
            raise _alike(group, group_of(job_id))


def _alike(group: str, other: str) -> InvalidInput:
    return InvalidInput(
        f"{group} and {other}, one of which has more than {MANY_JOBS} jobs, cannot be told apart",
        hint="let no id of a resource begin with another's id and a version; or wait for its end",
    )
