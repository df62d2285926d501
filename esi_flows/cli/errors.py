"""How errors are told, and which exit code they are."""

from __future__ import annotations

import argparse
import sys
import traceback
from typing import NoReturn, TextIO

from esi_flows.model.errors import (
    DocumentInvalid,
    EsiFlowsError,
    Indeterminate,
    InvalidInput,
    StoreUnavailable,
)

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_JOB_FAILED = 2
EXIT_DRIFT = 3
EXIT_STORE = 4


def report(error: EsiFlowsError, stream: TextIO, *, debug: bool = False) -> int:
    """Print what is wrong, every finding, and what to do next; the exit code."""
    if debug:
        traceback.print_exception(error, file=stream)
    stream.write(f"error: {error.message}\n")
    # a DocumentInvalid has said its only finding already
    if isinstance(error, InvalidInput) and not isinstance(error, DocumentInvalid):
        for finding in error.findings:
            stream.write(f"  {finding}\n")
    if error.hint:
        stream.write(f"next: {error.hint}\n")
    stream.flush()
    return EXIT_STORE if isinstance(error, StoreUnavailable | Indeterminate) else EXIT_ERROR


def tell_usage_errors(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Make a parser tell what is wrong in the form of all errors; the same parser."""

    def refuse(message: str) -> NoReturn:
        sys.stderr.write(f"error: {message}\nnext: {parser.prog} --help\n")
        raise SystemExit(EXIT_ERROR)

    # cliff makes the parsers, and gives no place for a class of ours
    parser.error = refuse  # type: ignore[method-assign]
    return parser
