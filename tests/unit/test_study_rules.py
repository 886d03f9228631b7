"""The rules of the first study: their examples, their references, their texts, and the clean cohort."""

from __future__ import annotations

import csv
import importlib.util
import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nightround.findings.reconcile import reconcile
from nightround.model.finding import FindingState
from nightround.model.outcome import Status
from nightround.model.rule import Rule, RuleKind
from nightround.model.snapshot import Snapshot
from nightround.study.folder import Study, load_study
from nightround.study.rules.of_dictionary import rules_from_dictionary
from nightround.validation.run import Validation, validate
from redcap_sync.dictionary import Dictionary, dictionary_from_api
from redcap_sync.logic import holds, parse, references
from redcap_sync.logic.events import nearest_event
from redcap_sync.logic.language import RELATIVE_EVENTS
from redcap_sync.rows.tables import tables_from_records
from redcap_sync.sandbox.csv_folder import project_from_folder
from redcap_sync.sandbox.importing import Importer

FOLDER = Path(__file__).parents[2] / "expectations" / "venous_occlusion"
NOW = datetime(2025, 12, 1, 2, 0, tzinfo=UTC)
CODES = ("NI", "UNK", "NASK")
"""The missing data codes of the project."""
RECALCULATED = frozenset({RuleKind.CALCULATION})
"""What REDCap works out anew when a value is typed, and rows that are edited here do not."""
SEED = 20251112
Row = dict[str, str]


@cache
def study() -> Study:
    """The study as the engine loads it."""
    return load_study(FOLDER)


