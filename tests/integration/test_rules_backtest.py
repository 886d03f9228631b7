"""A rule is tried on the nights that are kept, by the judge of the night and with the clock of each."""

from dataclasses import asdict
from pathlib import Path

import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.model.outcome import Status
from nightround.model.rule import Rule
from nightround.rule_desk.backtest import Backtest, backtest, rules_to_try
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.folder import load_study
from tests.kept_nights import ages, keep

FOLDER = Path(__file__).parents[2] / "expectations" / "venous_occlusion"
DRAFT = """
[[rule]]
id = "{id}"
instrument = "demographics"
title = {{ zh = "草稿", en = "Draft" }}
discrepancy = "{logic}"
severity = "minor"
fields = ["age"]
advice = {{ zh = "请核对", en = "Check it" }}
source = "made up"
"""


def tried(store: SnapshotStore, *rules: Rule, time_zone: str = "Asia/Shanghai") -> tuple[Backtest, ...]:
    """The rules on what is kept."""
    return backtest(rules, store, "venous_occlusion", time_zone=time_zone)


def study_rule(rule_id: str) -> Rule:
    """A rule of the shipped study."""
    return rules_to_try(rule_id, load_study(FOLDER).rules)[0]


def draft(tmp_path: Path, logic: str, rule_id: str = "DRAFT-1") -> Rule:
    """A rule that is not yet one of the study."""
    file = tmp_path / f"{rule_id}.toml"
    file.write_text(DRAFT.format(id=rule_id, logic=logic), encoding="utf-8")
    return rules_to_try(str(file), ())[0]


def test_it_counts_what_was_asked_and_what_became_of_it(tmp_path: Path) -> None:
    """Of four rows asked about one was corrected, one changed and is asked about still, one stayed, one is gone."""
    store = keep(
        SnapshotStore(tmp_path),
        [
            ages(r1="80", r2="50", r3="16", r4="75", r5="40"),
            ages(r1="60", r2="90", r3="16", r4="75", r5="41"),
            ages(r1="60", r2="91", r3="16", r5="41"),
        ],
    )
    (found,) = tried(store, study_rule("AGE-01"))
    assert [(night.in_scope, night.checked, night.asked, night.new) for night in found.nights] == [
        (5, 5, 3, 3),
        (5, 5, 3, 1),
        (4, 4, 2, 0),
    ]
    assert (found.nights_asked, found.rows_asked, found.later_changed) == (3, 4, 2)
    assert (found.changed_and_silent, found.unchanged_and_asked, found.gone) == (1, 1, 1)


def test_it_judges_as_the_night_did(tmp_path: Path) -> None:
    """Status and counts of each night are those of the judge on that snapshot."""
    store = keep(SnapshotStore(tmp_path), [ages(r1="80", r2=""), ages(r1="50", r2=""), ages(r2="")])
    (found,) = tried(store, study_rule("AGE-01"))
    assert [night.status for night in found.nights] == [Status.FAILED, Status.PASSED, Status.NOT_APPLICABLE]
    assert [(night.in_scope, night.checked) for night in found.nights] == [(2, 1), (2, 1), (1, 0)]


def test_today_is_the_day_of_each_night_on_the_hospitals_clock(tmp_path: Path) -> None:
    """Half past six in the evening in London is the next day in Shanghai, and each night has a today of its own."""
    store = keep(SnapshotStore(tmp_path), [{"1": {"screening_date": "2024-12-31"}}] * 3)
    rule = draft(tmp_path, "datediff([screening_date], 'today', 'd', true) > 1")
    (here,), (there,) = tried(store, rule), tried(store, rule, time_zone="Europe/London")
    assert [night.asked for night in here.nights] == [1, 1, 1]
    assert [night.asked for night in there.nights] == [0, 1, 1]


def test_a_draft_that_cannot_be_judged_says_why_and_stops_no_other(tmp_path: Path) -> None:
    """A draft on a field that is not there could not be evaluated on any night; the one next to it is judged."""
    store = keep(SnapshotStore(tmp_path), [ages(r1="80"), ages(r1="80")])
    broken, sound = tried(store, draft(tmp_path, "[no_such] > 1", "A"), draft(tmp_path, "[age] > 70", "B"))
    assert {night.status for night in broken.nights} == {Status.NOT_EVALUATED}
    assert "no_such" in str(broken.nights[0].reason)
    assert (broken.rows_asked, sound.rows_asked, sound.unchanged_and_asked) == (0, 1, 1)


def test_no_value_and_no_record_is_in_the_result(tmp_path: Path) -> None:
    """Counts are all that leaves."""
    store = keep(SnapshotStore(tmp_path), [{"CANARY-1": {"age": "8877"}}])
    (found,) = tried(store, study_rule("AGE-01"))
    assert found.rows_asked == 1
    assert not [canary for canary in ("CANARY", "8877") if canary in str(found.document()) + str(asdict(found))]


def test_a_misspelt_rule_names_the_nearest(tmp_path: Path) -> None:
    """An id that is none is refused with the one that was probably meant; a file that is not there by its name."""
    with pytest.raises(StudyFilesWrong, match="AGE-O1") as caught:
        study_rule("AGE-O1")
    assert "AGE-01" in caught.value.why
    with pytest.raises(StudyFilesWrong, match=r"draft\.toml does not exist"):
        rules_to_try(str(tmp_path / "draft.toml"), ())


def test_without_a_snapshot_it_says_what_to_do(tmp_path: Path) -> None:
    """Where nothing was pulled there is nothing to try a rule on."""
    with pytest.raises(StudyFilesWrong, match="no snapshot") as caught:
        tried(SnapshotStore(tmp_path), study_rule("AGE-01"))
    assert "nightround pull venous_occlusion" in caught.value.remedy
