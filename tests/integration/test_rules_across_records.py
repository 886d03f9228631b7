"""Rules across records, from a rule file to the mail, the list and the commands."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nightround.cli.main import cli
from nightround.findings.finding_answers import answer
from nightround.model.errors import StudyFilesWrong
from nightround.model.finding_answer import AnswerCode
from nightround.night import Night
from nightround.night.answer_step import act_on
from nightround.rule_desk.lint import lint_study
from nightround.rule_desk.rule_catalogue import catalogue
from nightround.rule_desk.rule_documents import suites_document
from nightround.study.folder import load_study
from nightround.validation.evaluation import evaluate_rules
from tests.small_study import SmallStudy, small_study

STUDY_TOML = """\
[study]
id = "small_study"
time_zone = "Asia/Shanghai"
record_id_in_messages = {named}
[study.title]
zh = "跨记录规则"
en = "Rules across records"
[[people]]
role = "data_manager"
address = "dm@example.org"
language = "en"
owns = ["data_manager", "coordinator"]
"""
RULE = """
[[rule]]
id = "{id}"
instrument = "base"
severity = "major"
source = "made up"
title = {{ zh = "{id} 应唯一", en = "{id} is unique" }}
advice = {{ zh = "请核对。", en = "Compare them." }}
{asked}
"""
METADATA = """\
field_name,form_name,field_type,field_label,text_validation_type_or_show_slider_number,identifier
record_id,base,text,Record,,
hospital_no,base,text,Hospital number,,y
born,base,text,Born,date_ymd,
weight,base,text,Weight,number,
"""
RULES = {
    "DUP": 'unique = ["hospital_no"]',
    "NEAR": 'alike = { fields = ["born"], within = { weight = 0.5 } }',
    "ROWS": 'count = { instrument = "base", at_least = 1 }',
}
PATIENTS = (
    {"record_id": "1", "hospital_no": "A17", "born": "1960-02-01", "weight": "70"},
    {"record_id": "2", "hospital_no": "a17 ", "born": "1960-02-01", "weight": "70.4"},
    {"record_id": "3", "hospital_no": "B4", "born": "1960-02-01", "weight": "71"},
    {"record_id": "4", "hospital_no": "", "born": "", "weight": ""},
    {"record_id": "5", "hospital_no": "", "born": "", "weight": ""},
)


def write_study(files: Path, *, named: bool = True, **rules: str) -> None:
    """A study of one instrument with some rules."""
    for folder in ("project", "rules"):
        (files / folder).mkdir(parents=True, exist_ok=True)
    (files / "study.toml").write_text(STUDY_TOML.format(named=str(named).lower()), encoding="utf-8")
    (files / "project" / "instruments.csv").write_text("instrument_name,instrument_label\nbase,Base\n")
    (files / "project" / "metadata.csv").write_text(METADATA)
    (files / "project" / "project.json").write_text('{"project_title": "SYNTHETIC", "is_longitudinal": 0}')
    text = "".join(RULE.format(id=name, asked=asked) for name, asked in rules.items())
    if rules:
        (files / "rules" / "rules.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """Five patients: two share a hospital number, both of them and a third a date of birth and nearly the weight."""
    files = tmp_path / "files" / "small_study"
    write_study(files, **RULES)
    with small_study(tmp_path / "data", files, files / "project", PATIENTS) as opened:
        yield opened


def open_findings(study: SmallStudy) -> dict[str, list[str]]:
    """The records of each open finding, by rule."""
    return {one.rule_id: [row.record for row in one.rows] for one in study.findings() if one.state == "open"}


def mail(study: SmallStudy) -> str:
    """The text of the newest mail."""
    import email
    from email import policy

    newest = max((study.folder / "outbox").rglob("*.eml"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    message = email.message_from_bytes(newest.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_a_group_of_records_is_one_finding_in_mail_list_and_command(study: SmallStudy) -> None:
    """Each place names every record concerned, and none of their values."""
    study.round()
    found = sorted((one.rule_id, [row.record for row in one.rows]) for one in study.findings())
    assert found == [("DUP", ["1", "2"]), ("NEAR", ["1", "2"]), ("ROWS", ["4"]), ("ROWS", ["5"])]
    text = mail(study)
    assert "together with Record 2" in text
    assert "17" not in text.replace("2017", "")
    (listed,) = study.folder.glob("runs/*/findings.csv")
    lines = {line["rule"]: line for line in csv.DictReader(listed.read_text(encoding="utf-8-sig").splitlines())}
    assert (lines["DUP"]["record"], lines["DUP"]["other_rows"]) == ("1", "2 base")
    asked = ["findings", str(study.source), "--data", str(study.data), "--record", "2", "--json"]
    document = json.loads(CliRunner().invoke(cli, asked).stdout)
    assert {one["rule_id"]: one["others"][0]["record"] for one in document["findings"]} == {"DUP": "2", "NEAR": "2"}


def test_a_third_record_joins_and_the_last_two_part(study: SmallStudy) -> None:
    """The finding keeps its id while the group changes, and is fixed when no two are left."""
    study.round()
    before = {one.rule_id: one.id for one in study.findings()}
    study.next_day()
    study.type_in("3", hospital_no="A17")
    study.round()
    assert open_findings(study)["DUP"] == ["1", "2", "3"]
    study.next_day()
    study.type_in("2", hospital_no="C9")
    study.type_in("3", hospital_no="C8")
    study.round()
    closed = {one.rule_id: one for one in study.findings() if one.state != "open"}
    assert (closed["DUP"].id, closed["DUP"].resolution) == (before["DUP"], "fixed")


def test_a_mail_that_may_name_no_record_counts_the_others(tmp_path: Path) -> None:
    """Where record ids stay out of mails, the mail says how many rows there are."""
    files = tmp_path / "files" / "small_study"
    write_study(files, named=False, **RULES)
    with small_study(tmp_path / "data", files, files / "project", PATIENTS) as opened:
        opened.round()
        assert "together with other rows: 1" in mail(opened)


def test_every_new_form_is_linted_catalogued_and_in_the_suites(tmp_path: Path) -> None:
    """Sound rules get no error; each says in both languages what it looks for; a suite's JSON alone judges the same."""
    files = tmp_path / "small_study"
    write_study(files, **RULES)
    assert [one for one in lint_study(files) if one.level != "note"] == []
    study = load_study(files)
    page = catalogue(study)
    for said in (
        "不同记录中Hospital number 相同",
        "Weight differ by no more than 0.5",
        "The record has fewer than 1 rows of Base",
    ):
        assert said in page, page
    expectations = [one for suite in suites_document(study) for one in suite["expectations"]]
    logic = {one["kwargs"]["rule_id"]: one["kwargs"]["logic"] for one in json.loads(json.dumps(expectations))}
    import pandas as pd

    rows = [{"record": one["record_id"], "event": "", "instrument": "base", "instance": 0, **one} for one in PATIENTS]
    results = evaluate_rules(pd.DataFrame(rows), {name: logic[name] for name in ("DUP", "NEAR")})
    assert {name: one.others for name, one in results.items()} == {"DUP": {0: (1,)}, "NEAR": {0: (1,)}}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ('unique = ["hospital_no"]\ndiscrepancy = "1 = 1"', "exactly one of"),
        ("", "exactly one of"),
        ("alike = {}", "fields or within"),
        ("count = { at_least = 1 }", "an instrument or events"),
        ('count = { instrument = "base", at_least = 2, at_most = 1 }', "at_least is not more than at_most"),
        ('alike = { within = { born = "3 weeks" } }', "3d, 12h or 30min"),
        ("alike = { within = { weight = -1 } }", "0 or more"),
        ('alike = { fields = ["born"], between = "all" }', "'records'"),
        ('unique = ["born"]\nexamples = [{ values = { born = "" }, verdict = "passes" }]', "a single row"),
        ('unique = ["born"]\nuniqe = ["born"]', "uniqe"),
    ],
)
def test_a_form_that_means_nothing_is_refused_with_its_reason(tmp_path: Path, asked: str, said: str) -> None:
    """A rule file is read whole or not at all, and says where it is wrong."""
    write_study(tmp_path, X=asked)
    with pytest.raises(StudyFilesWrong) as caught:
        load_study(tmp_path)
    assert said in str(caught.value.part("what")) + str(caught.value.part("why")) + str(caught.value.part("remedy"))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ('unique = ["hospitl_no"]', "lint."),
        ("alike = { within = { born = 3 } }", "lint.within_of_date"),
        ('alike = { within = { weight = "3d" } }', "lint.within_of_number"),
        ('count = { instrument = "nowhere", at_most = 1 }', "lint.not_evaluated"),
        ('count = { events = ["nowhere"], at_most = 1 }', "lint.not_evaluated"),
    ],
)
def test_lint_names_what_the_project_cannot_answer(tmp_path: Path, asked: str, code: str) -> None:
    """An error, because the rule would judge nothing."""
    write_study(tmp_path, X=asked)
    found = [one for one in lint_study(tmp_path) if one.level == "error"]
    assert any(one.code.startswith(code) for one in found), found


