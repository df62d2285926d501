"""Who may do what: the one user, the projects, application credentials and tokens.

Projects come into being when they are first named by id; the admin has every role in all of
them. Tokens are signed with a key kept in the folder, so that they outlive a restart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esi_flows.model.errors import ServerError
from esi_flows.sandbox.errors import CloudError, NotFound, Unauthorized

USER_NAME = "admin"
USER_ID = hashlib.md5(b"user admin", usedforsecurity=False).hexdigest()
PROJECT_NAME = "admin"
PROJECT_ID = hashlib.md5(b"project admin", usedforsecurity=False).hexdigest()
DOMAIN = {"id": "default", "name": "Default"}
ROLES = [
    {"id": hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(), "name": name}
    for name in ("admin", "member", "reader")
]

_REFUSED = "The request you have made requires authentication."
_PROJECT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Project:
    """A project."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Token:
    """A token's contents. Times are seconds since the epoch; no project: unscoped."""

    project_id: str
    issued_at: float
    expires_at: float
    methods: tuple[str, ...]
    audit_id: str


class Identity:
    """The identity service's data. Raises ServerError where its file cannot be used."""

    def __init__(
        self,
        path: Path,
        *,
        password: str,
        token_seconds: float = 3600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token_seconds = token_seconds
        self._password = password
        self._clock = clock
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.executescript(
                "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT);"
                "CREATE TABLE IF NOT EXISTS projects (id TEXT PRIMARY KEY, name TEXT);"
                "CREATE TABLE IF NOT EXISTS credentials "
                "(id TEXT PRIMARY KEY, name TEXT, secret TEXT, project TEXT);"
                "CREATE TABLE IF NOT EXISTS revoked (audit_id TEXT PRIMARY KEY);"
            )
            self._key = self._fact("key", secrets.token_hex(32)).encode()
            self._valid_from = float(self._fact("valid_from", "0"))
        except sqlite3.Error as error:
            raise ServerError(
                f"{path} cannot be used: {error}", hint="remove the file or choose another folder"
            ) from error
        self.project(PROJECT_ID, name=PROJECT_NAME)

    def check_password(self, user: dict[str, Any]) -> None:
        """Raises Unauthorized for anyone but the admin with the right password."""
        known = user.get("id") == USER_ID or user.get("name") == USER_NAME
        given = str(user.get("password", "")).encode()
        if not (known and hmac.compare_digest(given, self._password.encode())):
            raise Unauthorized(_REFUSED)

    def project(self, project_id: str, *, name: str = "") -> Project:
        """The project of that id, made if there is none. Raises Unauthorized for an odd id."""
        if not _PROJECT_ID.fullmatch(project_id):
            raise Unauthorized(_REFUSED)
        self._db.execute(
            "INSERT OR IGNORE INTO projects VALUES (?, ?)", (project_id, name or project_id)
        )
        row = self._db.execute(
            "SELECT id, name FROM projects WHERE id = ?", (project_id,)
        ).fetchone()
        return Project(*row)

    def project_named(self, name: str) -> Project:
        """The project of that name. Raises Unauthorized where there is none."""
        row = self._db.execute("SELECT id, name FROM projects WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise Unauthorized(_REFUSED)
        return Project(*row)

    def projects(self) -> list[Project]:
        """All projects."""
        rows = self._db.execute("SELECT id, name FROM projects ORDER BY rowid").fetchall()
        return [Project(*row) for row in rows]

    def issue(self, project_id: str, methods: tuple[str, ...]) -> tuple[str, Token]:
        """A new token, and its contents."""
        now = self._clock()
        token = Token(
            project_id=project_id,
            issued_at=now,
            expires_at=now + self.token_seconds,
            methods=methods,
            audit_id=secrets.token_urlsafe(16),
        )
        payload = json.dumps(
            [token.project_id, token.issued_at, token.expires_at, methods, token.audit_id]
        ).encode()
        text = base64.urlsafe_b64encode(payload).decode().rstrip("=")
        return f"{text}.{self._signature(text)}", token

    def check(self, text: str) -> Token:
        """What a token says. Raises Unauthorized for none, a forged, old or revoked one."""
        payload, _, signature = text.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(payload).encode()):
            raise Unauthorized(_REFUSED)
        fields = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        project_id, issued_at, expires_at, methods, audit_id = fields
        token = Token(project_id, issued_at, expires_at, tuple(methods), audit_id)
        if token.issued_at <= self._valid_from or token.expires_at <= self._clock():
            raise Unauthorized(_REFUSED)
        revoked = self._db.execute(
            "SELECT 1 FROM revoked WHERE audit_id = ?", (token.audit_id,)
        ).fetchone()
        if revoked:
            raise Unauthorized(_REFUSED)
        return token

    def revoke(self, text: str) -> None:
        """Refuse a token from now on. Raises Unauthorized for one that is not valid anyway."""
        token = self.check(text)
        self._db.execute("INSERT OR IGNORE INTO revoked VALUES (?)", (token.audit_id,))

    def expire_tokens(self) -> None:
        """Refuse every token issued until now."""
        self._valid_from = self._clock()
        self._db.execute(
            "UPDATE facts SET value = ? WHERE name = 'valid_from'", (repr(self._valid_from),)
        )

    def add_credential(self, project_id: str, given: dict[str, Any]) -> dict[str, Any]:
        """A new application credential, its secret included. Raises CloudError."""
        name = given.get("name")
        if not isinstance(name, str) or not name:
            raise CloudError("'name' is a required property", kind="ValidationError")
        secret = str(given.get("secret") or secrets.token_urlsafe(32))
        credential_id = secrets.token_hex(16)
        hashed = hashlib.sha256(secret.encode()).hexdigest()
        self._db.execute(
            "INSERT INTO credentials VALUES (?, ?, ?, ?)",
            (credential_id, name, hashed, project_id),
        )
        return {**self.credential(credential_id), "secret": secret}

    def credential(self, credential_id: str) -> dict[str, Any]:
        """An application credential. Raises NotFound."""
        row = self._db.execute(
            "SELECT id, name, project FROM credentials WHERE id = ?", (credential_id,)
        ).fetchone()
        if row is None:
            raise NotFound(f"Could not find Application Credential: {credential_id}.")
        return _credential(*row)

    def credentials(self) -> list[dict[str, Any]]:
        """All application credentials."""
        rows = self._db.execute("SELECT id, name, project FROM credentials").fetchall()
        return [_credential(*row) for row in rows]

    def remove_credential(self, credential_id: str) -> None:
        """Forget an application credential. Raises NotFound."""
        self.credential(credential_id)
        self._db.execute("DELETE FROM credentials WHERE id = ?", (credential_id,))

    def credential_project(self, given: dict[str, Any]) -> str:
        """The project of an application credential. Raises Unauthorized for a wrong secret."""
        column, value = ("id", given["id"]) if "id" in given else ("name", given.get("name"))
        row = self._db.execute(
            f"SELECT secret, project FROM credentials WHERE {column} = ?", (str(value),)
        ).fetchone()
        hashed = hashlib.sha256(str(given.get("secret", "")).encode()).hexdigest()
        if row is None or not hmac.compare_digest(row[0], hashed):
            raise Unauthorized(_REFUSED)
        return str(row[1])

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _fact(self, name: str, value: str) -> str:
        self._db.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, value))
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0])

    def _signature(self, text: str) -> str:
        digest = hmac.new(self._key, text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _credential(credential_id: str, name: str, project_id: str) -> dict[str, Any]:
    return {
        "id": credential_id,
        "name": name,
        "description": "",
        "project_id": project_id,
        "user_id": USER_ID,
        "roles": ROLES,
        "expires_at": None,
        "unrestricted": False,
    }
