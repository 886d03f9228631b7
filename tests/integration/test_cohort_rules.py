"""A rule on all rows together: one finding without a record, from the rule to the mail, the list and its link."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import comb
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightround.model.doubts import Doubts
from nightround.model.errors import StudyFilesWrong
from nightround.model.finding import FindingState, Resolution
from nightround.rule_desk.lint import lint_study
from nightround.rule_desk.rule_catalogue import catalogue
from nightround.study.folder import load_study
from nightround.validation.last_digits import prefers, upper_tail
from tests.integration.test_rules_across_records import mail, write_study
from tests.made_findings import made_finding, made_row
from tests.small_study import SmallStudy, small_study

COUNT = 30
DIGITS = 'digits = { field = "weight" }'


def patients(last: Sequence[int]) -> list[dict[str, str]]:
    """Patients whose weights end in these digits."""
    return [
        {"record_id": str(number), "weight": f"{60 + number}.{digit}"} for number, digit in enumerate(last, start=1)
    ]


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """Thirty weights that all end in 0 or 5, and a coordinator beside the data manager."""
    files = tmp_path / "files" / "small_study"
    write_study(files, DIG=DIGITS)
    toml = (files / "study.toml").read_text(encoding="utf-8").replace('"data_manager", "coordinator"', '"data_manager"')
    coordinator = (
        '[[people]]\nrole = "coordinator"\naddress = "co@example.org"\nlanguage = "zh"\nowns = ["coordinator"]\n'
    )
    (files / "study.toml").write_text(toml + coordinator, encoding="utf-8")
    with small_study(tmp_path / "data", files, files / "project", patients([0, 5] * (COUNT // 2))) as opened:
        yield opened


def test_one_finding_without_a_record_goes_to_the_data_manager_alone(study: SmallStudy) -> None:
    """It is in the list with the project's page as its link, stays one, and ends when the digits are as by chance."""
    study.round()
    (found,) = study.findings()
    assert (found.row.record, found.fields, found.owner) == ("", ("weight",), "data_manager")
    sent = sorted(path.name for path in (study.folder / "outbox").rglob("*.eml"))
    assert [name for name in sent if "coordinator" in name] == []
    assert [name for name in sent if "data_manager" in name] != []
    assert "All records together" in mail(study)
    (listed,) = study.folder.glob("runs/*/findings.csv")
    (line,) = csv.DictReader(listed.read_text(encoding="utf-8-sig").splitlines())
    assert (line["record"], line["rule"]) == ("", "DIG")
    assert "id=" not in line["link"].replace("pid=", "")
    study.next_day()
    study.round()
    assert [one.id for one in study.findings() if one.state is FindingState.OPEN] == [found.id]
    study.next_day()
    study.client.import_records(patients([number % 10 for number in range(COUNT)]), overwrite=True)
    study.round()
    (closed,) = study.findings()
    assert (closed.id, closed.resolution) == (found.id, Resolution.FIXED)


@given(st.integers(1, 60), st.data())
def test_the_tail_is_that_of_exact_fractions(count: int, data: st.DataObject) -> None:
    """Every probability to twelve digits, and no alarm where the exact tail gives none."""
    hits = data.draw(st.integers(0, count))
    chance = Fraction(1, 5)
    exact = sum(comb(count, one) * chance**one * (1 - chance) ** (count - one) for one in range(hits, count + 1))
    assert upper_tail(hits, count) == pytest.approx(float(exact), rel=1e-10)
    assert prefers(hits, count, 0.05) is (exact < Fraction(1, 20) / (count * (count + 1)))


def test_the_form_is_checked_linted_and_in_the_catalogue(tmp_path: Path) -> None:
    """Another owner and a field that is no number are named; the catalogue says it in both languages."""
    write_study(tmp_path / "one", DIG=DIGITS)
    assert [one for one in lint_study(tmp_path / "one") if one.level == "error"] == []
    page = catalogue(load_study(tmp_path / "one"))
    assert "末位数字" in page
    assert "ends in 0 or 5 more often" in page
    write_study(tmp_path / "two", DIG=f'{DIGITS}\nowner = "coordinator"')
    with pytest.raises(StudyFilesWrong, match="owned by data_manager alone"):
        load_study(tmp_path / "two")
    write_study(tmp_path / "three", DIG='digits = { field = "born" }')
    assert "lint.digits_of_no_number" in {one.code for one in lint_study(tmp_path / "three")}


def test_rows_that_are_gone_without_a_reason_close_no_finding_of_the_cohort() -> None:
    """What is left may look better than all of it."""
    finding = made_finding(row=made_row("", instrument="base", event=""))
    assert not Doubts().withhold(finding)
    assert Doubts(suspects=frozenset([made_row("7")])).withhold(finding)
