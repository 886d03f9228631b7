"""What changed in a structure stops exactly what it touches."""

from dataclasses import replace
from pathlib import Path

import pytest

from nightround.model.language import Words
from nightround.model.rule import Rule, Severity
from nightround.night.structure_drift import Drift, drift_between, touched_by_drift, touched_by_rights
from nightround.study.folder import load_study
from redcap_sync.dictionary import Choice, Dictionary, Event, Field, Group, Instrument
from redcap_sync.rows.tables import Unseen

BASE = Dictionary(
    title="SYNTHETIC",
    longitudinal=True,
    fields=(
        Field("record_id", "visit", "text"),
        Field("weight", "visit", "text", validation="number"),
        Field("height", "visit", "text", validation="number"),
        Field("bmi", "visit", "calc", calculation="[weight]/([height]*[height])"),
        Field("grade", "visit", "radio", choices=(Choice("0", "None"), Choice("1", "Mild"))),
        Field("bleeding", "adverse", "yesno"),
    ),
    instruments=(Instrument("visit", "Visit"), Instrument("adverse", "Adverse event")),
    events=(Event("base_arm_1", "Base", 1), Event("end_arm_1", "End", 1)),
    designations=frozenset({("base_arm_1", "visit"), ("end_arm_1", "visit"), ("end_arm_1", "adverse")}),
    repeating=frozenset({("end_arm_1", "adverse")}),
)


def a_rule(name: str, logic: str, instrument: str = "visit", **more: object) -> Rule:
    """A rule of the study."""
    return Rule(name, Words("", ""), instrument, logic, Severity.MINOR, fields=(), **more)  # type: ignore[arg-type]


RULES = (
    a_rule("heavy", "[weight] > 300"),
    a_rule("graded", "[grade] = '1'"),
    a_rule("bled", "[bleeding] = '1'", "adverse"),
    a_rule("later", "[end_arm_1][height] <> [base_arm_1][height]"),
    a_rule("made", "[grade] <> '0'", origin="dictionary"),
    a_rule("broken", "[weight] >"),
)


def changed(name: str, **parts: object) -> Dictionary:
    """The base with one field changed."""
    return replace(BASE, fields=tuple(replace(f, **parts) if f.name == name else f for f in BASE.fields))  # type: ignore[arg-type]


def without(name: str) -> Dictionary:
    """The base without one field."""
    return replace(BASE, fields=tuple(f for f in BASE.fields if f.name != name))


@pytest.mark.parametrize(
    ("after", "stopped", "words"),
    [
        (BASE, set(), ""),
        (changed("weight", label="Weight in kg", note="morning", branching_logic="[grade]='1'"), set(), ""),
        (changed("weight", validation="integer"), {"heavy"}, "validation changed from 'number' to 'integer'"),
        (changed("grade", type="dropdown"), {"graded"}, "type changed"),
        (changed("grade", choices=(Choice("0", "None"),)), {"graded"}, "choice '1' was removed"),
        (
            changed("grade", choices=(Choice("0", "None"), Choice("1", "Severe"))),
            {"graded"},
            "was 'Mild' and is 'Severe'",
        ),
        (without("height"), {"later"}, "field 'height' was removed"),
        (changed("bleeding", instrument="visit"), {"bled"}, "instrument changed"),
        (replace(BASE, repeating=frozenset()), {"bled"}, "repeats in another way"),
        (replace(BASE, instruments=BASE.instruments[:1]), {"bled"}, "instrument 'adverse' was removed"),
        (replace(BASE, events=BASE.events[:1]), {"later"}, "event 'end_arm_1' was removed"),
        (
            replace(BASE, designations=BASE.designations - {("end_arm_1", "visit")}),
            {"heavy", "graded", "later", "broken"},
            "no longer in event 'end_arm_1'",
        ),
    ],
)
def test_only_what_is_touched_stops(after: Dictionary, stopped: set[str], words: str) -> None:
    """Each kind of change stops the rules that read it, with the reason; rules made from the dictionary follow it."""
    found = touched_by_drift(drift_between(BASE, after), RULES)
    assert set(found.rules) == stopped
    assert all(words in str(reason) for reason in found.rules.values())


