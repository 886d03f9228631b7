"""Every smart variable has its value in every row, or is refused with the reason why it can have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from nightround.model.outcome import Status
from nightround.model.snapshot import Snapshot
from nightround.validation.run import validate
from redcap_sync.dictionary import Arm, Dictionary, Event, Group
from redcap_sync.logic import Reference, holds, parse
from redcap_sync.logic.language import SMART_VARIABLES
from redcap_sync.rows.tables import RowKey
from tests.made_up import NIGHT, project, rule, snapshot

NOW = NIGHT.replace(tzinfo=None)
EVENTS = ("start_arm_1", "middle_arm_1", "end_arm_1", "only_arm_2")


def made_up_project() -> Dictionary:
    """Two arms; `visit` is at every event but the middle one, `log` repeats at the end, the middle event repeats."""
    forms = {"start_arm_1": ["visit"], "middle_arm_1": ["lab"], "end_arm_1": ["visit", "log"], "only_arm_2": ["visit"]}
    made = project(
        "record_id visit text - -",
        "weight visit text number -",
        "hb lab text number -",
        "dose log text number -",
        events=forms,
        repeating=[("end_arm_1", "log"), ("middle_arm_1", "")],
    )
    return replace(
        made,
        events=tuple(
            Event(name, name.title(), int(name[-1]), 40 + place) for place, name in enumerate(EVENTS, start=1)
        ),
        arms=(Arm(1, "Balloon"), Arm(2, "Watching")),
        groups=(Group("north", "The North", 7), Group("south", "The South", 8)),
    )


def rows() -> Snapshot:
    """Record 1 of the group south goes through arm 1, record 2 of no group is in arm 2."""
    repeated = {"record_id": "1", "redcap_event_name": "end_arm_1", "redcap_repeat_instrument": "log"}
    made = snapshot(
        made_up_project(),
        [
            {"record_id": "1", "redcap_event_name": "start_arm_1", "weight": "70"},
            {"record_id": "1", "redcap_event_name": "middle_arm_1", "redcap_repeat_instance": 1, "hb": "120"},
            {"record_id": "1", "redcap_event_name": "middle_arm_1", "redcap_repeat_instance": 2, "hb": "121"},
            {"record_id": "1", "redcap_event_name": "end_arm_1", "weight": "71"},
            {**repeated, "redcap_repeat_instance": 2, "dose": "5"},
            {**repeated, "redcap_repeat_instance": 5, "dose": "6"},
            {"record_id": "2", "redcap_event_name": "only_arm_2", "weight": "80"},
        ],
    )
    return replace(made, groups={"1": "south"})


START = RowKey("1", "start_arm_1", "visit", 0)
FIRST_LAB, SECOND_LAB = (RowKey("1", "middle_arm_1", "lab", number) for number in (1, 2))
END = RowKey("1", "end_arm_1", "visit", 0)
FIRST_LOG, SECOND_LOG = (RowKey("1", "end_arm_1", "log", number) for number in (2, 5))
OTHER = RowKey("2", "only_arm_2", "visit", 0)
ROWS = (START, FIRST_LAB, SECOND_LAB, END, FIRST_LOG, SECOND_LOG, OTHER)
NOTHING_REPEATS = ("", "", "")
"""START, END and OTHER."""
EXPECTED: Mapping[str, tuple[str, ...]] = {
    "record-name": ("1", "1", "1", "1", "1", "1", "2"),
    "record-dag-name": ("south",) * 6 + ("",),
    "record-dag-label": ("The South",) * 6 + ("",),
    "record-dag-id": ("8",) * 6 + ("",),
    "event-name": tuple(row.event for row in ROWS),
    "event-label": tuple(row.event.title() for row in ROWS),
    "event-id": ("41", "42", "42", "43", "43", "43", "44"),
    "event-number": ("1", "2", "2", "3", "3", "3", "1"),
    "arm-number": ("1",) * 6 + ("2",),
    "arm-label": ("Balloon",) * 6 + ("Watching",),
    "first-event-name": (
        *("start_arm_1", "middle_arm_1", "middle_arm_1", "start_arm_1", "end_arm_1", "end_arm_1", "only_arm_2"),
    ),
    "last-event-name": (
        *("end_arm_1", "middle_arm_1", "middle_arm_1", "end_arm_1", "end_arm_1", "end_arm_1", "only_arm_2"),
    ),
    "previous-event-name": ("", "", "", "start_arm_1", "", "", ""),
    "next-event-name": ("end_arm_1", "", "", "", "", "", ""),
    "instrument-name": ("visit", "lab", "lab", "visit", "log", "log", "visit"),
    "form-name": ("visit", "lab", "lab", "visit", "log", "log", "visit"),
    "project-id": ("13",) * 7,
    "current-instance": ("", "1", "2", "", "2", "5", ""),
    "previous-instance": ("", "", "1", "", "1", "4", ""),
    "next-instance": ("", "2", "3", "", "3", "6", ""),
    "first-instance": ("", "1", "1", "", "2", "2", ""),
    "last-instance": ("", "2", "2", "", "5", "5", ""),
}
REFUSED = {
    "user-name": "nobody is logged in",
    "user-dag-name": "nobody is logged in",
    "user-role-name": "nobody is logged in",
    "is-form": "no page is open",
    "is-survey": "no page is open",
}


def test_every_smart_variable_of_the_language_has_values_here_or_a_reason() -> None:
    """A smart variable that is added to the language needs its values, or the reason why it has none."""
    assert {*EXPECTED, *REFUSED} == set(SMART_VARIABLES)
    assert not {*EXPECTED} & {*REFUSED}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_smart_variable_has_its_value_in_every_row(name: str) -> None:
    """Rules that compare it ask about exactly the rows that have the value, in columns and row by row."""
    expected = dict(zip(ROWS, EXPECTED[name], strict=True))
    for value in {*EXPECTED[name], "another"}:
        logic = f"[{name}] = '{value}'"
        rules = [rule(f"R-{one}", one, logic, needs=(), fields=()) for one in ("visit", "lab", "log")]
        validation = validate(rows(), rules, now=NOW)
        assert validation.coverage.counts[Status.NOT_EVALUATED] == 0
        assert {one.row for one in validation.violations} == {row for row, held in expected.items() if held == value}
        for held in expected.values():
            assert holds(parse(logic), {Reference(name).column: held}, now=NOW) == (held == value)


def test_a_number_of_a_smart_variable_is_a_number() -> None:
    """`[event-number] > 2` and `[current-instance] + 1` are reckoned with, blanks as everywhere."""
    validation = validate(
        rows(),
        [rule("E", "visit", "[event-number] > 2", needs=()), rule("I", "log", "[current-instance] + 1 = 6", needs=())],
        now=NOW,
    )
    assert [one.row for one in validation.violations] == [END, SECOND_LOG]


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_hangs_on_who_is_looking_is_refused(name: str) -> None:
    """The rule is could-not-be-evaluated with its reason, and stops no other."""
    validation = validate(rows(), [rule("R", "visit", f"[{name}] = '1'"), rule("S", "visit", "[weight] > 75")], now=NOW)
    refused, other = validation.outcomes
    assert refused.status is Status.NOT_EVALUATED
    assert REFUSED[name] in str(refused.reason)
    assert (other.status, other.failed) == (Status.FAILED, 1)


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("record-dag-label", {"groups": None}),
        ("record-dag-id", {"groups": None}),
        ("record-dag-id", {"groups": (Group("south", "The South"),)}),
        ("arm-label", {"arms": ()}),
        ("event-id", {"events": tuple(Event(name, name, int(name[-1])) for name in EVENTS)}),
        ("project-id", {"project_id": None}),
        ("event-number", {"longitudinal": False}),
        ("first-event-name", {"longitudinal": False}),
    ],
)
def test_what_was_not_exported_is_refused(name: str, unknown: Mapping[str, object]) -> None:
    """What the export does not say is never guessed, and never mistaken for blank."""
    known = rows()
    given = replace(known, dictionary=replace(known.dictionary, **unknown))  # type: ignore[arg-type]
    (outcome,) = validate(given, [rule("R", "visit", f"[{name}] = ''", needs=())], now=NOW).outcomes
    assert outcome.status is Status.NOT_EVALUATED
    assert f"[{name}]" in str(outcome.reason)


def test_a_group_needs_the_groups_of_the_records() -> None:
    """The names of the groups alone do not say which record is in which."""
    (outcome,) = validate(
        replace(rows(), groups=None), [rule("R", "visit", "[record-dag-name] = ''", needs=())], now=NOW
    ).outcomes
    assert outcome.status is Status.NOT_EVALUATED


def test_the_name_of_a_group_needs_no_list_of_groups() -> None:
    """A user who may not see the list is told the unique name of each record's group all the same."""
    known = rows()
    unlisted = replace(known, dictionary=replace(known.dictionary, groups=None))
    (outcome,) = validate(unlisted, [rule("R", "visit", "[record-dag-name] = 'south'", needs=())], now=NOW).outcomes
    assert (outcome.status, outcome.checked, outcome.failed) == (Status.FAILED, 3, 2)


@pytest.mark.parametrize("name", ["record-dag-name", "record-dag-label", "record-dag-id"])
def test_in_a_project_without_groups_every_record_is_in_none(name: str) -> None:
    """A list of groups that is empty is an answer: the smart variable is blank in every row."""
    known = rows()
    without = replace(known, groups={}, dictionary=replace(known.dictionary, groups=()))
    (outcome,) = validate(without, [rule("R", "visit", f"[{name}] = ''", needs=())], now=NOW).outcomes
    assert (outcome.status, outcome.checked, outcome.failed) == (Status.FAILED, 3, 3)


@pytest.mark.parametrize("name", ["instrument-name", "form-name", "first-event-name", "previous-event-name"])
def test_a_rule_of_whole_rows_has_no_instrument(name: str) -> None:
    """A project's own rule looks at whole rows, so what is said of an instrument is refused there."""
    (outcome,) = validate(rows(), [rule("1", "", f"[{name}] <> [weight]", needs=())], now=NOW).outcomes
    assert outcome.status is Status.NOT_EVALUATED
    assert "has no instrument" in str(outcome.reason)
