"""Templates as gohan keeps them in etcd: ``/config/v2.0/heat_templates/<id>``."""

from __future__ import annotations

from esi_flows.catalog import formats
from esi_flows.catalog.schema_check import problems_with
from esi_flows.catalog.types import Template
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.intents import Intent
from esi_flows.model.secrets import Names


def read_template(key: str, raw: bytes) -> Template | None:
    """The template stored under ``key``; None where it is marked for deletion.

    Raises DocumentInvalid for what has not the recorded form. What its mappings and its text say is
    not looked at.
    """
    intent = Intent.decode(key, raw)
    if intent.marked_for_deletion:
        return None
    for problem in problems_with(formats.STORED_TEMPLATE, intent.body, Names()):
        named = "".join(f"{part}." for part in problem.place)[:-1]
        what = f"{named}: {problem.what}" if named else problem.what
        raise DocumentInvalid(key, f"is no template: {what}", hint=problem.hint)
    template = intent.body
    if template["id"] != key.rpartition("/")[2]:
        raise DocumentInvalid(key, f"is template {template['id']!r}, which its key does not say")
    return Template(
        id=template["id"],
        handler=template["handler"],
        parameter_mappings=template["parameter_mappings"],
        template_file=template["template_file"],
        watch=tuple(template.get("watch") or ()),
    )
