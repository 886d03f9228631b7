"""The database on a PostgreSQL server: schemas, versions, refusals, and two writers at once on either kind."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError, OperationalError

from nightround.model.errors import DatabaseVersionWrong, StoreUnusable
from nightround.model.finding import FindingState, Resolution
from nightround.model.finding_answer import Change
from nightround.night.disk_errors import disk_errors_explained
from nightround.store import engine as engine_module
from nightround.store.address import LONGEST_NAME, StoreAddress, address_of, schema_of, server_address
from nightround.store.backup import restore
from nightround.store.database import Store, open_store
from nightround.store.engine import connected, reading, stored_version, writing
from nightround.store.message_rows import MessageKind
from nightround.store.run_rows import Ended
from nightround.store.schema import metadata
from nightround.store.suspect_rows import Cleared
from nightround.store.versions import newest_version
from nightround.study.text_checks import is_id
from tests.made_findings import STUDY, night
from tests.store_places import behind_its_back, new_schema, opened_engine


@pytest.fixture
def where(postgresql: str) -> str:
    """A schema that is not there yet."""
    return new_schema(postgresql, "server")


SECOND = """
import sys
from nightround.store.database import open_store
from tests.made_findings import night
print(open_store(sys.argv[1]).start_run("s", "j", night(1)))
"""
"""A process that writes once."""


@contextmanager
def a_writer(where: str) -> Iterator[None]:
    """Another process in the middle of a transaction that writes; it commits and ends on a line of input."""
    script = """
        import sys
        from nightround.store.engine import open_engine, writing
        from sqlalchemy import text
        with writing(open_engine(sys.argv[1])) as connection:
            connection.execute(text("INSERT INTO runs (study, job, started_at, ended, complete)"
                                    " VALUES ('s', 'j', '2025-01-01 00:00:00', 'done', '1')"))
            print("writing", flush=True)
            sys.stdin.readline()
    """
    command = [sys.executable, "-c", textwrap.dedent(script), where]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        yield
        assert process.communicate("\n")[0] == ""
        assert process.returncode == 0


def test_a_second_writer_waits_for_the_first(store_at: str) -> None:
    """Readers see the state of before meanwhile; the second writer sees what the first one wrote."""
    with open_store(store_at) as store:
        with a_writer(store_at):
            assert store.runs("s") == ()
            waiting = subprocess.Popen([sys.executable, "-c", SECOND, store_at], stdout=subprocess.PIPE, text=True)
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.wait(3)
        assert waiting.communicate()[0] == "2\n"
        assert [one.id for one in store.runs("s")] == [2, 1]


def test_a_writer_does_not_wait_for_ever(store_at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its limit it ends with exit code 10, says why, and has written nothing."""
    open_store(store_at).close()
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 1)
    with a_writer(store_at), open_store(store_at) as store:
        with pytest.raises(StoreUnusable, match="still writing") as caught, disk_errors_explained():
            store.start_run(STUDY, "nightly", night(1))
        assert caught.value.exit_code == 10
        assert store.runs(STUDY) == ()


def test_the_migrations_lead_to_the_tables_of_the_schema(where: str) -> None:
    """A change of the schema without its migration is found here, on a server too."""
    with opened_engine(where) as engine, reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_every_word_that_is_stored_has_room() -> None:
    """A server refuses what is longer than its column; every word of ours fits."""
    words = {"ended": Ended, "state": FindingState, "change": Change, "resolution": Resolution, "cleared": Cleared}
    for table in metadata.tables.values():
        for name, kind in {**words, "kind": MessageKind}.items():
            if name in table.c and (room := getattr(table.c[name].type, "length", None)):
                assert max(len(one.value) for one in kind) <= room, f"{table.name}.{name}"


def test_each_study_has_a_schema_of_its_own(postgresql: str, tmp_path: Path) -> None:
    """Two studies in one database do not see each other, and the tables of others are left alone."""
    first, second = (server_address(postgresql, "URL", name, tmp_path) for name in ("first", "second"))
    with open_store(first) as one, open_store(second) as other:
        assert one.start_run("first", "nightly", night(1)) == other.start_run("second", "nightly", night(1)) == 1
    with behind_its_back(postgresql).connect() as connection:
        assert {"nightround_first", "nightround_second"} <= set(inspect(connection).get_schema_names())
        assert inspect(connection).get_table_names(schema="public") == []


