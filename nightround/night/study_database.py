"""The database of a study: a file in its data folder, or the server that `[store]` of study.toml names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nightround.model.errors import StoreUnusable
from nightround.night.study_place import StudyPlace
from nightround.store.address import StoreAddress, address_of, server_address
from nightround.store.database import Store, open_store
from nightround.store.engine import stored_version
from nightround.study.settings import StudySettings

DATABASE = "nightround.sqlite3"
BACKUPS = "backups"
"""The folder of a study's data in which a backup is written unless another place is named."""


def database_of(place: StudyPlace, settings: StudySettings | None, environ: Mapping[str, str]) -> StoreAddress:
    """Where the database of a study is; raises StoreUnusable where the address of its server is not known.

    The settings are the last good ones where the study's files cannot be read; None where there never were any.
    """
    variable = settings.store.url_env if settings else ""
    if not variable:
        return address_of(_file(place))
    return server_address(environ.get(variable, ""), variable, place.id, place.data)


@contextmanager
def existing_store(
    place: StudyPlace, settings: StudySettings | None, environ: Mapping[str, str], key: bytes | None = None
) -> Iterator[Store | None]:
    """The store of a study to read from; None where it never ran, and then nothing is made."""
    with store_at(database_of(place, settings, environ), key) as store:
        yield store


@contextmanager
def store_at(address: StoreAddress, key: bytes | None = None) -> Iterator[Store | None]:
    """The store at an address; None where there is none, and then nothing is made."""
    if not _is_there(address):
        yield None
        return
    with open_store(address, key) as store:
        yield store


def store_to_write(place: StudyPlace, settings: StudySettings | None, environ: Mapping[str, str]) -> Store:
    """The store of a study, made where it is not there.

    Raises StoreUnusable where it would be made although the study has one elsewhere, a file next to a new server or a
    server that the settings no longer name: all its findings would open anew, and every answer would be lost.
    """
    address = database_of(place, settings, environ)
    if not _is_there(address):
        _require_none_elsewhere(place, address)
    return open_store(address)


def _is_there(address: StoreAddress) -> bool:
    return address.path.is_file() if address.path else stored_version(address) is not None


def _require_none_elsewhere(place: StudyPlace, address: StoreAddress) -> None:
    if address.path is None and _file(place).is_file():
        raise StoreUnusable("store.in_file", file=DATABASE, name=address.name)
    before = place.kept_settings()
    if address.path and before and before.store.url_env:
        raise StoreUnusable("store.on_server", variable=before.store.url_env)


def _file(place: StudyPlace) -> Path:
    return place.data / DATABASE