def test_the_projects_secondary_unique_field_has_a_rule_by_itself(tmp_path: Path) -> None:
    """REDCap asks for it when somebody types, not of every import; `unique = false` leaves it out."""
    files = tmp_path / "files" / "small_study"
    write_study(files)
    settings: dict[str, Any] = {
        "project_title": "SYNTHETIC",
        "is_longitudinal": 0,
        "secondary_unique_field": "hospital_no",
    }
    (files / "project" / "project.json").write_text(json.dumps(settings))
    with small_study(tmp_path / "data", files, files / "project", PATIENTS) as opened:
        opened.round()
        assert open_findings(opened) == {"unique:hospital_no": ["1", "2"]}
        toml = files / "study.toml"
        toml.write_text(toml.read_text(encoding="utf-8") + "[dictionary_rules]\nunique = false\n", encoding="utf-8")
        opened.next_day()
        opened.round()
        assert open_findings(opened) == {}


def test_a_confirmed_group_is_asked_about_again_when_any_of_its_rows_changes(study: SmallStudy) -> None:
    """A waiver is bound to the values of all rows of the group, not to those of the first alone."""
    study.round()
    near = next(one.id for one in study.findings() if one.rule_id == "NEAR")

    def confirm(night: Night) -> None:
        act_on(
            night, near, lambda one, by, terms: answer(one, AnswerCode.CONFIRMED_CORRECT, by, terms), by="coordinator"
        )

    study.command("answer", confirm)
    states = []
    for weight in ("70.4", "70.5"):
        study.next_day()
        study.type_in("2", weight=weight)
        study.round()
        states.append(next(one.state.value for one in study.findings() if one.id == near))
    assert states == ["waived", "open"]