@pytest.mark.parametrize(
    "study", ["a", "A", "venous_occlusion", "venous-occlusion", "7", "x" * 64, "x" * 63 + "y", "pg_x"]
)
def test_the_schema_of_a_study_needs_no_quotes_and_is_its_own(study: str) -> None:
    """Whatever its id is, the name fits, and no other id has it."""
    others = ["A", "venous-occlusion", "venous_occlusion", "a", "7", "x" * 64, "x" * 63 + "y", "pg_x", "PG_X"]
    assert is_id(study)
    assert len(schema_of(study)) <= LONGEST_NAME
    assert schema_of(study).replace("_", "a").isalnum()
    assert [one for one in others if schema_of(one) == schema_of(study)] == [study]


def test_a_database_of_a_newer_version_is_refused(where: str) -> None:
    """Another version ends with exit code 15, and changes nothing."""
    open_store(where).close()
    with behind_its_back(where).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for opening in (lambda: open_store(where), lambda: stored_version(address_of(where))):
        with pytest.raises(DatabaseVersionWrong, match="version 9999") as caught:
            opening()
    assert caught.value.exit_code == 15


def test_a_schema_of_another_program_is_refused(where: str) -> None:
    """Tables that are not ours are left alone."""
    schema = address_of(where).schema
    with behind_its_back(where).begin() as connection:
        connection.execute(text(f'CREATE SCHEMA "{schema}"'))
        connection.execute(text("CREATE TABLE theirs (id INTEGER)"))
    with pytest.raises(DatabaseVersionWrong, match="not a database of Nightround"):
        open_store(where)
    with behind_its_back(where).connect() as connection:
        assert inspect(connection).get_table_names(schema=schema) == ["theirs"]


def test_nothing_is_made_where_only_the_version_is_asked_for(where: str, tmp_path: Path) -> None:
    """A command that reads makes neither a schema nor a file."""
    file = tmp_path / "none.sqlite3"
    assert (stored_version(address_of(where)), stored_version(address_of(file))) == (None, None)
    with behind_its_back(where).connect() as connection:
        assert address_of(where).schema not in inspect(connection).get_schema_names()
    assert not file.exists()


@pytest.mark.parametrize(
    "url", ["postgresql://x:CANARY-7Q@127.0.0.1:1/none", "postgres://x:CANARY-7Q@127.0.0.1:1/none"]
)
def test_a_server_that_cannot_be_reached_is_explained(url: str) -> None:
    """Exit code 10 with its address, and without the password."""
    with pytest.raises(StoreUnusable, match=r"127\.0\.0\.1/none") as caught:
        open_store(url)
    assert caught.value.exit_code == 10
    assert "CANARY-7Q" not in str(caught.value) + repr(caught.value.__cause__) + repr(address_of(url))


def test_a_database_that_is_not_there_is_explained(postgresql: str) -> None:
    """In the server's own words."""
    with pytest.raises(StoreUnusable, match="does not exist"):
        open_store(postgresql.replace("/postgres", "/nosuch"))


def test_a_user_without_the_right_is_explained(postgresql: str) -> None:
    """Who may not make the schema is told so, not shown a traceback."""
    with behind_its_back(postgresql).begin() as connection:
        connection.execute(text("CREATE ROLE reader LOGIN"))
    with pytest.raises(StoreUnusable, match="permission denied"):
        open_store(new_schema(postgresql.replace("tester@", "reader@"), "denied"))


def test_a_database_in_another_encoding_is_refused(postgresql: str) -> None:
    """It could not keep every text."""
    with behind_its_back(postgresql).connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"))
    with pytest.raises(StoreUnusable, match="LATIN1"):
        open_store(postgresql.replace("/postgres", "/latin"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "not set"),
        ("  ", "not set"),
        ("no url", "does not have the URL"),
        ("mysql://x@h/d", "does not have the URL"),
        ("sqlite:///x", "does not have the URL"),
        ("postgresql://h", "does not have the URL"),
        ("postgresql://x:CANARY-7Q@h:port/d", "does not have the URL"),
        ("://", "does not have the URL"),
    ],
)
def test_an_address_that_is_none_is_explained(given: str, said: str, tmp_path: Path) -> None:
    """The variable is named, and what is in it is not repeated: it may be a password."""
    with pytest.raises(StoreUnusable, match=said) as caught:
        server_address(given, "NIGHTROUND_STORE", "s", tmp_path)
    assert "NIGHTROUND_STORE" in str(caught.value)
    assert "CANARY-7Q" not in str(caught.value)


