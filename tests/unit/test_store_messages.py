"""Sentences that an earlier version stored are kept when the database is brought to messages."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from nightround.store.database import open_store
from nightround.store.versions import MIGRATIONS
from redcap_sync.messages import Message

ROWS = (
    (
        "INSERT INTO runs (id, study, job, started_at, ended_at, ended, exit_code, complete, trouble, coverage) VALUES"
        " (1, 's', 'nightly', '2025-01-01 00:00:00', '2025-01-01 00:01:00', 'failed', 11, 0, 'REDCap was down.',"
        ' \'{"known": ["A"], "counts": {}, "unaccounted": [], "reasons": {"A": "no row"}}\')'
    ),
    (
        "INSERT INTO runs (id, study, job, started_at, ended, complete, trouble) VALUES"
        " (2, 's', 'nightly', '2025-01-02 00:00:00', 'done', 1, '')"
    ),
    "INSERT INTO steps VALUES (1, 0, 'pull', '2025-01-01 00:00:00', '2025-01-01 00:01:00', 'failed', 'it''s 5% off')",
    "INSERT INTO outcomes VALUES (1, 'A', 'not_applicable', 0, 0, 0, 'no row')",
    "INSERT INTO outcomes VALUES (1, 'B', 'passed', 3, 3, 0, '')",
)


def first_version(path: Path) -> None:
    """A database as the first version left it."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for row in ROWS:
            connection.execute(text(row))
    engine.dispose()


def test_sentences_of_an_earlier_version_are_kept(tmp_path: Path) -> None:
    """Each becomes a message that says the same; where there was none, there is none."""
    first_version(tmp_path / "nightround.db")
    with open_store(tmp_path / "nightround.db") as store:
        second, first = store.runs("s")
        outcomes = store.outcomes(1)
    assert [first.trouble, second.trouble] == [Message.read("REDCap was down."), None]
    assert [step.note for step in first.steps] == [Message.read("it's 5% off")]
    assert [one.reason for one in outcomes] == [Message.read("no row"), None]
    assert first.coverage is not None
    assert first.coverage.reasons == {"A": Message.read("no row")}
