"""A rule on all rows together: one finding without a record, from the rule to the mail, the list and its link."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nightround.findings.reconcile import reconcile
from nightround.model.doubts import Doubts
from nightround.model.errors import StudyFilesWrong
from nightround.model.finding import Finding, FindingState, LedgerDelta, Resolution
from nightround.model.language import Words
from nightround.model.outcome import Outcome, Status, Violation
from nightround.model.rule import RuleKind
from nightround.rule_desk.lint import lint_study
from nightround.rule_desk.rule_catalogue import catalogue
from nightround.rule_desk.rule_documents import suites_document
from nightround.study.folder import load_study
from nightround.validation.evaluation import RuleResult, evaluate_rules
from nightround.validation.judged_rules import JudgedRule, written
from nightround.validation.judged_rules import read as read_judged
from nightround.validation.rule_inputs import Inputs
from redcap_sync.rows.tables import RowKey
from tests.integration.test_rules_across_records import mail, write_study
from tests.made_findings import made_finding, made_row, made_rule
from tests.small_study import SmallStudy, small_study

COUNT = 30
DIGITS = 'cohort = { check = "digit_preference", fields = ["weight"] }'


def patients(last: Sequence[int]) -> list[dict[str, str]]:
    """Patients whose weights end in these digits."""
    return [
        {"record_id": str(number), "weight": f"{60 + number}.{digit}"} for number, digit in enumerate(last, start=1)
    ]


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """Thirty weights that all end in 0 or 5, and a coordinator next to the data manager."""
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
    write_study(tmp_path / "three", DIG='cohort = { check = "digit_preference", fields = ["born"] }')
    assert "lint.cohort_no_number" in {one.code for one in lint_study(tmp_path / "three")}


def test_rows_that_are_gone_without_a_reason_close_no_finding_of_the_cohort() -> None:
    """What is left may look better than all of it."""
    finding = made_finding(row=made_row("", instrument="base", event=""))
    assert not Doubts().withhold(finding)
    assert Doubts(suspects=frozenset([made_row("7")])).withhold(finding)


VISITS = 3
CHECKS = {
    "DIG": 'cohort = { check = "digit_preference", fields = ["weight"], each_group = true }',
    "DAY": 'cohort = { check = "weekday_effect", fields = ["weight"], date = "born" }',
    "WHO": 'cohort = { check = "examiner_effect", fields = ["weight"], examiner = "hospital_no" }',
    "LOW": 'cohort = { check = "little_spread", fields = ["weight"], each_group = true }',
    "MAN": 'cohort = { check = "little_spread", fields = ["weight"], examiner = "hospital_no" }',
    "COP": 'cohort = { check = "copied_rows", fields = ["weight", "born", "hospital_no"] }',
    "OUT": 'cohort = { check = "outliers", fields = ["weight"] }',
    "CNT": 'count = { instrument = "base", at_least = 1 }',
}
GROUP = "[record-dag-name]"


def cohort(count: int = 120) -> pd.DataFrame:
    """Rows of two groups and two examiners, three visits a record: weights by chance, to one decimal."""
    random = np.random.default_rng(3)
    weights = random.normal(70, 8, count)
    rows = [
        {
            "record": str(number // VISITS),
            "event": f"visit_{number % VISITS}",
            "instrument": "base",
            "instance": 0,
            "weight": f"{weights[number]:.1f}",
            "born": f"2024-01-{1 + number % 28:02d}",
            "hospital_no": "AB"[number // VISITS % 2],
            GROUP: ("north", "south")[number // VISITS % 2],
        }
        for number in range(count)
    ]
    return pd.DataFrame(rows)


def judged(frame: pd.DataFrame, tmp_path: Path) -> dict[str, RuleResult]:
    """The results of the rules on a frame, read back from the JSON of their suites."""
    write_study(tmp_path / "small_study", **CHECKS)
    suites = json.loads(json.dumps(suites_document(load_study(tmp_path / "small_study"))))
    logic = {one["kwargs"]["rule_id"]: one["kwargs"]["logic"] for suite in suites for one in suite["expectations"]}
    texts = {f"[{name}:as-text]": frame[name] for name in ("weight", "born", "hospital_no")}
    names = {name for one in logic.values() for name in one["check"]["columns"]}
    counted = dict.fromkeys(logic["CNT"]["check"]["settings"]["counted"], "1")
    read = {name: frame[name.strip("[]").split(":")[0]] for name in names if name not in frame}
    return evaluate_rules(frame.assign(**read, **texts, **counted), logic)


def found(results: Mapping[str, RuleResult]) -> dict[str, list[str]]:
    """The groups of each rule that has findings."""
    seen = {name: [one.group for one in result.cohort if one.found] for name, result in results.items()}
    return {name: groups for name, groups in seen.items() if groups}


def planted(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """The rows with one fault that no row shows."""
    south = frame[GROUP].eq("south")
    numbers = frame["weight"].astype(float)
    match what:
        case "DIG":
            changed = numbers.where(~south, numbers.round())
        case "DAY":
            changed = numbers + 20 * pd.to_datetime(frame["born"]).dt.day_of_week.eq(0)
        case "WHO":
            changed = numbers + 12 * south
        case "LOW":
            changed = numbers.where(~south, 70 + (numbers - 70) / 8)
        case "OUT":
            changed = numbers.where(frame.index != 7, 700.0)
        case _:
            first = frame.groupby("record")[["weight", "born", "hospital_no"]].transform("first")
            return frame.assign(**first)
    return frame.assign(weight=changed.map(lambda one: f"{one:.1f}"))


@pytest.mark.parametrize(
    ("what", "seen"),
    [
        ("nothing", {}),
        ("DIG", {"DIG": ["south"]}),
        ("DAY", {"DAY": [""]}),
        ("WHO", {"WHO": [""]}),
        ("LOW", {"LOW": ["south"], "MAN": [""]}),
        ("COP", {"COP": [""]}),
        ("OUT", {"OUT": [""]}),
    ],
)
def test_each_check_sees_its_own_fault_in_its_group_from_the_json_of_its_suite(
    what: str, seen: dict[str, list[str]], tmp_path: Path
) -> None:
    """Clean rows have no finding; a planted fault is seen by the check that looks for it, and by no other."""
    clean = cohort()
    results = judged(clean if what == "nothing" else planted(clean, what), tmp_path)
    assert {name: one.error for name, one in results.items() if one.error} == {}
    assert found(results) == seen
    if what == "OUT":
        (out,) = (one for one in results["OUT"].cohort if one.found)
        assert out.rows == (7,)


def test_what_a_check_saw_is_kept_with_the_judged_rules(tmp_path: Path) -> None:
    """Read back from the file of judged rules it is the same."""
    result = judged(planted(cohort(), "COP"), tmp_path)["COP"]
    inputs = Inputs("rule", "code", {})
    kept = JudgedRule("COP", "base", ("base",), "1", inputs, result, (), {})
    assert read_judged(written([kept], "study"), "study")["COP"].result.cohort == result.cohort


def test_a_group_has_a_finding_of_its_own_that_ends_with_it() -> None:
    """Two groups are two findings with two ids; the one that is tested again without a result is fixed."""
    rules = {"DIG": replace(made_rule("DIG"), kind=RuleKind.COHORT, owner="data_manager")}
    now = datetime(2025, 7, 1, tzinfo=UTC)
    row = RowKey("", "", "base", 0)

    def night(known: Sequence[Finding], *broken: str, tested: Sequence[str] = ("north", "south")) -> LedgerDelta:
        violations = tuple(
            Violation("DIG", row, ("weight",), {}, group=name, said=Words("数字", f"Digits of {name}"))
            for name in broken
        )
        keys = frozenset((("weight",), name) for name in tested)
        status = Status.FAILED if violations else Status.PASSED
        outcome = Outcome("DIG", status, 9, 9, len(violations), violations=violations, tested=keys)
        return reconcile("s", known, [outcome], rules, rows=frozenset(), complete=True, now=now)

    first = night([], "north", "south").opened
    assert len({one.id for one in first}) == len(first) == 2
    assert {one.shown_as(rules["DIG"]).en for one in first} == {"Digits of north", "Digits of south"}
    second = night(first, "south")
    assert [one.group for one in second.persisting] == ["south"]
    assert [(one.group, one.resolution) for one in second.resolved] == [("north", Resolution.FIXED)]
    third = night(first, "south", tested=("south",))
    assert [one.resolution for one in third.resolved] == [Resolution.OUT_OF_SCOPE]


@pytest.mark.parametrize(
    "asked",
    [
        '{ check = "weekday_effect", fields = ["weight"] }',
        '{ check = "examiner_effect", fields = ["weight"] }',
        '{ check = "little_spread", fields = ["weight"] }',
        '{ check = "copied_rows", fields = ["weight", "born"] }',
        '{ check = "digit_preference", fields = ["weight"], examiner = "hospital_no" }',
        '{ check = "digit_preference", fields = ["weight"] }\nfields = ["born"]',
    ],
)
def test_a_check_that_lacks_what_it_needs_is_refused(asked: str, tmp_path: Path) -> None:
    """The message names the check and the key."""
    write_study(tmp_path / "one", DIG=f"cohort = {asked}")
    with pytest.raises(StudyFilesWrong, match="of the check"):
        load_study(tmp_path / "one")


def test_many_checks_are_named_because_one_of_twenty_clean_studies_would_see_an_alarm(tmp_path: Path) -> None:
    """The alpha of all of them adds up to no more than 5%."""
    for count, warned in ((10, False), (11, True)):
        rules = {f"D{number}": DIGITS for number in range(count)}
        write_study(tmp_path / str(count), **rules)
        codes = {one.code for one in lint_study(tmp_path / str(count))}
        assert ("lint.many_cohort_checks" in codes) is warned


def test_the_certificate_says_what_each_test_could_have_seen(study: SmallStudy) -> None:
    """The numbers are in the finding's title, the least effect in the certificate."""
    study.round()
    (finding,) = study.findings()
    assert "30 of 30 values end in 0 or 5" in finding.title.en
    (listed,) = study.folder.glob("runs/*/coverage.json")
    (rule,) = (one for one in json.loads(listed.read_bytes())["rules"] if one["id"] == "DIG")
    assert "would have been seen in four of five cases" in rule["notes"][0]["en"]
