"""The profile of one patient: what is on it, and what must not."""

from dataclasses import replace
from pathlib import Path

import pytest

from nightround.model.errors import UsageWrong
from nightround.model.language import LANGUAGES, Language, Words
from nightround.report.forget_in_reports import forget_in_reports
from nightround.report.making import Press
from nightround.report.patient_profile import ProfileFacts, make_profile, outside, profile_html
from nightround.report.printing.cleaning import spaced
from nightround.report.profile_files import PROFILES, name_of_profile
from nightround.study.plan import Limits
from tests.interim_samples import AGE_RULE, PLANNED, KeptSnapshots, open_finding, patients, snapshot_of
from tests.report_samples import TEMPLATES


def facts(record: str = "2", **edits: str) -> ProfileFacts:
    """The profile of a record of which some values were edited since the last report."""
    rows = [{**row, **edits} if row["record_id"] == record and "age" in row else row for row in patients()]
    return ProfileFacts(
        record=record,
        title=Words("合成研究", "Made-up study"),
        synthetic=True,
        plan=PLANNED,
        snapshot=snapshot_of(rows, "b"),
        earlier=snapshot_of(patients()),
        findings=(open_finding(AGE_RULE, record),),
        rules={AGE_RULE.id: AGE_RULE},
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_findings_values_and_what_is_new_stand_on_it(language: Language) -> None:
    """The edited value with the one before, the open finding, and the value of each line of the plan."""
    page = profile_html(facts(age="88"), language, TEMPLATES)
    before = next(row["age"] for row in patients() if row["record_id"] == "2")
    assert all(f">{text}<" in page for text in (before, "88", AGE_RULE.finding_title.in_(language)))
    assert all(spaced(variable.label.in_(language)) in page for table in PLANNED.tables for variable in table.variables)


def test_what_identifies_the_patient_is_left_out() -> None:
    """A field that REDCap marks as an identifier is shown neither now nor before."""
    made = facts(seen="2026-01-31")
    assert "2026-01-31" in profile_html(made, "en", TEMPLATES)
    hidden = [replace(one, identifier=one.name == "seen") for one in made.snapshot.dictionary.fields]
    snapshots = [
        replace(one, dictionary=replace(one.dictionary, fields=tuple(hidden)))
        for one in (made.snapshot, made.earlier)
        if one
    ]
    page = profile_html(replace(made, snapshot=snapshots[0], earlier=snapshots[1]), "en", TEMPLATES)
    assert "2026-01-31" not in page


def test_a_record_that_is_not_there_is_a_wrong_use(tmp_path: Path) -> None:
    """An unknown record is refused, and the refusal does not repeat it."""
    with pytest.raises(UsageWrong) as caught:
        make_profile(press(tmp_path), replace(facts(), record="zebra-7"))
    assert "zebra" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_profile_is_one_private_file_a_language_that_forget_removes(tmp_path: Path) -> None:
    """No name of a file contains the record, only its owner may read it, and forgetting the record removes it."""
    paths = make_profile(press(tmp_path), facts())
    assert {path.name for path in paths} == {f"{name_of_profile('2')}_{language}.pdf" for language in LANGUAGES}
    assert all(path.stat().st_mode & 0o077 == 0 for path in paths)
    kept = tmp_path / PROFILES / f"{name_of_profile('3')}_en.pdf"
    kept.write_bytes(b"another patient's")
    assert sorted(forget_in_reports(tmp_path, ["2"], []).removed) == sorted(paths)
    assert kept.exists()


@pytest.mark.parametrize(
    ("text", "mark"), [("9.9", " ↓"), ("10", ""), ("20", ""), ("20.1", " ↑"), ("", ""), ("<5", "")]
)
def test_a_value_outside_of_its_limits_has_an_arrow(text: str, mark: str) -> None:
    """The limits themselves are within; a text that is no number has no arrow."""
    assert outside(text, Limits(low=10, high=20, source="made up")) == mark
    assert outside(text, None) == ""


def press(folder: Path) -> Press:
    """A press of an empty folder."""
    return Press(TEMPLATES, KeptSnapshots(), folder)  # type: ignore[arg-type]
