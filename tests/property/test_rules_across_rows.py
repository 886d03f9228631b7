"""Rules across records and rows cannot be contradicted by plain loops, and their findings follow their groups."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nightround.findings.reconcile import reconcile
from nightround.model.finding import Finding, Resolution
from nightround.model.outcome import Status
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.study.rules.rule_files import RuleTable, rule_of
from nightround.validation.run import validate
from redcap_sync.dictionary import Choice
from redcap_sync.rows.tables import RowKey
from tests.made_up import NIGHT, project, snapshot

EVENTS = {"one_arm_1": ["visit"], "two_arm_1": ["visit", "adverse"]}
DICTIONARY = replace(
    project(
        "record_id visit text - -",
        "hospital_no visit text - -",
        "born visit text date_ymd -",
        "weight visit text number -",
        "term adverse text - -",
        "onset adverse text date_ymd -",
        "signs adverse checkbox - 1, Red | 2, Warm",
        events=EVENTS,
        repeating=[("two_arm_1", "adverse")],
    ),
    missing_data_codes=(Choice("UNK", "Unknown"),),
)
NUMBERS = ["", "UNK", "A1", "a1 ", "Ａ１", "B 2", "b  2"]
DAYS = ["", "UNK", "2025-01-01", "2025-01-03", "2025-01-05", "2025-02-30"]
WEIGHTS = ["", "70", "70.5", "71,0", "72"]


def made(rule_id: str, instrument: str, **asked: Any) -> Rule:
    """A rule as a rule file has it."""
    both = {"zh": "应唯一", "en": "is unique"}
    facts = {"id": "ID", "instrument": instrument, "title": both, "advice": both, "severity": "major", "source": "x"}
    return replace(rule_of(RuleTable.model_validate(facts | asked), Path("rules.toml")), id=rule_id)


BETWEEN = ("records", "rows_of_a_record", "rows")
RULES = (
    made("one field", "visit", unique=["hospital_no"]),
    made("one event", "visit", unique=["hospital_no"], events=["two_arm_1"]),
    made("two fields", "visit", unique=["hospital_no", "born"], applies="[weight] <> '72'"),
    *(
        made(
            f"near {between}", "visit", alike={"fields": ["hospital_no"], "within": {"born": "2d"}, "between": between}
        )
        for between in BETWEEN
    ),
    made("all near", "visit", alike={"within": {"born": "48h", "weight": 0.5}}),
    made(
        "event twice", "adverse", alike={"fields": ["term"], "within": {"onset": "2d"}, "between": "rows_of_a_record"}
    ),
    made("two at most", "visit", events=["one_arm_1"], count={"instrument": "adverse", "at_most": 2}),
    made("one at least", "visit", count={"instrument": "adverse", "events": ["two_arm_1"], "at_least": 1}),
    made("both visits", "visit", events=["one_arm_1"], count={"events": list(EVENTS), "at_least": 2}),
)


@st.composite
def rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to five records with any of the events, and up to three adverse events each."""
    found = []
    for record in range(1, draw(st.integers(0, 5)) + 1):
        for event in draw(st.sampled_from([("one_arm_1", "two_arm_1"), ("one_arm_1",), ("two_arm_1",)])):
            own = {"record_id": str(record), "redcap_event_name": event}
            cells = {"hospital_no": NUMBERS, "born": DAYS, "weight": WEIGHTS}
            found.append(own | {name: draw(st.sampled_from(texts)) for name, texts in cells.items()})
            for number in range(1, draw(st.integers(0, 3)) + 1 if event == "two_arm_1" else 1):
                more = {"redcap_repeat_instrument": "adverse", "redcap_repeat_instance": number}
                cells = {"term": ["", "pain", "Pain", "fever"], "onset": DAYS, "signs___1": ["0", "0", "1"]}
                found.append(own | more | {name: draw(st.sampled_from(texts)) for name, texts in cells.items()})
    return found


def plain(text: str) -> str:
    """A text without what two people write differently."""
    return "".join(one if ord(one) < 0xFF00 else chr(ord(one) - 0xFEE0) for one in " ".join(text.split())).lower()


