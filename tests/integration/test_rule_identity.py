"""Nights between which somebody edits the rules: what was not corrected in the data is never called fixed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nightround.cli.main import main
from nightround.model.finding import Resolution
from nightround.model.rule import Rule
from nightround.store.database import open_store
from nightround.validation.judged_rules import JudgedRule, written
from nightround.validation.rule_inputs import rule_hash
from redcap_sync.project.custom_rules import CustomRule
from tests.small_study import SmallStudy, small_study

STUDY_TOML = """\
[study]
id = "small_study"
time_zone = "Asia/Shanghai"
record_id_in_messages = true
[study.title]
zh = "规则次序"
en = "Order of rules"
[[people]]
role = "data_manager"
address = "dm@example.org"
language = "en"
owns = ["data_manager", "coordinator"]
"""
METADATA = "field_name,form_name,field_type,field_label,text_validation_type_or_show_slider_number\n"
FIELDS = "record_id,base,text,Record,\nx,base,text,X,number\n"
ABOVE_90, ABOVE_3 = CustomRule("x above 90", "[x] > 90"), CustomRule("x above 3", "[x] > 3")
FRONT = CustomRule("x below zero", "[x] < 0")


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """A project of one number: 5 in record 1 breaks one of two rules of the project, 99 in record 2 both."""
    files = tmp_path / "files" / "rules_reordered"
    (files / "project").mkdir(parents=True)
    (files / "rules").mkdir()
    (files / "study.toml").write_text(STUDY_TOML, encoding="utf-8")
    (files / "project" / "instruments.csv").write_text("instrument_name,instrument_label\nbase,Base\n")
    (files / "project" / "metadata.csv").write_text(METADATA + FIELDS)
    (files / "project" / "project.json").write_text('{"project_title": "SYNTHETIC", "is_longitudinal": 0}')
    patients = ({"record_id": "1", "x": "5"}, {"record_id": "2", "x": "99"})
    with small_study(tmp_path / "data", files, files / "project", patients) as opened:
        write_rules(opened, ABOVE_90, ABOVE_3)
        yield opened


def write_rules(study: SmallStudy, *rules: CustomRule) -> None:
    """Save the rules of the project as REDCap's Data Quality page does."""
    lines = ["rule_name,rule_logic,real_time_execution", *(f"{one.name},{one.logic},n" for one in rules)]
    (study.source / "project_rules.csv").write_text("\r\n".join(lines) + "\r\n", encoding="utf-8", newline="")


def write_own(study: SmallStudy, **rule: str) -> None:
    """Write a rule file of one rule."""
    facts = {"id": '"X-1"', "discrepancy": '"[x] > 90"', "severity": '"major"'} | rule
    words = '{ zh = "X 过大", en = "X is large" }'
    lines = [f"{name} = {text}" for name, text in facts.items()]
    fixed = f'instrument = "base"\nfields = ["x"]\nsource = ""\ntitle = {words}\nadvice = {words}\n'
    (study.source / "rules" / "own.toml").write_text("\n".join(["[[rule]]", *lines, fixed]), encoding="utf-8")


def next_night(study: SmallStudy) -> dict[str, int]:
    """Make the next night; returns what it changed, without what stayed."""
    study.next_day()
    return {
        name: n for name, n in study.round().findings.items() if n and name not in ("persisting", "untouched", "under")
    }


def closings(study: SmallStudy) -> dict[tuple[str, str], str]:
    """Why each closed finding was closed, by record and the title it is shown as."""
    return {
        (one.row.record, one.title.en): f"{one.state.value}: {one.resolution.value}"
        for one in study.findings()
        if one.resolution
    }


LISTS = {
    "swapped": (ABOVE_3, ABOVE_90),
    "one in front": (FRONT, ABOVE_90, ABOVE_3),
    "one between": (ABOVE_90, FRONT, ABOVE_3),
    "written with other spaces": (CustomRule("x  above 90", "[x]>90"), ABOVE_3),
    "one of them twice": (ABOVE_90, ABOVE_3, ABOVE_90),
}


@pytest.mark.parametrize("rules", LISTS.values(), ids=LISTS.keys())
def test_the_order_of_the_rules_of_a_project_changes_no_finding(
    study: SmallStudy, rules: tuple[CustomRule, ...]
) -> None:
    """A rule of the project is known by its name and logic, wherever it is in the list."""
    assert study.round().findings["opened"] == 3
    before = study.findings()
    write_rules(study, *rules)
    assert next_night(study) == {}
    assert [one.id for one in study.findings()] == [one.id for one in before]


def test_a_deleted_rule_takes_its_findings_along_and_no_others(study: SmallStudy) -> None:
    """The first of two rules is deleted: its finding is withdrawn with its title, those of the second stay."""
    study.round()
    write_rules(study, ABOVE_3)
    assert next_night(study) == {"withdrawn": 1}
    assert closings(study) == {("2", "x above 90"): "withdrawn: rule_withdrawn"}
    assert "x above 90: 1 (1 because the rule was withdrawn)" in pages(study)[-1]


