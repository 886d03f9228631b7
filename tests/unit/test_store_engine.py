"""Opening the database: versions, permissions, transactions."""

import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from nightround.model.errors import DatabaseVersionWrong, SystemLibraryMissing
from nightround.store.engine import open_engine, reading, writing
from nightround.store.schema import metadata

KEPT = Path(__file__).parents[1] / "kept" / "data_ab75676"
"""A data folder with a database of version 0001."""


def mode(path: Path) -> int:
    """The permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_database_is_private(tmp_path: Path) -> None:
    """The file is 0600 and the folder made for it 0700, also the files SQLite puts next to it."""
    open_engine(tmp_path / "state" / "nightround.db").dispose()
    with reading(open_engine(tmp_path / "state" / "nightround.db")):
        assert mode(tmp_path / "state") == 0o700
        assert {mode(path) for path in (tmp_path / "state").iterdir()} == {0o600}


def test_a_folder_that_was_there_keeps_its_permissions(tmp_path: Path) -> None:
    """Somebody else's folder is not closed to others behind their back."""
    tmp_path.chmod(0o755)
    open_engine(tmp_path / "nightround.db").dispose()
    assert (mode(tmp_path), mode(tmp_path / "nightround.db")) == (0o755, 0o600)


def test_the_migrations_lead_to_the_tables_of_the_schema(tmp_path: Path) -> None:
    """A change of the schema without its migration is found here."""
    with reading(open_engine(tmp_path / "nightround.db")) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_tables_can_be_made_on_postgresql() -> None:
    """No table uses a type that only SQLite has."""
    dialect = postgresql.dialect()
    made = {name: str(CreateTable(table).compile(dialect=dialect)) for name, table in metadata.tables.items()}
    numbered = {name for name, text in made.items() if "BIGSERIAL" in text}
    assert numbered == {"runs", "finding_history", "messages", "forgotten", "floods", "inbox_files"}


def test_an_opened_database_is_ready_for_two_processes(tmp_path: Path) -> None:
    """Write-ahead log, waiting for the other writer, and references that are checked."""
    with reading(open_engine(tmp_path / "nightround.db")) as connection:
        settings = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        ]
    assert settings == ["wal", 30_000, 1]


def test_a_writer_holds_the_lock_before_its_first_write(tmp_path: Path) -> None:
    """What a writer reads stays true: nobody else can write from its first moment on, and readers go on."""
    engine = open_engine(tmp_path / "nightround.db")
    with writing(engine):
        other = sqlite3.connect(tmp_path / "nightround.db", timeout=0)
        assert other.execute("SELECT count(*) FROM findings").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """Another version ends with exit code 15 and a way out, and changes nothing."""
    path = tmp_path / "nightround.db"
    open_engine(path).dispose()
    with sqlite3.connect(path) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(DatabaseVersionWrong, match="version 9999") as caught:
        open_engine(path)
    assert caught.value.exit_code == 15
    assert path.read_bytes() == before


def test_a_database_is_copied_before_it_is_migrated(tmp_path: Path) -> None:
    """The copy is the database as it was, private, at the version in its name; a second migration keeps the first."""
    path = tmp_path / "nightround.sqlite3"
    for written in ("first", "second"):
        shutil.copy(KEPT / "nightround.sqlite3", path)
        with sqlite3.connect(path) as older:
            older.execute("UPDATE runs SET trouble = ?", (written,))
        older.close()
        open_engine(path).dispose()
    copies = sorted(tmp_path.glob("nightround.sqlite3.version-0001*"))
    assert [copy.name for copy in copies] == ["nightround.sqlite3.version-0001", "nightround.sqlite3.version-0001-2"]
    assert {mode(copy) for copy in copies} == {0o600}
    for copy, written in zip(copies, ("first", "second"), strict=True):
        with sqlite3.connect(copy) as kept:
            assert kept.execute("SELECT DISTINCT trouble FROM runs").fetchall() == [(written,)]
            assert kept.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
            assert kept.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kept.close()
    open_engine(path).dispose()
    assert len(list(tmp_path.iterdir())) == 3


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    """Tables that are not ours are left alone."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (id INTEGER)")
    other.close()
    path.chmod(0o644)
    before = path.read_bytes()
    with pytest.raises(DatabaseVersionWrong, match="not a database of Nightround"):
        open_engine(path)
    assert (path.read_bytes(), mode(path)) == (before, 0o644)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A damaged file or another kind of file is explained, not a traceback, and stays as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 100, encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(DatabaseVersionWrong, match="not a database of Nightround"):
        open_engine(path)
    assert path.read_bytes() == before


def test_an_error_of_the_database_shows_no_value(tmp_path: Path) -> None:
    """SQLAlchemy prints the values of a failed statement unless told not to; they are patients' values."""
    engine = open_engine(tmp_path / "nightround.db")
    with pytest.raises(IntegrityError) as caught, writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO findings (id, record) VALUES (?, ?)", ("f", "CANARY-7Q"))
    assert "CANARY-7Q" not in str(caught.value)


def test_a_server_without_its_driver_is_explained() -> None:
    """A database URL whose driver is not installed ends with exit code 16, and without the password."""
    with pytest.raises(SystemLibraryMissing, match="no driver for nosuch") as caught:
        open_engine("nosuch://nightround:CANARY-7Q@db.example/nightround")
    assert "CANARY-7Q" not in str(caught.value)
