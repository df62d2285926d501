"""Builds a deployment on a cloud, change by change, the way a conductor does."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from keystoneauth1 import session

from esi_flows.catalog.types import HEAT_WORKER, Catalog, Template
from esi_flows.compiler import parameters, templates
from esi_flows.compiler.changes import compile_change
from esi_flows.compiler.groups import JobGroup
from esi_flows.compiler.monitoring import MonitoringRequest
from esi_flows.compiler.queue import Queue
from esi_flows.compiler.templates import HeatRequest
from esi_flows.deployments.types import Deployment, Wanted
from esi_flows.handlers.heat.auth import load_auth
from esi_flows.handlers.heat.client import Clouds, Stack, StackRequest
from esi_flows.handlers.heat.handler import stack_name
from esi_flows.handlers.heat.poller import StackPoller
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import Job, ResourceRef
from esi_flows.sandbox.cloud import Cloud

STACK_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Built:
    """What one job became: a stack with its outputs, or things to watch."""

    job: Job
    template: Template
    values: Mapping[str, Any]
    request: HeatRequest | None = None
    stack: Stack | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    monitoring: MonitoringRequest | None = None

    @property
    def name(self) -> str:
        """``create port_monitoring``."""
        return f"{self.job.action} {self.template.id}"


class Builder:
    """Keeps what is wanted, accepted and built; nothing is ever queued."""

    def __init__(self, catalog: Catalog, cloud: Cloud) -> None:
        self.catalog = catalog
        self.groups: dict[str, JobGroup] = {}
        self._wanted: dict[ResourceRef, Intent] = {}
        self._memos: dict[ResourceRef, Memo] = {}
        self._outputs: dict[ResourceRef, dict[str, Any]] = {}
        environment = cloud.environment()
        credential = {
            name.removeprefix("OS_").lower(): value
            for name, value in environment.items()
            if name.startswith("OS_")
        }
        self.clouds = Clouds(
            lambda project: session.Session(
                auth=load_auth({"auth_type": "password", **credential}, project)
            ),
            region_name=environment["OS_REGION_NAME"],
        )
        self._poller = StackPoller(self.clouds, min_seconds=0.02, max_seconds=0.1)
        self._poller.start()
        self._suffixes = itertools.count(10000)

    def close(self) -> None:
        """Stop polling."""
        self._poller.stop()

    def intent(self, resource: ResourceRef) -> Intent | None:
        """What is wanted of a resource, as the compiler asks."""
        return self._wanted.get(resource)

    def build(self, deployment: Deployment) -> Iterator[Built]:
        """Every job of a deployment, in order."""
        for wanted in deployment.intents():
            yield from self._change(wanted)

    def _change(self, wanted: Wanted) -> Iterator[Built]:
        known = self._wanted.get(wanted.resource)
        if known is not None and known.body == wanted.body:
            return
        intent = Intent(wanted.body, known.version + 1 if known is not None else 1)
        self._wanted[wanted.resource] = intent
        memo = self._memos.get(wanted.resource)
        self._memos[wanted.resource] = Memo.of(intent)
        compiled = compile_change(
            wanted.resource,
            intent,
            memo=memo,
            documents=self,
            catalog=self.catalog,
            queue=Queue(),
            suffix=lambda: str(next(self._suffixes)),
        )
        if isinstance(compiled, JobGroup):
            self.groups[compiled.name] = compiled
            for job in compiled.jobs:
                yield self._run(job, (memo or Memo.of(intent)) if "delete" in job.id else intent)

    def _run(self, job: Job, configuration: Intent | Memo) -> Built:
        template = templates.template_for(
            job.resource_type, configuration.body, job.handler, self.catalog, documents=self
        )
        assert template is not None, job.id
        values = parameters.resolve(job.params, self._outputs.get)
        if job.handler != HEAT_WORKER:
            return Built(
                job, template, values, monitoring=templates.render_monitoring(template, values)
            )
        request = templates.render_heat(template, values)
        stack, outputs = self._stack(job, request)
        self._outputs[job.resource] = outputs
        return Built(job, template, values, request=request, stack=stack, outputs=outputs)

    def _stack(self, job: Job, request: HeatRequest) -> tuple[Stack, dict[str, Any]]:
        project = str(job.resource_input["tenant_id"])
        heat, name = self.clouds.project(project), stack_name(job.resource)
        wanted = StackRequest(request.template, request.parameters, request.timeout_minutes)
        before = heat.find(name)
        if before is None:
            heat.create(name, wanted)
        else:
            heat.update(before, wanted)
        deadline = time.monotonic() + STACK_SECONDS
        done = self._poller.settled(project, name, deadline=deadline, before=before).result()
        assert done is not None, name
        stack, outputs = heat.outputs(done)
        assert stack.complete, f"{name}: {stack.reason} {heat.failures(stack)}"
        return stack, {output["output_key"]: output.get("output_value") for output in outputs}
