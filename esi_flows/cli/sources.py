"""What ``run`` and ``apply`` work on: a folder of intents, or a plan saved from one."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esi_flows.catalog.types import Catalog
    from esi_flows.deployments.apply import Applier
    from esi_flows.deployments.types import Deployment
    from esi_flows.planning.saved import SavedPlan
    from esi_flows.store.base import Store


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """``DIR`` or ``--plan FILE``, one of them."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("folder", metavar="DIR", nargs="?", type=Path, help="folder of intents")
    group.add_argument(
        "--plan",
        metavar="FILE",
        type=Path,
        help="exactly what this plan says, unless something it rests on has changed",
    )


def source_words(parsed_args: argparse.Namespace) -> list[str]:
    """The same source, to be typed again."""
    if parsed_args.plan is not None:
        return ["--plan", shlex.quote(str(parsed_args.plan))]
    return [shlex.quote(str(parsed_args.folder))]


@dataclass(frozen=True, slots=True)
class Source:
    """A deployment, and the plan it comes from where it is from one."""

    deployment: Deployment
    plan: SavedPlan | None = None

    def applier(self, store: Store, catalog: Catalog) -> Applier:
        """What applies it, once everything is checked. Raises InvalidInput; nothing is written.

        A saved plan is checked again before each step is written.
        """
        from esi_flows.deployments.apply import Applier

        plan = self.plan
        if plan is None:
            applier = Applier(store, catalog, self.deployment)
        else:
            plan.check(store, catalog)
            applier = Applier(
                store,
                catalog,
                self.deployment,
                before_writing=lambda: plan.check(store, catalog),
            )
        applier.check()
        return applier


def read_source(parsed_args: argparse.Namespace, catalog: Catalog) -> Source:
    """Read the folder or the plan. Raises InvalidInput."""
    from esi_flows.deployments.loader import load_deployment
    from esi_flows.planning import saved

    if parsed_args.plan is not None:
        plan = saved.load(parsed_args.plan)
        return Source(plan.deployment, plan)
    return Source(load_deployment(parsed_args.folder, catalog))