def test_a_database_on_a_server_is_copied_before_it_is_migrated(where: str, tmp_path: Path) -> None:
    """The copy is a private dump of the version in its name, from which the database of before can be made again."""
    address = StoreAddress(address_of(where).url, address_of(where).schema, copies=tmp_path / "data")
    with open_store(address) as store:
        store.start_run(STUDY, "nightly", night(1))
    with behind_its_back(where).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0011'"))
        connection.execute(text("ALTER TABLE findings ALTER COLUMN owner TYPE VARCHAR(64)"))
        for added in ("findings DROP COLUMN proof", "finding_history DROP COLUMN proof"):
            connection.execute(text(f"ALTER TABLE {added}"))
        for made in ("queries", "inbox_files", "settled_rules", "suspect_cells"):
            connection.execute(text(f"DROP TABLE {made}"))
    open_store(address).close()
    (copy,) = (tmp_path / "data").iterdir()
    assert copy.name == "nightround.postgresql.version-0011"
    assert copy.stat().st_mode & 0o777 == 0o600
    again = restore(copy, address_of(tmp_path / "again.sqlite3"), STUDY)
    assert (again.version, again.now) == ("0011", newest_version())
    with open_store(tmp_path / "again.sqlite3") as store:
        assert len(store.runs(STUDY)) == 1


def test_a_restarted_server_is_connected_to_again(where: str) -> None:
    """A connection that broke off while nothing ran is replaced; one that breaks off in a transaction is explained."""
    with open_store(where) as store:
        store.start_run(STUDY, "nightly", night(1))
        end_connections(where)
        assert len(store.runs(STUDY)) == 1
        with pytest.raises(StoreUnusable, match="lost"):
            broken_off(store, where)
        assert len(store.runs(STUDY)) == 1


def broken_off(store: Store, where: str) -> None:
    """A transaction whose connection ends before it does."""
    with disk_errors_explained(), writing(store.engine) as connection:
        connection.execute(text("DELETE FROM runs"))
        end_connections(where)
        connection.execute(text("DELETE FROM runs"))


def test_a_server_that_is_gone_is_explained(where: str) -> None:
    """Nothing answers any more: no traceback, and exit code 10."""
    gone = address_of(where).url.set(port=9)
    engine = connected(StoreAddress(gone, address_of(where).schema))
    with pytest.raises(StoreUnusable), disk_errors_explained(), reading(engine):
        raise AssertionError("nothing listens at this port")


def end_connections(where: str) -> None:
    """End every other connection to the database, as a restart does."""
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    with behind_its_back(where).connect() as connection:
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))  # noqa: S608


def test_a_patient_who_is_forgotten_leaves_the_tables_and_their_statistics(where: str) -> None:
    """Neither a dead row nor a frequent value of the statistics has the record any more."""
    from tests.unit.test_store_backup import fill

    with open_store(where) as store:
        fill(store, {"a": "1"})
    with behind_its_back(where).connect() as connection:
        connection.execute(text("CHECKPOINT"))
        files = "SELECT pg_read_binary_file(pg_relation_filepath(to_regclass(:name)))"
        kept = {
            name: connection.execute(text(files), {"name": name}).scalar_one()
            for name in inspect(connection).get_table_names()
        }
        frequent = connection.execute(
            text("SELECT most_common_vals::text FROM pg_stats WHERE schemaname = current_schema()")
        )
        assert "记录 8" not in str(frequent.scalars().all())
    assert "记录 7".encode() in kept["findings"]
    assert [name for name, content in kept.items() if "记录 8".encode() in content] == []


def test_an_error_of_the_database_shows_no_value(where: str) -> None:
    """SQLAlchemy prints the values of a failed statement unless told not to; they are patients' values."""
    with opened_engine(where) as engine, pytest.raises(IntegrityError) as caught, writing(engine) as connection:
        connection.execute(
            text("INSERT INTO findings (id, record) VALUES (:id, :record)"), {"id": "f", "record": "CANARY-7Q"}
        )
    assert "CANARY-7Q" not in str(caught.value)
    assert not isinstance(caught.value, OperationalError)
