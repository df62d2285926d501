"""Alerts and dashboard speak of metrics that there are, with labels that these have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from esi_flows.model.vitals import Vitals, Workload
from esi_flows.operation.metrics import Metrics

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"

_SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "gauge": ("",),
    "info": ("_info",),
}
_OF_THE_SCRAPE = {"instance", "job", "le"}
_NOT_OURS = {"up"}

_NAME = re.compile(r"(?<![\w\"$.])([a-z_]+)(?:\{([^}]*)\})?(?=[\[\s)]|$)")
_BY = re.compile(r"by \(([^)]*)\)")
_WORDS = {"and", "by", "or", "sum", "max", "min", "count", "absent", "rate", "increase", "vector"}


def served() -> Mapping[str, frozenset[str]]:
    """Every name that may be asked for, and its labels."""
    metrics = Metrics()
    vitals = Vitals(is_synced=True, lease_seconds=1.0, busy_seconds={"flows": 0.0})
    metrics.follow(lambda: vitals, Workload)
    labels = {
        wrapper._name: frozenset(wrapper._labelnames)
        for wrapper in vars(metrics).values()
        if isinstance(wrapper, MetricWrapperBase)
    }
    found = {}
    for family in metrics.registry.collect():
        known = labels.get(family.name, frozenset(k for s in family.samples for k in s.labels))
        for suffix in _SUFFIXES[family.type]:
            found[family.name + suffix] = known
    return found


def expressions() -> Iterator[Any]:
    for group in yaml.safe_load((CONF / "prometheus" / "alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield pytest.param(rule["expr"], id=rule["alert"])
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            yield pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")


def dashboard() -> Any:
    return json.loads((CONF / "grafana" / "esi-flows.json").read_text())


def names_in(expression: str) -> dict[str, set[str]]:
    """The metrics that an expression asks for, and the labels that it selects by."""
    found: dict[str, set[str]] = {}
    for name, selector in _NAME.findall(_BY.sub("", expression)):
        if name not in _WORDS:
            found.setdefault(name, set()).update(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
    return found


@pytest.mark.parametrize("expression", list(expressions()))
def test_it_asks_for_what_is_served(expression: str) -> None:
    known = served()
    grouped = {word.strip() for by in _BY.findall(expression) for word in by.split(",")}
    asked = names_in(expression)
    assert asked, expression
    for name, labels in asked.items():
        assert name in known or name in _NOT_OURS, name
        assert labels - _OF_THE_SCRAPE <= known.get(name, frozenset()), name
    everywhere = {label for name in asked for label in known.get(name, ())}
    assert grouped - _OF_THE_SCRAPE <= everywhere, expression


def test_names_and_labels_are_found_in_expressions() -> None:
    expression = 'sum by (a, le) (rate(esi_flows_x_bucket{b="c", d!~"e"}[5m])) > 0.5 * esi_flows_y'
    assert names_in(expression) == {"esi_flows_x_bucket": {"b", "d"}, "esi_flows_y": set()}


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    shown = {
        name
        for panel in dashboard()["panels"]
        for target in panel.get("targets", [])
        for name in names_in(target["expr"])
    }
    for name in served():
        base = re.sub("_(bucket|count|sum|total|info)$", "", name)
        if name.startswith("esi_flows_") and base not in ("esi_flows_build", "esi_flows_synced"):
            assert any(other.startswith(base) for other in shown), name


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (place["x"] + dx, place["y"] + dy)
            for dx in range(place["w"])
            for dy in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_every_alert_says_what_it_means() -> None:
    [group] = yaml.safe_load((CONF / "prometheus" / "alerts.yaml").read_text())["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(set(names)) == len(names) > 8
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))


def test_prometheus_is_told_the_ports_of_the_settings() -> None:
    from esi_flows.settings import GROUPS

    ports = {
        option.dest.removesuffix("_port"): option.default
        for option in GROUPS["operation"]
        if option.dest.endswith("_port")
    }
    for job in yaml.safe_load((CONF / "prometheus" / "scrape.yaml").read_text()):
        service = job["job_name"].removeprefix("esi-flows-")
        [static] = job["static_configs"]
        assert {int(target.rpartition(":")[2]) for target in static["targets"]} == {ports[service]}


@pytest.mark.parametrize("page", ["docs/reference/operation.md"])
def test_every_metric_is_documented(page: str) -> None:
    text = (ROOT / page).read_text()
    for name, labels in served().items():
        base = re.sub("_(bucket|count|sum)$", "", name)
        if not name.startswith("esi_flows_"):
            continue
        rows = [line for line in text.splitlines() if line.startswith(f"| `{base}` ")]
        assert rows, base
        for label in labels - {"le", "version"}:
            assert f"`{label}`" in rows[0], (base, label)
