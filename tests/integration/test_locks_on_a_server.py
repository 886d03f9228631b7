"""Two machines with data folders of their own and one database on a server: their runs wait for each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from nightround.model.errors import RoundAlreadyRunning
from nightround.night.outbox_step import SENDING
from nightround.night.study_locks import BY_CLOCK, FINDINGS
from nightround.store.address import schema_of
from nightround.store.database import open_store
from tests.commanded_study import editable_study
from tests.small_study import STUDY, SmallStudy
from tests.store_places import behind_its_back

VARIABLE = "NIGHTROUND_STORE"


@pytest.fixture(scope="module")
def here(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallStudy]:
    """The small study with its database on a server, after one round."""
    with behind_its_back(postgresql).begin() as connection:
        connection.execute(text(f'DROP SCHEMA IF EXISTS "{schema_of(STUDY)}" CASCADE'))
    with pytest.MonkeyPatch.context() as patch, editable_study(tmp_path_factory.mktemp("here"), patch) as study:
        with (study.source / "study.toml").open("a", encoding="utf-8") as settings:
            settings.write(f'\n[store]\nurl_env = "{VARIABLE}"\n')
        opened = replace(study, environ={**study.environ, VARIABLE: postgresql})
        opened.round()
        yield opened


@pytest.fixture
def there(here: SmallStudy, tmp_path: Path) -> SmallStudy:
    """The same study on another machine."""
    return replace(here, data=tmp_path)


def test_a_round_on_another_machine_waits_and_then_gives_up(here: SmallStudy, there: SmallStudy) -> None:
    """As on one machine: a minute by hand. It is said that the other run is in another data folder."""
    pauses: list[float] = []
    with here.opened(), pytest.raises(RoundAlreadyRunning) as refused:
        there.round(sleep=pauses.append)
    assert sum(pauses) == 60
    assert "another data folder" in refused.value.what


def test_a_round_on_another_machine_is_made_when_the_first_one_ends(here: SmallStudy, there: SmallStudy) -> None:
    """The lock is given back with the run that had it."""
    pauses: list[float] = []
    with ExitStack() as first:
        first.enter_context(here.opened())

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                first.close()

        assert there.round(sleep=sleep, waiting=BY_CLOCK).complete
    assert len(pauses) == 2


@pytest.mark.parametrize("lock", [FINDINGS, SENDING])
def test_what_changes_findings_and_what_sends_waits_too(here: SmallStudy, there: SmallStudy, lock: str) -> None:
    """Neither is done on two machines at once; messages that another machine sends wait for the next round."""
    with here.opened("other") as night, night.store.lock_tried(STUDY, lock) as free:
        assert free
        if lock == FINDINGS:
            with pytest.raises(RoundAlreadyRunning):
                there.round()
        else:
            assert there.round().steps["alert"] == "done"


def test_studies_and_locks_do_not_keep_each_other_waiting(here: SmallStudy) -> None:
    """A lock is that of one study, and of one thing that it does."""
    with here.opened("other") as night, ExitStack() as taken:
        for study, lock in ((STUDY, FINDINGS), (STUDY, SENDING), ("another", FINDINGS)):
            assert taken.enter_context(night.store.lock_tried(study, lock))
        assert not taken.enter_context(night.store.lock_tried(STUDY, FINDINGS))


def test_the_server_gives_back_the_lock_of_a_session_that_ended(here: SmallStudy, postgresql: str) -> None:
    """A machine that breaks down leaves no lock behind."""
    with here.opened("other") as night, night.store.lock_tried(STUDY, FINDINGS):
        with behind_its_back(postgresql).begin() as connection:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
            connection.execute(text(ended))
        with night.store.lock_tried(STUDY, FINDINGS) as free:
            assert free


def test_a_database_in_a_file_has_no_lock_of_its_own(tmp_path: Path) -> None:
    """The files of its folder are its locks: each call is free."""
    with (
        open_store(tmp_path / "one.sqlite3") as store,
        store.lock_tried(STUDY, FINDINGS) as first,
        store.lock_tried(STUDY, FINDINGS) as second,
    ):
        assert (first, second) == (True, True)