def measured(text: str) -> float | None:
    """A date or a number as a number of days or units; None where it is neither."""
    try:
        return float(date.fromisoformat(text).toordinal())
    except ValueError:
        return float(text.replace(",", ".")) if text[:1].isdigit() and "-" not in text else None


def rows_of(given_snapshot: Snapshot, instrument: str) -> dict[RowKey, dict[str, str]]:
    """The cells of an instrument's rows."""
    table = given_snapshot.tables[instrument]
    return {
        table.row_key(at): {name: str(table.text[name].iloc[at]) for name in table.text} for at in range(len(table))
    }


def groups_by_loops(
    found: Mapping[RowKey, Mapping[str, str]], fields: Sequence[str], near: Mapping[str, float], between: str
) -> set[frozenset[RowKey]]:
    """What hangs together by pairs of rows that agree, pair by pair."""

    def alike(one: RowKey, other: RowKey) -> bool:
        if between != "rows" and (one.record != other.record) is not (between == "records"):
            return False
        same = all(plain(found[one][name]) == plain(found[other][name]) for name in fields)
        distances = [(measured(found[one][name]), measured(found[other][name]), most) for name, most in near.items()]
        return same and all(abs((a or 0) - (b or 0)) <= most for a, b, most in distances)

    groups = [frozenset([row]) for row in found]
    for one, other in itertools.combinations(found, 2):
        if alike(one, other):
            joined = [group for group in groups if one in group or other in group]
            groups = [group for group in groups if group not in joined] + [frozenset().union(*joined)]
    return {group for group in groups if len(group) > 1}


def judged_by_loops(one: Rule, given_snapshot: Snapshot) -> dict[RowKey, Mapping[str, str]]:
    """The rows in scope of a rule in which everything that it compares has a value."""
    found = {
        row: cells
        for row, cells in rows_of(given_snapshot, one.instrument).items()
        if not one.events or row.event in one.events
    }
    if one.applies:
        found = {row: cells for row, cells in found.items() if cells["weight"] != "72"}
    filled = {row: cells for row, cells in found.items() if all(cells[name] not in ("", "UNK") for name in one.needs)}
    return {
        row: cells
        for row, cells in filled.items()
        if one.check and all(measured(cells[name]) is not None for name, *_ in one.check.settings.get("near", ()))
    }


def counted_by_loops(one: Rule, given_snapshot: Snapshot, record: str) -> int:
    """How many rows of the instrument, or events, a record has."""
    assert one.check
    total = 0
    for event, instrument in one.check.settings["counted"]:
        if instrument:
            entered = rows_of(given_snapshot, instrument).items()
            total += sum(
                row.record == record
                and event in ("", row.event)
                and (cells["term"] + cells["onset"] != "" or cells["signs___1"] == "1")
                for row, cells in entered
            )
        else:
            every = itertools.chain.from_iterable(rows_of(given_snapshot, name) for name in given_snapshot.tables)
            total += any(row.record == record and row.event == event for row in every)
    return total


@settings(max_examples=60)
@given(rows())
def test_rules_across_rows_agree_with_plain_loops(made_rows: list[dict[str, Any]]) -> None:
    """Denominators, groups and counts of every rule are those of loops over all pairs of rows."""
    taken = snapshot(DICTIONARY, made_rows)
    validation = validate(taken, RULES, now=NIGHT.replace(tzinfo=None))
    for one, outcome in zip(RULES, validation.outcomes, strict=True):
        assert outcome.status is not Status.NOT_EVALUATED, outcome.reason
        judged = judged_by_loops(one, taken)
        assert outcome.checked == len(judged), one.id
        assert one.check
        if one.check.kind == "count":
            low, high = one.check.settings["at_least"], one.check.settings["at_most"]
            wrong = {row for row in judged if not low <= counted_by_loops(one, taken, row.record) <= high}
            assert {violation.row for violation in outcome.violations} == wrong, one.id
            continue
        near = {
            name: most / 86_400 if measure == "moment" else most for name, measure, most in one.check.settings["near"]
        }
        groups = groups_by_loops(judged, one.check.columns, near, one.check.settings["between"])
        assert {frozenset(violation.rows) for violation in outcome.violations} == groups, one.id
        assert outcome.failed == len(groups)


