"""The options of every command: which store, which catalog, which configuration."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Add them to the application's parser, which accepts them anywhere on the line."""
    group = parser.add_argument_group("store and catalog")
    group.add_argument(
        "--config-file",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="configuration file (may be given more than once)",
    )
    group.add_argument(
        "--config-dir",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="folder whose *.conf files are read after that (may be given more than once)",
    )
    group.add_argument(
        "--etcd",
        metavar="URL",
        action="append",
        default=[],
        help="etcd endpoint such as http://127.0.0.1:2379; repeat it, or separate with commas",
    )
    group.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="folder of a sandbox: use the etcd in it, started for this command if need be",
    )
    group.add_argument(
        "--flows", metavar="DIR", type=Path, help="folder with resource types and templates"
    )


def add_speed_option(parser: argparse.ArgumentParser) -> None:
    """How fast a sandbox's cloud is."""
    parser.add_argument(
        "--speed",
        metavar="N",
        type=_speed,
        default=1.0,
        help="how many times faster than recorded the simulated cloud works (1)",
    )


def _speed(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def endpoints(given: list[str]) -> Iterator[str]:
    """The endpoints named with ``--etcd``."""
    for text in given:
        yield from (part.strip() for part in text.split(",") if part.strip())


def repeat_options(given: argparse.Namespace) -> list[str]:
    """The options that make another command work on the same store and catalog."""
    words: list[str] = []
    for url in given.etcd:
        words += ["--etcd", url]
    for name, value in (("--data", given.data), ("--flows", given.flows)):
        if value is not None:
            words += [name, str(value)]
    for name, paths in (("--config-file", given.config_file), ("--config-dir", given.config_dir)):
        for path in paths:
            words += [name, str(path)]
    return [shlex.quote(word) for word in words]
