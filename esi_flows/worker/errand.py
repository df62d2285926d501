"""What travels: an errand to a worker, and its answer. JSON both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from esi_flows.catalog.types import Template
from esi_flows.compiler import templates
from esi_flows.engine import outcomes
from esi_flows.handlers.base import Outcome, Run
from esi_flows.model import codec, keys
from esi_flows.model.errors import HandlerError
from esi_flows.model.jobs import Job
from esi_flows.store.base import Compare, created_at


@dataclass(frozen=True, slots=True)
class Errand:
    """A job to run under a conductor's claim. The template of the job travels with it, so that a
    worker never renders another one than the conductor has compiled for.
    """

    job: Job
    template: Template | None
    claim: Compare
    recovering: bool

    def to_json(self) -> dict[str, Any]:
        """As sent."""
        template = asdict(self.template) if self.template is not None else None
        return {
            "job": json.loads(self.job.encode()),
            "template": json.loads(codec.dumps(template)),
            "claim": [self.claim.key, self.claim.revision],
            "recovering": self.recovering,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Errand:
        """Parse what was received. Raises HandlerError."""
        try:
            found = document["template"]
            key, revision = document["claim"]
            if not str(key).startswith(keys.CLAIMS):
                raise ValueError("it names no claim")
            return cls(
                Job.decode("a worker's errand", codec.dumps(document["job"])),
                Template(**{**found, "watch": tuple(found["watch"])}) if found else None,
                created_at(key, int(revision)),
                bool(document["recovering"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise HandlerError(f"the errand cannot be read: {error!r}") from error


def errand_of(job: Job, run: Run, *, recovering: bool) -> Errand:
    """The errand for a job that runs under a claim. Raises HandlerError where there is none."""
    if run.tenure is None:
        raise HandlerError("a run without a claim cannot be given to a worker")
    template = templates.template_of(job, run.catalog)
    return Errand(job, template, run.tenure.claim, recovering)


@dataclass(frozen=True, slots=True)
class Answer:
    """How an errand ended: with an outcome, with an error, or not at all (``stopped``: why)."""

    outcome: Outcome | None = None
    error: str = ""
    stopped: str = ""

    def to_json(self) -> dict[str, Any]:
        """As sent."""
        outcome = outcomes.to_result(self.outcome) if self.outcome is not None else None
        return {"outcome": outcome, "error": self.error, "stopped": self.stopped}

    @classmethod
    def from_json(cls, document: Any) -> Answer:
        """Parse what was received; what is no answer is an error."""
        try:
            outcome = outcomes.from_result(document["outcome"])
            answer = cls(outcome, str(document["error"]), str(document["stopped"]))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return cls(error=f"the worker's answer cannot be read: {error!r}")
        if outcome is None and not answer.error and not answer.stopped:
            return cls(error="the worker's answer says nothing")
        return answer
