"""Outcomes that are kept from night to night are those that judging afresh gives, whatever happens in between."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.model.outcome import Outcome
from nightround.model.rule import Check, Rule, Severity
from nightround.model.snapshot import Snapshot
from nightround.validation import judged_rules
from nightround.validation.judged_rules import JudgedRule
from nightround.validation.run import Validation, validate
from redcap_sync.dictionary import Dictionary
from redcap_sync.pulling.content_hash import digest_of, frame_pieces, table_pieces
from redcap_sync.pulling.pulled import GROUPS, ROWS, STRUCTURE
from redcap_sync.pulling.record_groups import groups_frame
from redcap_sync.rows.tables import RowKey
from tests.made_up import NIGHT, project, rule, snapshot

NOON = NIGHT.replace(tzinfo=None, hour=12)
EVENTS = {"one_arm_1": ["visit", "lab"], "two_arm_1": ["visit", "lab", "adverse"]}


def structure(weight: str) -> Dictionary:
    """The project; the validation of a field is what changes in it."""
    return project(
        "record_id visit text - -",
        f"weight visit text {weight} -",
        "seen_on visit text date_ymd -",
        "note visit text - -",
        "hb lab text number -",
        "taken_at lab text datetime_ymd -",
        "term adverse text - -",
        events=EVENTS,
        repeating=[("two_arm_1", "adverse")],
    )


STRUCTURES = (structure("number"), structure("-"))
DAYS = ["", "2025-07-03", "2025-07-05", "2025-07-06", "2025-07-07", "2025-07-10", "soon"]
CELLS: Mapping[str, Sequence[str]] = {
    "weight": ["", "60", "61", "62", "70", "6.1", "610", "abc"],
    "seen_on": DAYS,
    "note": ["", "today", "now", "2025-07-06", "see file"],
    "hb": ["", "60", "70", "120"],
    "taken_at": ["", "2025-07-05 11:00", "2025-07-06 12:00", "2025-07-06 13:30"],
}


def check(name: str, kind: str, column: str, instrument: str = "visit", **more: Any) -> Rule:
    """A rule by a check of one column."""
    return replace(
        rule(name, instrument, "1 = 1", needs=(), fields=(column,)), discrepancy="", check=Check(kind, (column,), more)
    )


RULES = (
    rule("number", "visit", "[weight] > 61"),
    rule("scope", "visit", "[weight] <> ''", applies="[seen_on] <> ''"),
    rule("no row in scope", "visit", "[weight] > 1", applies="[note] = 'nobody wrote this'"),
    rule("other instrument", "visit", "[weight] > [hb]"),
    rule("other event", "lab", "[two_arm_1][weight] <> [weight]", needs=()),
    rule("repeating", "adverse", "[term] = 'pain' or [two_arm_1][hb] = '60'", needs=()),
    rule("compared with today", "visit", "[seen_on] > 'today'"),
    rule("compared with now", "lab", "[taken_at] > 'now'"),
    rule("days from today", "visit", "datediff([seen_on], 'today', 'd') > 1"),
    rule("days from a text", "visit", "datediff([seen_on], [note], 'd') > 1"),
    rule("days from a made text", "visit", "datediff([seen_on], concat('to', 'day'), 'd') > 1"),
    rule("year of a text", "visit", "day([note]) = 6"),
    rule("last instance", "adverse", "[last-instance] = [current-instance]", needs=()),
    rule("group", "lab", "[record-dag-name] = 'north'", needs=()),
    rule("of the project", "", "[hb] > 65 or [term] = 'pain'", needs=()),
    rule("missing column", "visit", "[nobody] > 1"),
    check("future", "range", "seen_on", measure="moment", maximum="today", minimum="2025-07-04", missing=[]),
    check("future by the clock", "range", "taken_at", "lab", measure="moment", maximum="now", missing=[]),
    check("outlier", "outlier", "weight", deviations=1, missing=[]),
    check("slip", "slip", "weight", factors=[[0.1, "ten"], [10, "tenth"]], missing=[]),
    check("blank", "blank", "weight"),
)
CHANGED = tuple(
    {
        "number": replace(one, discrepancy="[weight] > 60", severity=Severity.MINOR),
        "scope": replace(one, applies="[seen_on] = ''"),
        "blank": replace(one, fields=("weight", "note")),
        "slip": replace(one, events=("one_arm_1",)),
    }.get(one.id, one)
    for one in RULES
)


@dataclass(frozen=True)
class Night:
    """What is different on a night: cells by record, event and field, rules, structure, groups, rows, hours passed."""

    cells: Mapping[tuple[str, str, str], str]
    changed_rules: bool
    withdrawn: frozenset[str]
    structure: int
    north: frozenset[str]
    instances: int
    hours: int


RECORDS = ("1", "2", "3")
EDITS = st.dictionaries(
    st.tuples(st.sampled_from(RECORDS), st.sampled_from(list(EVENTS)), st.sampled_from(list(CELLS))),
    st.integers(0, 7),
    max_size=2,
).map(lambda found: {place: CELLS[place[2]][n % len(CELLS[place[2]])] for place, n in found.items()})
RARELY = st.integers(0, 4).map(lambda n: n == 0)
NIGHTS = st.builds(
    Night,
    cells=EDITS,
    changed_rules=RARELY,
    withdrawn=st.sampled_from([frozenset(), frozenset(), frozenset({"number", "outlier"})]),
    structure=st.sampled_from([0, 0, 0, 1]),
    north=st.sampled_from([frozenset(), frozenset({"1"})]),
    instances=st.sampled_from([1, 1, 2]),
    hours=st.sampled_from([0, 0, 1, 24]),
)
FIRST = {
    (record, event, field): CELLS[field][(number + len(event) * place) % len(CELLS[field])]
    for number, record in enumerate(RECORDS, start=1)
    for event in EVENTS
    for place, field in enumerate(CELLS)
}


def taken(night: Night, cells: Mapping[tuple[str, str, str], str]) -> Snapshot:
    """The snapshot of a night, with the hashes of its parts."""
    rows: list[dict[str, Any]] = [
        {"record_id": record, "redcap_event_name": event, **{field: cells[record, event, field] for field in CELLS}}
        for record in RECORDS
        for event in EVENTS
    ]
    rows += [
        {
            "record_id": record,
            "redcap_event_name": "two_arm_1",
            "redcap_repeat_instrument": "adverse",
            "redcap_repeat_instance": number + 1,
            "term": "pain" if number else "fever",
        }
        for record in RECORDS[:2]
        for number in range(night.instances)
    ]
    made = snapshot(STRUCTURES[night.structure], rows)
    groups = dict.fromkeys(night.north, "north")
    keys = pd.concat([table.keys for table in made.tables.values()], ignore_index=True)
    parts = {
        STRUCTURE: hashlib.sha256(bytes([night.structure])).hexdigest(),
        ROWS: digest_of(frame_pieces(keys)),
        GROUPS: digest_of(frame_pieces(groups_frame(groups))),
        **{name: digest_of(table_pieces(table)) for name, table in made.tables.items()},
    }
    return replace(made, groups=groups, parts=parts)


def said(validation: Validation, every: Sequence[RowKey]) -> list[tuple[Outcome, list[tuple[bool, bool]]]]:
    """Every outcome, and for each row whether it was judged, and whether a cell was blank."""
    return [
        (one, [(one.judged_rows is not None and key in one.judged_rows, key in one.blank_rows) for key in every])
        for one in validation.outcomes
    ]


def document(validation: Validation) -> dict[str, Any]:
    """The Checkpoint's result without the runs that it names."""
    found = json.loads(json.dumps(validation.checkpoint_document()))
    for suite in found["validation_results"]:
        for verdict in suite["expectations"]:
            verdict.pop("judged_in_run", None)
    return dict(found)


