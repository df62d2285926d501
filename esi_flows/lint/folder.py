"""Lints a folder: a catalog, a deployment, or a catalog with the deployments beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from esi_flows.catalog.loader import RESOURCE_FILE, ReadCatalog, read_catalog
from esi_flows.catalog.yaml_files import Document, file_finding, path_text
from esi_flows.lint.check import CatalogCheck
from esi_flows.lint.deployment import lint_deployments
from esi_flows.lint.flaws import Flaw
from esi_flows.model.errors import Finding, Spot

DEPLOYMENTS = "deployments"


def lint(
    folder: Path, *, catalog: Callable[[], ReadCatalog], partial: bool = False
) -> list[Finding]:
    """Everything that is wrong in a folder, in the order of its files.

    ``catalog`` gives the one to use for a deployment that has none beside it. ``partial``: what is
    referred to and not in the folder may be in etcd. Raises what ``catalog`` raises.
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        return [file_finding(str(folder), what, "give the folder of a catalog or a deployment")]
    beside = folder / DEPLOYMENTS
    inside = beside.iterdir() if beside.is_dir() else ()
    deployments = sorted(path for path in inside if path.is_dir())
    if is_catalog(folder):
        read = read_catalog(folder)
        found = [
            *lint_catalog(read, partial=partial),
            *lint_deployments(deployments, read, partial=partial),
        ]
    else:
        read = catalog()
        found = [*read.findings, *lint_deployments(deployments or [folder], read, partial=partial)]
    return sorted(dict.fromkeys(found), key=_by_place)


def is_catalog(folder: Path) -> bool:
    """Whether a folder holds a catalog, or is the resources folder of one."""
    return (folder / "resources").is_dir() or any(folder.glob(f"*/{RESOURCE_FILE}"))


def lint_catalog(read: ReadCatalog, *, partial: bool = False) -> list[Finding]:
    """Everything wrong with a catalog that was read from files."""
    check = CatalogCheck(
        read.catalog,
        unread_types=read.unread_types,
        unread_templates=read.unread_templates,
        heads={name: document.text for name, document in read.templates.items()},
        partial=partial,
    )
    findings = list(read.findings)
    for name, known in read.catalog.types.items():
        findings += _placed(check.of_type(known), read.types[name])
    for name, template in read.catalog.templates.items():
        findings += _placed(check.of_template(template), read.templates[name], read.texts[name])
    return findings


def _placed(flaws: Iterable[Flaw], document: Document, text: Path | None = None) -> list[Finding]:
    """Flaws as findings, in the document or in the file of its template's text."""
    found = []
    for flaw in flaws:
        if flaw.line is None or text is None:
            what = f"{path_text(flaw.place)}: {flaw.what}" if flaw.place else flaw.what
            found.append(
                document.finding(
                    flaw.place,
                    what,
                    flaw.hint,
                    severity=flaw.severity,
                    value=flaw.value,
                    allowed=flaw.allowed,
                )
            )
            continue
        spot = Spot(str(text), flaw.line)
        where = f"{text}:{flaw.line}" if flaw.line else str(text)
        found.append(
            Finding(where, flaw.what, flaw.hint, flaw.severity, spot, flaw.value, flaw.allowed)
        )
    return found


def _by_place(finding: Finding) -> tuple[str, int, int, str]:
    spot = finding.spot or Spot(finding.where)
    return spot.file, spot.line, spot.column, finding.what