def night(known: Iterable[Finding], groups: Iterable[Sequence[str]], records: Iterable[str], number: int) -> Any:
    """A night on which some records share a hospital number."""
    number_of = {record: f"N{place}" for place, group in enumerate(groups) for record in group}
    base = [
        {"record_id": r, "redcap_event_name": "one_arm_1", "hospital_no": number_of.get(r, f"own {r}")} for r in records
    ]
    taken = snapshot(DICTIONARY, base)
    (outcome,) = validate(taken, RULES[:1], now=NIGHT.replace(tzinfo=None)).outcomes
    keys = frozenset(rows_of(taken, "visit"))
    return outcome, reconcile(
        "study", known, [outcome], {RULES[0].id: RULES[0]}, rows=keys, complete=True, now=NIGHT + timedelta(days=number)
    )


RECORDS = ("1", "2", "3", "4", "5", "6")
NIGHTS = st.lists(st.dictionaries(st.sampled_from(RECORDS), st.integers(0, 2)), min_size=1, max_size=8)


@settings(max_examples=50)
@given(NIGHTS)
@example([{"2": 0, "3": 0, "5": 0}, {"1": 0, "3": 0, "5": 0, "2": 1, "4": 1}])
def test_a_group_has_one_finding_through_all_nights(shared: list[dict[str, int]]) -> None:
    """Whoever joins or leaves, each group has one open finding that names all of it, and no other is open."""
    known: dict[str, Finding] = {}
    for number, place in enumerate(shared):
        groups = [[r for r, own in place.items() if own == n] for n in range(3)]
        outcome, delta = night(known.values(), groups, RECORDS, number)
        for one in (*delta.open_now, *delta.resolved):
            known[one.id] = one
        named = sorted(sorted(row.record for row in one.rows) for one in delta.open_now)
        assert named == sorted(sorted(group) for group in groups if len(group) > 1)
        broken = {row for violation in outcome.violations for row in violation.rows}
        assert not [one for one in delta.resolved if one.resolution is Resolution.FIXED and one.row in broken]


@pytest.mark.parametrize("joining", ["0", "9"])
def test_a_third_record_that_joins_keeps_the_finding_and_its_age(joining: str) -> None:
    """Before or behind the others: the finding stays the same one, and names the third record too."""
    _, first = night([], [["1", "2"]], ["0", "1", "2", "9"], 0)
    (opened,) = first.opened
    _, second = night([opened], [["1", "2", joining]], ["0", "1", "2", "9"], 1)
    (found,) = second.persisting
    assert (found.id, found.opened_at, found.row) == (opened.id, opened.opened_at, opened.row)
    assert {row.record for row in found.rows} == {"1", "2", joining}
    assert not second.opened
    assert not second.resolved


def test_when_the_first_record_is_corrected_the_finding_follows_the_others() -> None:
    """Of three the first leaves: the finding moves to the others, which are as wrong as before."""
    _, first = night([], [["1", "2", "3"]], RECORDS, 0)
    _, second = night(first.opened, [["2", "3"]], RECORDS, 1)
    (found,) = second.persisting
    assert (found.id, found.opened_at) == (first.opened[0].id, first.opened[0].opened_at)
    assert [row.record for row in found.rows] == ["2", "3"]


@pytest.mark.parametrize(("records", "resolution"), [(["1", "2"], Resolution.FIXED), (["1"], Resolution.ROW_REMOVED)])
def test_a_group_of_two_ends_with_its_proof(records: list[str], resolution: Resolution) -> None:
    """Corrected is fixed; where the other record is gone nothing is proven to be right."""
    _, first = night([], [["1", "2"]], ["1", "2"], 0)
    _, second = night(first.opened, [], records, 1)
    assert [one.resolution for one in second.resolved] == [resolution]
