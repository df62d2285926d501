"""Who may look, and who may act: tokens, sessions, and proof that a form is ours."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from esi_flows.model.errors import InvalidInput, SettingsInvalid

SESSION_SECONDS = 12 * 3600.0
SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Tokens:
    """Secrets by the name of who has them; empty: nobody is asked."""

    by_name: Mapping[str, str]

    def owner(self, token: str) -> str | None:
        """Whose token this is. Takes as long for a wrong one as for a right one."""
        owners = [
            name
            for name, known in self.by_name.items()
            if hmac.compare_digest(known.encode(), token.encode())
        ]
        return owners[0] if owners else None


def read_tokens(path: Path) -> Tokens:
    """Tokens from a file: a line ``NAME:TOKEN`` for each person. Raises SettingsInvalid."""
    hint = "write lines NAME:TOKEN; python3 -c 'import secrets; print(secrets.token_urlsafe())'"
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"the token file {path} cannot be read: {error}") from error
    found = {}
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        name, colon, token = line.partition(":")
        if not colon or not name or len(token) < SHORTEST_TOKEN:
            raise SettingsInvalid(
                f"{path}:{number}: is no NAME:TOKEN with {SHORTEST_TOKEN} characters or more",
                hint=hint,
            )
        found[name] = token
    if not found:
        raise SettingsInvalid(f"the token file {path} has no token", hint=hint)
    return Tokens(found)


def require_loopback(address: str) -> None:
    """Raises InvalidInput where others than this host can reach the address."""
    try:
        is_safe = address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        is_safe = False
    if not is_safe:
        raise InvalidInput(
            f"{address} can be reached from elsewhere, and nobody would be asked who they are",
            hint="give --token-file FILE, or listen on 127.0.0.1",
        )


class Sessions:
    """Signs cookies and forms. With tokens its key is made of them: sessions outlive a restart,
    and end when the tokens change.
    """

    def __init__(self, tokens: Tokens) -> None:
        parts = [f"{name}:{token}" for name, token in sorted(tokens.by_name.items())]
        seed = "\n".join(parts).encode() if parts else secrets.token_bytes(32)
        self._key = hashlib.sha256(b"esi-flows web\n" + seed).digest()

    def begin(self, name: str) -> str:
        """A cookie for somebody whose token was right."""
        until = str(int(time.time() + SESSION_SECONDS))
        return f"{name}|{until}|{self._sign(f'session|{name}|{until}')}"

    def owner(self, cookie: str) -> str | None:
        """Whose session a cookie is, None where it is over or not ours."""
        name, _, rest = cookie.partition("|")
        until, _, signature = rest.partition("|")
        if not hmac.compare_digest(
            self._sign(f"session|{name}|{until}").encode(), signature.encode()
        ):
            return None
        return name if int(until) > time.time() else None

    def form_proof(self, visit: str) -> str:
        """What a form must bring that we have given to this visitor."""
        return self._sign(f"form|{visit}")

    def is_ours(self, visit: str, proof: str) -> bool:
        """Whether a form is one that we have given to this visitor."""
        return bool(visit) and hmac.compare_digest(self.form_proof(visit).encode(), proof.encode())

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
