"""``esi-flows events``: what happens, as it happens."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_OK

if TYPE_CHECKING:
    from esi_flows.deployments.events import Happening


class Events(Command):
    """Show transitions of groups and jobs, and what people want, as they come, until Ctrl-C."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """From when on, how, and for how long."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--follow", action="store_true", help="go on until Ctrl-C, which is what it does"
        )
        parser.add_argument(
            "--since-revision",
            metavar="N",
            type=_revision,
            help="begin after this revision of etcd, such as the last one that was shown",
        )
        parser.add_argument(
            "--limit", metavar="N", type=_revision, help="end after at least N events"
        )
        parser.add_argument(
            "-f", choices=("text", "json"), default="text", dest="format", help="output format"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Watch; what belongs to one revision is printed at once."""
        from esi_flows.deployments.events import Stream
        from esi_flows.model import keys
        from esi_flows.model.errors import Compacted

        stream, count = Stream(), 0
        with self.open() as services:
            store, since = services.store, parsed_args.since_revision
            if since is None:
                since = store.range(keys.CONDUCTORS).revision
            watch = store.watch(keys.OURS, start_revision=since + 1)
            try:
                for batch in watch:
                    found = [h for event in batch.events for h in stream.happened(event)]
                    if found:
                        lines = (_line(h, parsed_args.format) for h in found)
                        self.app.stdout.write("".join(lines))
                        self.app.stdout.flush()
                    count += len(found)
                    if parsed_args.limit is not None and count >= parsed_args.limit:
                        break
            except Compacted as error:
                raise Compacted(
                    f"what happened after revision {since} is not there any more",
                    revision=error.revision,
                    hint="without --since-revision it begins now; see history list too",
                ) from error
            finally:
                watch.cancel()
        return EXIT_OK


def _line(happening: Happening, form: str) -> str:
    from esi_flows.cli.lines import one_line
    from esi_flows.model import codec

    if form == "json":
        return f"{codec.dumps(happening.to_json()).decode()}\n"
    by = f"  by {happening.by}" if happening.by else ""
    text = f"  {one_line(happening.text)}" if happening.text else ""
    head = f"{happening.revision}  {happening.kind:<10}  {happening.name}"
    return f"{head}  {happening.state}{by}{text}\n"


def _revision(text: str) -> int:
    if (value := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return value
