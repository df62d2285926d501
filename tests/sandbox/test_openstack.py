"""The ``openstack`` command line against the cloud, with nothing but its environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from esi_flows.sandbox.cloud import Cloud

TEMPLATE = """
heat_template_version: 2013-05-23
parameters: {name: {type: string}}
resources:
  net: {type: OS::Contrail::VirtualNetwork, properties: {name: {get_param: name}}}
outputs:
  name: {value: {get_attr: [net, name]}}
"""


def _openstack(cloud: Cloud, *arguments: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    program = Path(sys.executable).with_name("openstack")
    done = subprocess.run(
        [str(program), *arguments],
        env={**kept, **cloud.environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_stack_is_created_shown_and_deleted(cloud: Cloud, clock: Any, tmp_path: Path) -> None:
    template = tmp_path / "net.yaml"
    template.write_text(TEMPLATE)
    options = ["-t", str(template), "--parameter", "name=blue", "-f", "json", "cli-made"]
    made = json.loads(_openstack(cloud, "stack", "create", *options))
    assert made["stack_status"] == "CREATE_IN_PROGRESS"
    clock.advance(600)
    shown = json.loads(_openstack(cloud, "stack", "show", "-f", "json", "cli-made"))
    assert shown["stack_status"] == "CREATE_COMPLETE"
    assert shown["outputs"][0]["output_value"] == "blue"
    _openstack(cloud, "stack", "delete", "--yes", "cli-made")
    clock.advance(600)
    listed = json.loads(_openstack(cloud, "stack", "list", "-f", "json"))
    assert "cli-made" not in [stack["Stack Name"] for stack in listed]
