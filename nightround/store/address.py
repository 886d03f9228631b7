"""Where a study's database is: a SQLite file, or a schema of its own in a PostgreSQL database."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from nightround.model.errors import StoreUnusable

CONNECT_SECONDS = "10"
"""How long a server may take to answer, unless the URL says otherwise."""
SCHEMA = "schema"
"""The key of a URL's query that names the schema; the server's driver does not know it."""
LONGEST_NAME = 63
"""Bytes of a name in PostgreSQL (NAMEDATALEN - 1); a longer one would be cut, and two could become one."""
ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
"""The values of `sslmode` that never go on in plain text. Source: PostgreSQL, libpq, SSL mode descriptions."""
PREFIX = "nightround_"
NAMES = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
"""What a URL may begin with; both forms are in use for PostgreSQL, and psycopg is the driver."""


@dataclass(frozen=True)
class StoreAddress:
    """Where a database is. No password is in its repr."""

    url: URL = field(repr=False)
    schema: str = ""
    """Of a server: the schema that this study has to itself; '' for the one that the server chooses."""
    copies: Path | None = None
    """Of a server: the folder in which a copy is written before a migration."""

    @property
    def path(self) -> Path | None:
        """The file; None for a database on a server."""
        return Path(self.url.database or "") if self.url.get_backend_name() == "sqlite" else None

    @property
    def name(self) -> str:
        """What it is called in messages: the file's name, or the server with its database, without a password."""
        if self.path:
            return self.path.name
        return f"{self.url.host or 'localhost'}/{self.url.database or ''}"

    @property
    def where(self) -> str:
        """The folder of the file, or the server with its database, without a password."""
        return str(self.path.parent) if self.path else self.name

    @property
    def lock(self) -> int:
        """The number of the lock that writers of this schema take in turn, between -2^31 and 2^31."""
        return crc32(self.schema.encode()) - 2**31

    def connect_arguments(self) -> dict[str, Any]:
        """What the server's driver is given apart from the URL."""
        wanted = {"client_encoding": "utf8", "application_name": "nightround", "connect_timeout": CONNECT_SECONDS}
        arguments: dict[str, Any] = {name: one for name, one in wanted.items() if name not in self.url.query}
        if self.schema:
            given = self.url.query.get("options", "")
            options = given if isinstance(given, str) else " ".join(given)
            arguments["options"] = f'{options} -csearch_path="{self.schema}"'.strip()
        return arguments


def address_of(where: str | Path | StoreAddress) -> StoreAddress:
    """The address that a path or a URL names; `?schema=` of a URL names the schema."""
    if isinstance(where, StoreAddress):
        return where
    if isinstance(where, Path) or "://" not in where:
        return StoreAddress(URL.create("sqlite", database=str(where)))
    url = make_url(where)
    schema = url.query.get(SCHEMA, "")
    url = url.difference_update_query([SCHEMA])
    known = NAMES.get(url.drivername)
    return StoreAddress(url.set(drivername=known) if known else url, schema if isinstance(schema, str) else schema[-1])


def server_address(text: str, variable: str, study: str, copies: Path) -> StoreAddress:
    """The place of a study on the PostgreSQL server whose URL an environment variable has.

    Raises StoreUnusable where the variable is not set, or has no URL of a PostgreSQL database.
    """
    if not text.strip():
        raise StoreUnusable("store.no_url", variable=variable)
    try:
        address = address_of(text.strip())
    except (ArgumentError, ValueError):
        raise StoreUnusable("store.not_a_url", variable=variable) from None
    if address.url.get_backend_name() != "postgresql" or not address.url.database:
        raise StoreUnusable("store.not_a_url", variable=variable)
    return StoreAddress(address.url, address.schema or schema_of(study), copies)


def schema_of(study: str) -> str:
    """The schema of a study: named after it, in letters and digits that need no quotes in SQL."""
    plain = PREFIX + re.sub(r"[^a-z0-9_]", "_", study.lower())
    if plain == PREFIX + study and len(plain) <= LONGEST_NAME:
        return plain
    mark = hashlib.sha256(study.encode()).hexdigest()[:8]
    return f"{plain[: LONGEST_NAME - len(mark) - 1]}_{mark}"


def is_encrypted(address: StoreAddress) -> bool:
    """Whether the way to a server is encrypted whatever the server offers (libpq's `sslmode`)."""
    return address.url.query.get("sslmode") in ENCRYPTED