def test_what_is_new_stops_nothing_and_is_told() -> None:
    """A new field, choice, instrument and event are reported in words."""
    grade = Field("grade", "visit", "radio", choices=(*BASE.by_name["grade"].choices, Choice("2", "Severe")))
    after = replace(
        BASE,
        fields=(*(f for f in BASE.fields if f.name != "grade"), grade, Field("pulse", "visit", "text")),
        instruments=(*BASE.instruments, Instrument("labs", "Laboratory")),
        events=(*BASE.events, Event("late_arm_1", "Late", 1)),
    )
    drift = drift_between(BASE, after)
    assert not touched_by_drift(drift, RULES)
    assert set(map(str, drift.lines())) == {
        "field 'pulse' is new",
        "field 'grade': choice '2' is new",
        "instrument 'labs' is new",
        "event 'late_arm_1' is new",
    }


NORTH, SOUTH = Group("north", "The North", 7), Group("south", "The South", 8)
GROUPED = replace(BASE, groups=(NORTH, SOUTH))
OF_GROUPS = (
    *RULES,
    a_rule("named", "[record-dag-name] = 'north'"),
    a_rule("labelled", "[record-dag-label] = 'The North'"),
    a_rule("numbered", "[record-dag-id] = 7 and [weight] > 300"),
)


@pytest.mark.parametrize(
    ("groups", "stopped", "words"),
    [
        ((SOUTH, NORTH), set(), ""),
        ((SOUTH,), {"named", "labelled", "numbered"}, "data access group 'north' was removed"),
        ((), {"named", "labelled", "numbered"}, "data access group 'north' was removed"),
        ((Group("north", "North", 7), SOUTH), {"labelled"}, "'north': its label changed from 'The North' to 'North'"),
        ((Group("north", "The North", 9), SOUTH), {"numbered"}, "'north': its number changed from '7' to '9'"),
        ((Group("n", "The North", 7), SOUTH), {"named"}, "'north': its unique name changed from 'north' to 'n'"),
    ],
)
def test_a_group_that_changed_stops_the_rules_that_read_it(
    groups: tuple[Group, ...], stopped: set[str], words: str
) -> None:
    """Each smart variable of the record's group stops by what it says of groups, and no other rule does."""
    drift = drift_between(GROUPED, replace(BASE, groups=groups))
    found = touched_by_drift(drift, OF_GROUPS)
    assert set(found.rules) == stopped
    assert all(words in str(reason) for reason in found.rules.values())
    assert len(drift.lines()) == len(set(drift.groups.values()))


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (GROUPED, replace(BASE, groups=(NORTH, SOUTH, Group("east", "East", 9))), ["data access group 'east' is new"]),
        (BASE, GROUPED, ["the data access groups are known now"]),
        (GROUPED, BASE, []),
        (replace(BASE, groups=(Group("north", "The North"), Group("south", "The South"))), GROUPED, []),
    ],
)
def test_groups_that_are_new_or_not_shown_stop_nothing(before: Dictionary, after: Dictionary, lines: list[str]) -> None:
    """A new group is reported; what was never known, or is not shown tonight, is no change of meaning."""
    drift = drift_between(before, after)
    assert not touched_by_drift(drift, OF_GROUPS)
    assert list(map(str, drift.lines())) == lines


def test_no_difference_is_no_drift() -> None:
    """The same structure has no drift."""
    assert not drift_between(BASE, BASE)


def test_rules_that_need_what_is_not_seen_stop_whoever_made_them() -> None:
    """A missing right stops every rule that reads a column behind it, a checkbox by its options too."""
    unseen = (Unseen("visit", ("grade", "signs___1"), "no export right"),)
    rules = (*RULES, a_rule("ticked", "[signs(1)] = '1'"))
    assert set(touched_by_rights(unseen, rules).rules) == {"graded", "made", "ticked"}


def test_a_drift_stops_the_variables_and_tables_of_the_plan_that_read_it() -> None:
    """A variable whose field changed stops with its table; a changed grouping stops the plan."""
    study = load_study(Path(__file__).parents[2] / "expectations" / "venous_occlusion")
    assert study.plan is not None
    table = next(table for table in study.plan.tables if len(table.variables) > 2)
    variable = table.variables[0]
    name = variable.visits[0][1].dictionary_field
    found = touched_by_drift(Drift(fields={name: "changed"}), (), study.plan)
    assert f"{table.id}/{variable.id}" in found.variables
    assert table.id in found.tables
    assert len(found.variables) < sum(len(table.variables) for table in study.plan.tables)
    grouping = study.plan.grouping.dictionary_field
    assert touched_by_drift(Drift(fields={grouping: "changed"}), (), study.plan).plan == "changed"
