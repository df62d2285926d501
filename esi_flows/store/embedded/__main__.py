"""``python -m esi_flows.store.embedded --fetch``: see that there is an etcd program, say where."""

from __future__ import annotations

import argparse
import sys

from esi_flows.model.errors import ServerError
from esi_flows.store.embedded.binary import etcd_version, obtain_etcd


def main() -> int:
    """Exit code 0 where an etcd program is there or could be fetched."""
    parser = argparse.ArgumentParser(prog="python -m esi_flows.store.embedded")
    parser.add_argument("--fetch", action="store_true", required=True, help="get etcd, say where")
    parser.add_argument(
        "--allow-unsafe",
        action="store_true",
        help="take a version that can lose writes, if there is no other",
    )
    options = parser.parse_args()
    try:
        program = obtain_etcd(allow_unsafe=options.allow_unsafe)
        print(f"{program} ({etcd_version(program)})")
    except ServerError as error:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
