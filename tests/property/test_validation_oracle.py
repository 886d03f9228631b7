"""The adapter cannot be contradicted by plain loops over random tables and rules."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.model.outcome import Status
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.validation.run import validate
from redcap_sync.logic import holds, parse
from tests.made_up import NIGHT, project, rule, snapshot

EVENTS = ("one_arm_1", "two_arm_1")
DICTIONARY = project(
    "record_id visit text - -",
    "weight visit text number -",
    "seen_on visit text date_ymd -",
    "grade visit radio - 0, None | 1, Mild",
    "signs visit checkbox - 1, Red | 2, Warm",
    "hb lab text number_1dp -",
    events={event: ["visit", "lab"] for event in EVENTS},
)
CELLS = {
    "weight": st.sampled_from(["", "70", "70.5", "-3", "abc", "NI", "1e2"]),
    "seen_on": st.sampled_from(["", "2024-02-29", "2024-03-01", "2023-02-30", "soon"]),
    "grade": st.sampled_from(["", "0", "1", "7"]),
    "signs___1": st.sampled_from(["", "0", "1"]),
    "signs___2": st.sampled_from(["", "0", "1"]),
    "hb": st.sampled_from(["", "120.5", "70", "ND"]),
}
SMART = (
    *("record-name", "event-name", "event-label", "event-id", "event-number", "arm-number", "instrument-name"),
    *("first-event-name", "last-event-name", "previous-event-name", "next-event-name", "project-id"),
    *("form-name", "current-instance", "previous-instance", "next-instance", "first-instance", "last-instance"),
)
RULES = (
    rule("number", "visit", "[weight] > 70"),
    rule("other instrument", "visit", "[weight] < [hb]"),
    rule("choice", "visit", "[grade] <> '0' and [grade] <> '1'"),
    rule("blank", "lab", "[hb] = ''", needs=()),
    rule("checkbox", "visit", "[signs(1)] = '1' or [signs(2)] = '1'"),
    rule("scope", "visit", "[weight] <> ''", applies="[grade] = '1'"),
    rule("dates", "visit", "datediff([one_arm_1][seen_on], [seen_on], 'd', true) < 1", events=("two_arm_1",)),
    rule("sum", "lab", "sum([hb], [weight]) > 150", needs=("hb",)),
    rule("event", "lab", "[one_arm_1][grade] = [grade]"),
    *(rule(f"smart {name}", "visit", f"[{name}] > [grade]", needs=()) for name in SMART),
    *(rule(f"smart {name} in the lab", "lab", f"[{name}] = concat([grade], '_arm_1')", needs=()) for name in SMART),
    rule("smart number", "lab", "[event-number] + [grade] = 2"),
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Up to four records with any of the two events."""
    records = [
        {"record_id": str(number), "redcap_event_name": event, **draw(st.fixed_dictionaries(CELLS))}
        for number in range(draw(st.integers(0, 4)))
        for event in draw(st.sampled_from([EVENTS, EVENTS[:1], EVENTS[1:]]))
    ]
    return snapshot(DICTIONARY, records)


def cells_of(given_snapshot: Snapshot, record: str, event: str) -> dict[str, str]:
    """All cells of a record and event by plain search, and of each event under its own name."""
    found: dict[str, str] = {}
    for table in given_snapshot.tables.values():
        for position in range(len(table)):
            key = table.row_key(position)
            for column in table.text if key.record == record else ():
                text = str(table.text[column].iloc[position])
                found[f"[{key.event}][{column}]"] = text
                if key.event == event:
                    found[column] = text
    return found


def smart_cells(record: str, event: str, instrument: str) -> dict[str, str]:
    """What a row of these two events, in which nothing repeats, knows of itself."""
    first = event == "one_arm_1"
    said = {
        "record-name": record,
        "event-name": event,
        "event-label": event,
        "event-id": "41" if first else "42",
        "event-number": "1" if first else "2",
        "arm-number": "1",
        "first-event-name": "one_arm_1",
        "last-event-name": "two_arm_1",
        "previous-event-name": "" if first else "one_arm_1",
        "next-event-name": "two_arm_1" if first else "",
        "instrument-name": instrument,
        "form-name": instrument,
        "project-id": "13",
    }
    return {f"[{name}]": said.get(name, "") for name in SMART}


def judged_by_loops(given_snapshot: Snapshot, one: Rule) -> tuple[int, int, list[Mapping[str, object]]]:
    """In scope, checked and failing rows of a rule, cell by cell with the slow interpreter."""
    now = NIGHT.replace(tzinfo=None)
    in_scope, checked, failing = 0, 0, []
    table = given_snapshot.tables[one.instrument]
    for position in range(len(table)):
        key = table.row_key(position)
        cells = cells_of(given_snapshot, key.record, key.event) | smart_cells(key.record, key.event, one.instrument)
        if one.events and key.event not in one.events:
            continue
        if one.applies and not holds(parse(one.applies), cells, now=now):
            continue
        in_scope += 1
        if any(cells.get(column, "") == "" for column in one.needs):
            continue
        checked += 1
        if holds(parse(one.discrepancy), cells, now=now):
            failing.append(key._asdict())
    return in_scope, checked, failing


@settings(max_examples=25)
@given(snapshots())
def test_the_adapter_agrees_with_plain_loops(given_snapshot: Snapshot) -> None:
    """Scope, denominator and failing rows of every rule are those of the plain loops."""
    validation = validate(given_snapshot, RULES, now=NIGHT.replace(tzinfo=None))
    assert validation.coverage.complete
    for one, outcome in zip(RULES, validation.outcomes, strict=True):
        in_scope, checked, failing = judged_by_loops(given_snapshot, one)
        assert outcome.status is not Status.NOT_EVALUATED, outcome.reason
        assert [violation.row._asdict() for violation in outcome.violations] == failing, one.id
        if outcome.status is not Status.NOT_APPLICABLE:
            assert (outcome.in_scope, outcome.checked) == (in_scope, checked), one.id
        else:
            assert not checked