def pages(study: SmallStudy) -> list[str]:
    """The pages of all mails, oldest first."""
    found = sorted((study.folder / "outbox").glob("*.html"), key=lambda path: path.stat().st_mtime_ns)
    return [path.read_text(encoding="utf-8") for path in found]


EDITS: dict[str, tuple[dict[str, str], dict[str, int], str]] = {
    "relaxed": ({"discrepancy": '"[x] > 100"'}, {"withdrawn": 1}, "withdrawn: rule_changed"),
    "narrowed": ({"applies": '"[record_id] = 1"'}, {"withdrawn": 1}, "withdrawn: rule_changed"),
    "made stricter": ({"discrepancy": '"[x] > 80"'}, {}, ""),
    "renamed": ({"id": '"Y-1"', "was": '"X-1"'}, {}, ""),
    "renamed twice": ({"id": '"Z-1"', "was": '["X-1", "Y-1"]'}, {}, ""),
    "renamed and relaxed": (
        {"id": '"Y-1"', "was": '"X-1"', "discrepancy": '"[x] > 100"'},
        {"withdrawn": 1},
        "withdrawn: rule_changed",
    ),
    "regraded": ({"severity": '"minor"'}, {}, ""),
    "no longer readable": ({"discrepancy": '"[nothing] > 1"'}, {}, ""),
}


@pytest.mark.parametrize(("edit", "changed", "why"), EDITS.values(), ids=EDITS.keys())
def test_an_edited_rule_keeps_or_withdraws_its_finding(
    study: SmallStudy, edit: dict[str, str], changed: dict[str, int], why: str
) -> None:
    """Whatever is edited, the finding is the same one with its age, or closed for that very reason."""
    write_rules(study)
    write_own(study)
    assert study.round().findings["opened"] == 1
    (before,) = study.findings()
    write_own(study, **edit)
    assert next_night(study) == changed
    (after,) = study.findings()
    assert (after.id, after.opened_at, after.title) == (before.id, before.opened_at, before.title)
    assert closings(study) == ({("2", "X is large"): why} if why else {})


def test_a_corrected_value_is_not_called_fixed_by_an_edited_rule(study: SmallStudy) -> None:
    """The value and the rule changed in one night: the rule that saw the value was never asked again."""
    write_rules(study)
    write_own(study)
    study.round()
    study.type_in("2", x="4")
    write_own(study, discrepancy='"[x] > 95"')
    assert next_night(study) == {"withdrawn": 1}


def test_a_rule_that_is_switched_off_keeps_its_findings_in_silence(study: SmallStudy) -> None:
    """Until the date the finding stays open, marked, in no mail; then a night judges it, and closes it by proof."""
    write_rules(study)
    write_own(study)
    study.round()
    settings = study.source / "study.toml"
    until = f"{study.now[0].date().replace(day=4)}"
    off = f'[rules]\noff = [{{ id = "X-1", reason = "The limit is being reviewed", until = {until} }}]\n'
    settings.write_text(STUDY_TOML + off, encoding="utf-8")
    study.type_in("2", x="4")
    study.next_day()  # the night from 2 to 3 July in Shanghai
    summary = study.round()
    assert (summary.findings["resolved"], summary.findings["withdrawn"], summary.findings["untouched"]) == (0, 0, 1)
    assert summary.outcomes["could_not_be_evaluated"] == 1
    mail = pages(study)[-1]
    assert f"it is switched off until {until}: The limit is being reviewed" in mail
    assert "open for" not in mail
    (listed,) = sorted((study.folder / "runs").glob("*/findings.csv"))[-1:]
    assert f",{until}," in listed.read_text(encoding="utf-8")
    assert next_night(study) == {"resolved": 1}
    assert closings(study) == {("2", "X is large"): "resolved: fixed"}


@pytest.fixture
def by_position(study: SmallStudy) -> SmallStudy:
    """The study with the data of an earlier version, whose rules of the project have their numbers as ids."""
    study.round()
    with study.opened("read") as night:
        rules = {rule.id: rule for rule in night.facts.study.project_rules}
        numbers = {rule_id: str(number) for number, rule_id in enumerate(rules, start=1)}
        file = night.facts.judged_file
        kept = [_numbered(one, numbers[one.rule_id], rules[one.rule_id]) for one in file.load().values()]
        file.vault.write(file.path, written(kept, file.study))
    with open_store(study.folder / "nightround.sqlite3") as store, store.engine.begin() as connection:
        for rule_id, number in numbers.items():
            connection.exec_driver_sql(
                "UPDATE findings SET rule_id = ?, logic = '' WHERE rule_id = ?", (number, rule_id)
            )
    return study


