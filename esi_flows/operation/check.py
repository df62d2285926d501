"""Everything that is wrong with a configuration, all of it at once: ``--check-config``."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import loading

from esi_flows import settings
from esi_flows.catalog.loader import read_catalog
from esi_flows.lint.folder import lint_catalog
from esi_flows.model.errors import Finding, SettingsInvalid
from esi_flows.operation import configuration, reach
from esi_flows.operation.configuration import Written
from esi_flows.operation.reach import finding, warning

_NEAR = 0.6


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says besides the configuration."""

    files: Sequence[Path] = ()
    folders: Sequence[Path] = ()
    endpoints: Sequence[str] = ()
    catalog: Callable[[Any], Path] = settings.catalog_path


def check(given: Given) -> Iterator[Finding]:
    """All findings, errors and warnings. Reads only; takes as long as etcd and the cloud take."""
    files = list(configuration.files_of(given.files, given.folders))
    written, unreadable = configuration.read(files)
    yield from unreadable
    try:
        conf = settings.read(given.files, given.folders)
    except SettingsInvalid as error:
        if not unreadable:
            yield finding("configuration", error)
        return
    yield from _unknown(conf, written)
    out_of_range = list(_out_of_range(conf))
    yield from out_of_range
    for found in out_of_range:
        # what follows is checked with the default instead
        group, name = found.where.removeprefix("[").split("] ")
        conf.clear_override(name, group)
        conf.set_override(name, _default(group, name), group)
    yield from _contradictions(conf)
    yield from reach.check_etcd(conf, list(given.endpoints) or settings.etcd_endpoints(conf))
    yield from lint_catalog(read_catalog(given.catalog(conf)), partial=True)
    yield from reach.check_handlers(conf)
    yield from reach.check_operation(conf)


def _unknown(conf: Any, written: Iterable[Written]) -> Iterator[Finding]:
    """Lines that nobody reads, and those under names of old."""
    known = {group: _names(options) for group, options in _options(conf).items()}
    for line in written:
        where = f"{line.file}: [{line.section}] {line.name}"
        names = known.get(line.section)
        if names is None:
            yield warning(where, "no section has this name", _near(line.section, known))
        elif line.name not in names:
            yield warning(where, "no option has this name", _near(line.name, names))
        elif names[line.name] != line.name:
            yield warning(where, "this name is deprecated", f"write {names[line.name]}")


def _options(conf: Any) -> dict[str, list[Any]]:
    """All options, those of the plug-in that ``auth_type`` names among them."""
    options = {group: list(listed) for group, listed in settings.list_opts()}
    cloud = options[settings.CLOUD_GROUP]
    auth_type = conf[settings.CLOUD_GROUP].auth_type or "v3password"
    try:
        plugin: Any = loading.get_plugin_loader(auth_type)
    except auth_exceptions.NoMatchingPlugin:
        return options  # told where the credential is checked
    cloud += [option._to_oslo_opt() for option in plugin.get_options()]
    return options


def _names(options: Iterable[Any]) -> dict[str, str]:
    """Every name that an option may be written under, and the one it should be."""
    names: dict[str, str] = {}
    for option in options:
        for old in option.deprecated_opts:
            names.setdefault(old.name or option.name, option.dest)
        # with a dash or an underscore: oslo.config reads both
        names[option.name] = option.name
        names[option.dest] = option.dest
    return names


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=_NEAR)
    return f"did you mean {near[0]}?" if near else ""


def _out_of_range(conf: Any) -> Iterator[Finding]:
    for group, options in settings.GROUPS.items():
        for option in options:
            try:
                settings.value_of(conf, group, option.dest)
            except SettingsInvalid as error:
                where = f"[{group}] {option.dest}"
                yield finding(where, SettingsInvalid(error.message.partition(": ")[2]))


def _default(group: str, name: str) -> Any:
    return next(option.default for option in settings.GROUPS[group] if option.dest == name)


def _contradictions(conf: Any) -> Iterator[Finding]:
    if conf.heat.poll_min_seconds > conf.heat.poll_max_seconds:
        yield Finding("[heat] poll_min_seconds", "is more than poll_max_seconds")
    if conf.etcd.timeout_seconds >= conf.conductor.lease_seconds:
        yield warning(
            "[etcd] timeout_seconds",
            "one call that gets no answer may take as long as the lease lives",
            "less than lease_seconds of [conductor]",
        )
    if conf.operation.conductor_port == conf.operation.collector_port != 0:
        yield warning("[operation]", "conductor and collector cannot share a port on one host")
