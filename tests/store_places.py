"""Databases of both kinds for one test: what holds of a store holds wherever it is."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, NullPool, create_engine

from nightround.store.address import address_of
from nightround.store.engine import open_engine

KINDS = ("sqlite", "postgresql")


def new_schema(url: str, name: str) -> str:
    """The URL of a schema that nobody uses yet."""
    return f"{url}?schema={name}_{uuid.uuid4().hex[:12]}"


def new_file(folder: Path, name: str) -> str:
    """The path of a file that is not there yet."""
    return str(folder / f"{name}.sqlite3")


@contextmanager
def opened_engine(where: str) -> Iterator[Engine]:
    """The engine of a database of the newest version, whose connections are given back."""
    engine = open_engine(where)
    try:
        yield engine
    finally:
        engine.dispose()


def behind_its_back(where: str) -> Engine:
    """The database without anything of Nightround: what somebody with the password may do."""
    address = address_of(where)
    return create_engine(
        address.url, connect_args={} if address.path else address.connect_arguments(), poolclass=NullPool
    )
