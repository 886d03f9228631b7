"""A visit that a person deletes with a line in the log closes its findings, and the data manager reads of it once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nightround.model.finding import Resolution
from tests.lying_study import LyingStudy, lying_study, place_of


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingStudy]:
    """Five records with mistakes in every event, after their first round."""
    with lying_study(tmp_path_factory.mktemp("removed"), records=5) as one:
        one.round()
        yield one


def deleted(study: LyingStudy, record: str, **part: str) -> None:
    """Delete a part of a record, as a person does."""
    study.server.post(content="record", action="delete", **{"records[0]": record, **part})


def test_a_last_visit_that_is_deleted_is_named_once(study: LyingStudy) -> None:
    """Nothing makes it due again: its findings close with the log as proof, and the mail of that night says so."""
    for record in ("1", "2"):
        deleted(study, record, event="diary_arm_1")
    assert study.round().complete
    assert "deleted in REDCap, as its log says (records): Diary (2)" in study.mails()
    removed = {place_of(one)[1:3] for one in study.findings() if one.resolution is Resolution.ROW_REMOVED}
    assert removed == {("1", "diary_arm_1"), ("2", "diary_arm_1")}
    study.server.write("5", initials="OK")
    study.round()
    assert "deleted in REDCap" not in study.mails()


@pytest.mark.parametrize(
    ("record", "part", "named"),
    [
        ("3", {"event": "followup_arm_1"}, "Follow-up (1)"),
        ("4", {"event": "followup_arm_1", "instrument": "visit", "repeat_instance": "2"}, ""),
        ("5", {}, ""),
    ],
)
def test_what_is_named_is_a_visit_of_a_record_that_is_there(
    study: LyingStudy, record: str, part: dict[str, str], named: str
) -> None:
    """Another visit is; one instance of several, or a whole record, is no visit that went."""
    deleted(study, record, **part)
    study.round()
    text = study.mails()
    assert ("deleted in REDCap" in text) is bool(named)
    assert named in text


def test_a_visit_of_a_record_that_was_renamed_is_named_too(study: LyingStudy) -> None:
    """The log has the deletion under the old name."""
    deleted(study, "4", event="diary_arm_1")
    study.server.rename("4", "400")
    study.round()
    assert "Diary (1)" in study.mails()
