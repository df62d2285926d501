"""Getting gohan's schema list: from a file, or from gohan over HTTP."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from esi_flows.model import codec
from esi_flows.model.errors import InvalidInput

PATH = "/gohan/v0.1/schemas"
TIMEOUT_SECONDS = 30
MAX_BYTES = 32 * 1024 * 1024


def get_schemas(source: str, environment: Mapping[str, str] = os.environ) -> Any:
    """The JSON document of a URL or of a file. Raises InvalidInput.

    To a URL that does not name the list itself its path is added. The token in ``OS_TOKEN``, if
    there is one, is sent along, and never to where a redirection leads.
    """
    if not source.startswith(("http://", "https://")):
        return _parsed(source, _from_file(Path(source)))
    url = source if source.rstrip("/").endswith("/schemas") else source.rstrip("/") + PATH
    token = environment.get("OS_TOKEN", "")
    return _parsed(url, _from_url(url, {"X-Auth-Token": token} if token else {}))


def _from_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{path} is larger than {MAX_BYTES // 1024**2} MiB")
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.strerror}", hint="give a file, or an http(s) URL"
        ) from error


def _from_url(url: str, headers: Mapping[str, str]) -> bytes:
    try:
        with requests.get(
            url,
            headers={"Accept": "application/json", **headers},
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
            stream=True,
        ) as answer:
            if answer.status_code != requests.codes.ok:
                raise _refused(url, answer)
            content = bytearray()
            for chunk in answer.iter_content(64 * 1024):
                content += chunk
                if len(content) > MAX_BYTES:
                    raise InvalidInput(f"{url}: more than {MAX_BYTES // 1024**2} MiB")
    except requests.RequestException as error:
        raise InvalidInput(f"{url} cannot be read: {error}", hint="is gohan there?") from error
    return bytes(content)


def _refused(url: str, answer: requests.Response) -> InvalidInput:
    hint = {
        401: "put a token into OS_TOKEN: openstack token issue -f value -c id",
        403: "the token in OS_TOKEN may not see the schemas",
        404: "give the URL of gohan, or of its schema list",
    }.get(answer.status_code, "")
    location = answer.headers.get("Location", "")
    if answer.is_redirect:
        hint = f"it has moved to {location}"
    return InvalidInput(f"{url}: answered {answer.status_code} {answer.reason}", hint=hint)


def _parsed(source: str, content: bytes) -> Any:
    try:
        return codec.parse(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{source} is not JSON: {error}") from error