@settings(max_examples=25, deadline=None)
@given(st.lists(NIGHTS, min_size=2, max_size=5))
def test_what_is_kept_is_what_judging_afresh_gives(nights: list[Night]) -> None:
    """Outcomes, judged and blank rows and the Checkpoint's result are the same on each night, from the file too."""
    known: Mapping[str, JudgedRule] = {}
    cells, now = dict(FIRST), NOON
    for number, night in enumerate(nights):
        cells.update(night.cells)
        now += timedelta(hours=night.hours)
        made = taken(night, cells)
        rules = [one for one in (CHANGED if night.changed_rules else RULES) if one.id not in night.withdrawn]
        afresh = validate(made, rules, now=now)
        remembering = validate(made, rules, now=now, known=known, run=str(number))
        every = [table.row_key(row) for table in made.tables.values() for row in range(len(table))]
        assert said(remembering, every) == said(afresh, every)
        assert document(remembering) == document(afresh)
        assert remembering.coverage == afresh.coverage
        if remembering.changed:
            known = judged_rules.read(judged_rules.written(remembering.judged, "made_up"), "made_up")


QUIET = Night({}, changed_rules=False, withdrawn=frozenset(), structure=0, north=frozenset(), instances=1, hours=0)
TODAY = {
    "compared with today",
    "days from today",
    "future",
    "days from a text",
    "year of a text",
}  # a cell holds `today`
NOW = {"compared with now", "future by the clock", "days from a made text"}


def judged_again(later: Night, cells: Mapping[tuple[str, str, str], str], now: datetime) -> set[str]:
    """Which rules are judged again on a later night."""
    first = validate(taken(QUIET, FIRST), RULES, now=NOON, run="1")
    known = judged_rules.read(judged_rules.written(first.judged, "made_up"), "made_up")
    second = validate(taken(later, {**FIRST, **cells}), RULES, now=now, known=known, run="2")
    return {one.rule_id for one in second.judged if one.run == "2"}


def test_only_what_depends_on_the_clock_is_judged_again_where_nothing_changed() -> None:
    """At the same second nothing is; later that day what names now; on the next day what names today as well."""
    assert judged_again(QUIET, {}, NOON) == set()
    assert judged_again(QUIET, {}, NOON + timedelta(hours=1)) == NOW
    assert judged_again(QUIET, {}, NOON + timedelta(days=1)) == NOW | TODAY


def test_only_what_reads_a_changed_instrument_is_judged_again() -> None:
    """An edit in the laboratory concerns its own rules and those that read it."""
    again = judged_again(QUIET, {("1", "one_arm_1", "hb"): "61"}, NOON)
    assert again == {"other instrument", "other event", "repeating", "compared with now", "group", "of the project"} | {
        "future by the clock"
    }


def test_what_asks_for_groups_or_instances_is_judged_again_when_they_change() -> None:
    """A record that moved to another group, and one more adverse event."""
    assert judged_again(replace(QUIET, north=frozenset({"1"})), {}, NOON) == {"last instance", "group"}
    assert judged_again(replace(QUIET, instances=2), {}, NOON) >= {"last instance", "repeating", "of the project"}


def test_a_change_of_the_structure_judges_everything_again() -> None:
    """What the dictionary says of a field may change what any rule comes to."""
    again = judged_again(replace(QUIET, structure=1), {}, NOON)
    assert again == {one.id for one in RULES} - {"missing column"}