def _numbered(judged: JudgedRule, number: str, rule: Rule) -> JudgedRule:
    """A judged rule as it was kept under its number."""
    assert judged.inputs is not None
    inputs = replace(judged.inputs, rule=rule_hash(replace(rule, id=number)))
    return replace(judged, rule_id=number, inputs=inputs)


def test_findings_of_numbered_rules_move_to_the_rules_of_the_same_logic(by_position: SmallStudy) -> None:
    """After the update the list is another one too: each finding goes to the rule that asked for it."""
    before = {(one.id, one.row, one.opened_at) for one in by_position.findings()}
    write_rules(by_position, FRONT, ABOVE_3, ABOVE_90)
    assert next_night(by_position) == {}
    assert {(one.id, one.row, one.opened_at) for one in by_position.findings()} == before
    assert {one.rule_id.split("-")[0] for one in by_position.findings()} == {"project:x_above_90", "project:x_above_3"}


def test_findings_of_a_numbered_rule_that_nothing_tells_are_withdrawn(by_position: SmallStudy) -> None:
    """What the rules asked is not known any more: the findings are withdrawn, and open anew under the rule."""
    (by_position.folder / "judged" / "rules.nrj").unlink()
    assert next_night(by_position) == {"opened": 3, "withdrawn": 3}
    assert {one.resolution for one in by_position.findings()} == {None, Resolution.RULE_WITHDRAWN}


def test_a_numbered_rule_that_was_deleted_or_edited_meanwhile_is_withdrawn(by_position: SmallStudy) -> None:
    """No rule has its logic now, so none takes its findings."""
    write_rules(by_position, ABOVE_3._replace(logic="[x] > 4"), ABOVE_90)
    assert next_night(by_position) == {"opened": 2, "withdrawn": 2}


def test_the_list_marks_what_no_mail_repeats(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding under another one names it, one of a rule that is switched off the day; both in table and JSON."""
    write_rules(study, ABOVE_90)
    write_own(study)
    off = f'[rules]\noff = [{{ id = "{project_rule(study)}", reason = "Reviewed", until = 2999-01-01 }}]\n'
    study.round()
    speaking = {one.rule_id: one.id for one in study.findings()}["X-1"]
    assert listed(study, capsys) == {"X-1": (None, None), project_rule(study): (speaking, None)}
    assert f"open (under {speaking[:8]})" in called(study, capsys)
    (study.source / "study.toml").write_text(STUDY_TOML + off, encoding="utf-8")
    assert listed(study, capsys)[project_rule(study)] == (speaking, "2999-01-01")
    assert "open (rule off until 2999-01-01)" in called(study, capsys)


def project_rule(study: SmallStudy) -> str:
    """The id of the only rule of the project."""
    with study.opened("read") as night:
        return night.facts.study.project_rules[0].id


def listed(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str | None, str | None]]:
    """By rule, what speaks for its finding and until when it is switched off."""
    found = json.loads(called(study, capsys, "--json"))["findings"]
    return {one["rule_id"]: (one["under"], one["switched_off_until"]) for one in found}


def called(study: SmallStudy, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What `nightround findings` prints."""
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["findings", str(study.source), "--data", str(study.data), *options])
    return capsys.readouterr().out


@pytest.mark.parametrize("also", [(), (FRONT,)])
def test_a_rule_of_the_project_with_other_logic_is_the_same_rule(
    study: SmallStudy, also: tuple[CustomRule, ...]
) -> None:
    """What it still finds keeps its age, what it no longer finds is `rule_changed`; nothing is fixed or new."""
    study.round()
    before = {(one.rule_id.split("-")[0], one.row.record): one for one in study.findings()}
    study.next_day()
    write_rules(study, *also, ABOVE_90, CustomRule("x above 3", "[x] > 6"))
    study.round()
    after = {one.id: one for one in study.findings()}
    assert after.keys() == {one.id for one in before.values()}
    kept, dropped = (after[before["project:x_above_3", record].id] for record in ("2", "1"))
    assert (kept.resolution, kept.opened_at) == (None, before["project:x_above_3", "2"].opened_at)
    assert dropped.resolution is Resolution.RULE_CHANGED
    assert after[before["project:x_above_90", "2"].id].resolution is None


def test_two_rules_of_one_name_that_are_edited_at_once_are_not_guessed(study: SmallStudy) -> None:
    """Which became which nobody can say: the old findings are withdrawn, and the new rules open their own."""
    write_rules(study, CustomRule("x", "[x] > 90"), CustomRule("x", "[x] > 3"))
    study.round()
    old = {one.id for one in study.findings()}
    study.next_day()
    write_rules(study, CustomRule("x", "[x] > 80"), CustomRule("x", "[x] > 4"))
    study.round()
    assert {one.resolution for one in study.findings() if one.id in old} == {Resolution.RULE_WITHDRAWN}
    assert len([one for one in study.findings() if one.state == "open"]) == 3
