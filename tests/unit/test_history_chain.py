"""The history is a chain: whatever is changed in it is found, and the line is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from nightround.findings.reconcile import reconcile
from nightround.model.finding import Finding, LedgerDelta
from nightround.model.outcome import Outcome
from nightround.store.database import open_store
from tests.made_findings import STUDY, made_finding, made_outcome, made_row, made_rule, night
from tests.store_places import behind_its_back

KEPT = Path(__file__).parents[1] / "kept" / "data_ab75676" / "nightround.sqlite3"
ROWS = frozenset(made_row(str(record)) for record in range(1001, 1010))
NIGHTS = (("1001", "1002"), ("1001",), ("1001", "1002", "1003"), ())


def judged(outcome: Outcome, number: int) -> Callable[[tuple[Finding, ...]], LedgerDelta]:
    """What the ledger decides on one outcome."""
    rules = {"VIL-01": made_rule()}
    return lambda known: reconcile(STUDY, known, [outcome], rules, rows=ROWS, complete=True, now=night(number))


@pytest.fixture
def database(store_at: str) -> str:
    """A database with four nights of one study."""
    with open_store(store_at) as store:
        for number, records in enumerate(NIGHTS, start=1):
            outcome = made_outcome(rows=[made_row(record) for record in records])
            run_id = store.start_run(STUDY, "nightly", night(number))
            store.record_night(STUDY, run_id, [outcome], judged(outcome, number), night(number))
    return store_at


def changed(where: str, statement: str, **values: object) -> None:
    """Change the database behind Nightround's back."""
    engine = behind_its_back(where)
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


def broken(path: str, study: str = STUDY) -> list[tuple[int, str]]:
    """The lines that are found."""
    with open_store(path) as store:
        return [(one.position, one.reason) for one in store.broken_lines(study)]


def test_an_unchanged_history_is_whole(database: str) -> None:
    """Eight lines of four nights, and nothing wrong with any."""
    assert broken(database) == []
    with open_store(database) as store:
        assert store.count_lines(STUDY) == 8


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("observed", json.dumps({"villalta_total": "8"}), "values"),
        ("finding_id", None, "values"),
        ("salt", "0" * 32, "values"),
        ("salt", None, "values"),
        ("digest", "0" * 64, "line"),
        ("change", "opened ", "line"),
        ("resolution", "emptied", "line"),
        ("at", "2025-05-13 02:30:00.000001", "line"),
        ("run_id", 4, "line"),
        ("hash", "0" * 64, "line"),
        ("previous", "0" * 64, "order"),
    ],
)
@pytest.mark.parametrize("position", [1, 3, 5])
def test_a_changed_byte_names_its_line(database: str, column: str, value: object, reason: str, position: int) -> None:
    """Each column of a line is held by its hash, and the first line that is named is the one that was changed."""
    changed(database, f"UPDATE finding_history SET {column} = :value WHERE position = :at", value=value, at=position)  # noqa: S608
    found = broken(database)
    assert found[0] == (position, reason)


@pytest.mark.parametrize(("position", "named"), [(1, 2), (4, 5), (7, 8)])
def test_a_line_that_was_removed_is_noticed_by_the_next(database: str, position: int, named: int) -> None:
    """The line after the gap names a line that is not there."""
    changed(database, "DELETE FROM finding_history WHERE position = :at", at=position)
    assert broken(database)[0] == (named, "order")


def test_a_last_line_that_was_removed_contradicts_its_finding(database: str) -> None:
    """Without its last line the finding is open in the history and closed in the table."""
    changed(database, "DELETE FROM finding_history WHERE position = 8")
    assert [reason for _, reason in broken(database)] == ["state"]


def test_two_lines_that_changed_places_are_noticed(database: str) -> None:
    """The order of the lines is what the chain is about."""
    for old, new in ((1, 100), (2, 1), (100, 2)):
        changed(database, "UPDATE finding_history SET position = :new WHERE position = :old", new=new, old=old)
    assert broken(database)[0] == (1, "order")


def test_a_closed_finding_that_is_set_to_open_is_noticed(database: str) -> None:
    """The state of a finding is that of its last line."""
    changed(database, "UPDATE findings SET state = 'open' WHERE record = '1003'")
    assert [reason for _, reason in broken(database)] == ["state"]


def test_lines_of_an_earlier_version_are_chained_when_it_is_opened(tmp_path: Path) -> None:
    """A database of before the chain is whole afterwards, and a later change is found."""
    path = str(tmp_path / "nightround.sqlite3")
    shutil.copy(KEPT, path)
    assert broken(path, "small_study") == []
    changed(path, "UPDATE finding_history SET observed = '{}' WHERE position = 2")
    assert broken(path, "small_study") == [(2, "values")]


def test_each_line_has_its_own_salt(database: str) -> None:
    """Two lines with the same values have two digests, so that none is found out from another."""
    engine = behind_its_back(database)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT CAST(observed AS TEXT), salt, digest FROM finding_history")).all()
    engine.dispose()
    assert len({row[0] for row in rows}) == 1
    assert len({row[1] for row in rows}) == len({row[2] for row in rows}) == len(rows)


def test_studies_have_their_own_chains(database: str) -> None:
    """A line of another study between those of one breaks neither."""
    with open_store(database) as store:
        other = store.start_run("other", "nightly", night(5))
        theirs = LedgerDelta(opened=(made_finding(study="other"),))
        store.record_night("other", other, [made_outcome()], lambda _: theirs, night(5))
        again = made_outcome(rows=[made_row("1004")])
        run_id = store.start_run(STUDY, "nightly", night(6))
        store.record_night(STUDY, run_id, [again], judged(again, 6), night(6))
    assert (broken(database), broken(database, "other")) == ([], [])


def test_any_byte_of_a_line_that_is_edited_in_the_file_is_found(tmp_path: Path) -> None:
    """From its values to its hash: a letter, a quote, half of a character. The line is named, or the file refused."""
    path = tmp_path / "nightround.sqlite3"
    with open_store(path) as store:
        for number in (1, 2, 3):
            run_id = store.start_run(STUDY, "nightly", night(number))
            one = made_finding(row=made_row(str(number)), observed={"痛": f"值{number}"})
            delta = LedgerDelta(opened=(one,))
            store.record_night(STUDY, run_id, [], lambda _, delta=delta: delta, night(number))
    content = path.read_bytes()
    engine = behind_its_back(str(path))
    with engine.connect() as connection:
        values, last = connection.execute(
            text("SELECT CAST(observed AS TEXT), hash FROM finding_history WHERE position = 2")
        ).one()
    begin, end = content.rindex(values.encode()), content.rindex(last.encode()) + len(last)
    assert 0 < end - begin < 500
    unseen = []
    for place in range(begin, end):
        for other in (0x20, 0x81):
            path.write_bytes(content[:place] + bytes([content[place] ^ other]) + content[place + 1 :])
            found = broken(str(path))
            if not found or found[0][0] not in {2, 3}:
                unseen.append((place - begin, other, found))
    assert unseen == []