@cache
def dictionary() -> Dictionary:
    """The study's project as REDCap would describe it."""
    project = FOLDER / "project"

    def read(name: str) -> list[dict[str, str]]:
        with (project / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return dictionary_from_api(
        project=json.loads((project / "project.json").read_text(encoding="utf-8")),
        metadata=read("metadata"),
        instruments=read("instruments"),
        events=read("events"),
        mapping=read("mapping"),
        repeating=read("repeating"),
    )


@cache
def cohort() -> ModuleType:
    """The cohort, loaded by its path as the engine does."""
    spec = importlib.util.spec_from_file_location("content_cohort", FOLDER / "synthetic" / "cohort.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def clean(seed: int = SEED) -> tuple[Row, ...]:
    """The clean rows of one seed."""
    return tuple(cohort().records(seed))


@cache
def all_rules() -> tuple[Rule, ...]:
    """The study's rules and those of its dictionary."""
    return (*study().rules, *rules_from_dictionary(dictionary(), study().settings.dictionary_rules))


def judged(rows: Iterable[Mapping[str, Any]], but: frozenset[RuleKind] = frozenset()) -> Validation:
    """Judge all rules on some rows, but those of some kinds."""
    rules = [rule for rule in all_rules() if rule.kind not in but]
    snapshot = Snapshot("5" * 64, "made_up", NOW, "14.5.0", dictionary(), tables_from_records(dictionary(), rows))
    return validate(snapshot, rules, now=NOW.replace(tzinfo=None))


def verdict(rule: Rule, values: Mapping[str, str]) -> str:
    """What a rule says of one row: the plain reading of its four parts."""
    in_scope = not rule.applies or holds(parse(rule.applies), values, now=NOW, missing_codes=CODES)
    if not in_scope or any(values.get(column, "") in ("", *CODES) for column in rule.needs):
        return "skipped"
    return "fails" if holds(parse(rule.discrepancy), values, now=NOW, missing_codes=CODES) else "passes"


LOGIC = [rule for rule in study().rules if rule.check is None]
"""The rules with logic: those across rows are tried on a whole cohort, in test_study_finds_errors.py."""


@pytest.mark.parametrize("rule", LOGIC, ids=lambda rule: rule.id)
def test_every_example_gets_its_verdict(rule: Rule) -> None:
    """Each rule says of its examples what they claim, and has one that passes and one that fails."""
    found = [verdict(rule, example.values) for example in rule.examples]
    assert found == [example.verdict for example in rule.examples]
    assert {"passes", "fails"} <= set(found)


@pytest.mark.parametrize("rule", LOGIC, ids=lambda rule: rule.id)
def test_every_rule_has_an_example_with_a_missing_code(rule: Rule) -> None:
    """A code is no value: the row is not checked. Rules on ticks alone have no field that could contain one."""
    typed = [column for example in rule.examples for column in example.values if "___" not in column]
    coded = [example.verdict for example in rule.examples if set(example.values.values()) & set(CODES)]
    assert coded == (["skipped"] if typed else [])


@pytest.mark.parametrize("rule", study().rules, ids=lambda rule: rule.id)
def test_every_reference_exists_where_it_is_read(rule: Rule) -> None:
    """A rule reads fields of its own events or of the event it names, and shows its own instrument's first."""
    project = dictionary()
    for logic in filter(None, (rule.discrepancy, rule.applies)):
        for reference in references(parse(logic)):
            own = rule.events or project.events_of(rule.instrument)
            home = project.by_name[reference.field].instrument
            events = [_read_at(reference.event, event, home) if reference.event else event for event in own]
            assert all(home in project.instruments_at(event) for event in events if event), reference
            assert any(events), reference
    assert project.by_name[rule.fields[0]].instrument == rule.instrument
    assert set(rule.events) <= set(project.events_of(rule.instrument))


def _read_at(written: str, event: str, instrument: str) -> str:
    """The event that a reference reads from in a row of `event`; '' where there is no such neighbour."""
    project = dictionary()
    if written in RELATIVE_EVENTS:
        return nearest_event(project, written, event, project.events_of(instrument))
    return written


@pytest.mark.parametrize("rule", study().rules, ids=lambda rule: rule.id)
def test_every_rule_is_written_in_both_languages_with_its_source(rule: Rule) -> None:
    """Title and advice are in Chinese and in English, and the source is named."""
    for words in (rule.title, rule.advice):
        assert any("一" <= letter <= "鿿" for letter in words.zh)
        assert words.en.isascii() or "²" in words.en or "μ" in words.en or "⁹" in words.en
    assert rule.source


def test_identifiers_are_named_only_where_the_rule_says_so() -> None:
    """A field that names a patient is shown by no rule but those that may name it, and never with what it holds."""
    shown = {field for rule in study().rules if not rule.identifiers_by_name for field in rule.fields}
    assert not shown & {field.name for field in dictionary().fields if field.identifier}


@pytest.mark.parametrize("seed", [SEED, 1, 2])
def test_the_clean_cohort_violates_nothing(seed: int) -> None:
    """On clean data every rule is evaluated, and none of the study's or the dictionary's fails."""
    validation = judged(clean(seed))
    assert {outcome.rule_id for outcome in validation.outcomes if outcome.failed} == set()
    assert not [outcome for outcome in validation.outcomes if outcome.status is Status.NOT_EVALUATED]
    assert validation.coverage.complete


def test_every_rule_of_the_study_judges_rows_of_the_cohort() -> None:
    """No rule passes for want of rows, but the few about what the cohort does not have."""
    idle = {outcome.rule_id for outcome in judged(clean()).outcomes if outcome.status is Status.NOT_APPLICABLE}
    of_queries = {rule.id for rule in all_rules() if rule.instrument == "data_query"}
    assert idle - of_queries == {
        *(
            "AE-03",
            "AE-07",
            "AE-13",
            "AE-15",
            "AE-23",
            "EOS-03",
            "MON-11",
            "PTH-08",
            "PTH-10",
            "hidden:ae_end",
            "required:ae_other",
            "hidden:anticoag_months",
        ),
        *(
            "hidden:ankle_minutes",
            "choice:path_second_review",
            "format:path_redilated_date",
            "range:path_redilated_date",
        ),
        *("required:eos_death_date", "format:eos_death_date", "range:eos_death_date"),
    }


def test_logic_of_the_dictionary_can_be_read_and_hidden_fields_are_blank() -> None:
    """Every branching logic parses, and a field it hides contains nothing in the clean cohort.

    What reads another event is left to the rules on hidden values, which the clean cohort does not break.
    """
    for field in dictionary().fields:
        if field.branching_logic:
            shown = parse(field.branching_logic)
            if any(reference.event for reference in references(shown)):
                continue
            hidden = [row for row in clean() if field.name in row and not holds(shown, row, now=NOW)]
            assert not [row["record_id"] for row in hidden if row[field.name]]


def test_rows_hold_only_fields_of_their_event() -> None:
    """Each row carries columns of the instruments designated to its event and no others."""
    project = dictionary()
    keys = {"record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"}
    keys |= {"redcap_data_access_group"}
    for row in clean():
        event, repeated = row["redcap_event_name"], row["redcap_repeat_instrument"]
        instruments = (
            [repeated]
            if repeated
            else [one for one in project.instruments_at(event) if not project.repeats(event, one)]
        )
        assert set(row) - keys <= {column for one in instruments for column in project.columns_of(one)}


def nights() -> list[dict[str, Any]]:
    """The story of the three nights."""
    text = (FOLDER / "synthetic" / "nights.toml").read_text(encoding="utf-8")
    return list(tomllib.loads(text)["night"])


def imported(rows: tuple[Row, ...], edits: Iterable[Row]) -> tuple[Row, ...]:
    """The rows after an import with overwrite."""
    keys = ("record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
    found = {tuple(row[key] for key in keys): row for row in rows}
    for edit in edits:
        key = tuple(edit[key] for key in keys)
        found[key] = found.get(key, {}) | edit
    return tuple(found.values())


@pytest.mark.parametrize("seed", [SEED, 3])
def test_the_three_nights_find_exactly_what_was_planted(seed: int) -> None:
    """Each night opens, keeps, resolves and reopens the listed findings and no others, whatever the seed."""
    rows, known = clean(seed), {}
    for night in nights():
        rows = imported(rows, cohort().edit_rows(night["edits"], clean(seed)))
        validation = judged(rows, RECALCULATED)
        tables = tables_from_records(dictionary(), rows)
        delta = reconcile(
            "venous_occlusion",
            known.values(),
            validation.outcomes,
            {rule.id: rule for rule in all_rules()},
            rows={table.row_key(i) for table in tables.values() for i in range(len(table))},
            complete=True,
            now=NOW,
        )
        found = {
            (finding.rule_id, finding.row.record, finding.row.event, finding.row.instance, change)
            for change in ("opened", "persisting", "resolved", "reopened")
            for finding in getattr(delta, change)
        }
        expected = {(e["rule"], e["record"], e["event"], e.get("instance", 0), e["change"]) for e in night["expected"]}
        assert found == expected, night["number"]
        for finding in (*delta.opened, *delta.persisting, *delta.resolved, *delta.reopened):
            known[finding.id] = finding
    assert sum(finding.state is FindingState.OPEN for finding in known.values()) == 8


def test_every_planted_error_names_a_rule_it_breaks() -> None:
    """What an edit says it plants or fixes is among the night's expected findings of its record."""
    for night in nights():
        expected = {(entry["rule"], entry["record"]) for entry in night["expected"]}
        named = {(e.get("plants") or e["fixes"], e["record"]) for e in night["edits"] if "plants" in e or "fixes" in e}
        assert named <= expected


def test_the_sandbox_takes_the_cohort_and_every_edit() -> None:
    """The project loads into the sandbox, and cohort and edits pass the checks of an API import."""
    project = project_from_folder(FOLDER / "project", clock=lambda: NOW)
    Importer(project).plan(clean()).refuse_errors()
    for night in nights():
        Importer(project, overwrite=True).plan(cohort().edit_rows(night["edits"], clean())).refuse_errors()
