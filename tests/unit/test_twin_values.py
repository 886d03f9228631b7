"""What a twin writes into single fields, and what its fields say of each other."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from nightround.simulation.twin.enrolment import enrolled
from nightround.simulation.twin.source_project import read_source
from redcap_sync.dictionary import DATE_FORMATS
from redcap_sync.validation_types import PATTERNS, follows
from tests.twin_examples import CHOICES, HIGH, LOW, NOW, VALIDATION, cells, field, made, write_dictionary, write_project


def test_each_validation_type_has_values_of_its_form(tmp_path: Path) -> None:
    """Every type that REDCap ships is written as REDCap stores it, whatever is in the record before."""
    types = [name for name in PATTERNS if name not in ("int", "float")]
    rows = [field("id", "f"), *(field(f"f_{name}", "f", **{VALIDATION: name}) for name in types)]
    twin = made(write_dictionary(tmp_path / "d.csv", rows))
    for name in types:
        assert all(follows(name, cell) for cell in cells(twin, f"f_{name}")), name
    assert twin.unavoidable == ()


@pytest.mark.parametrize(
    ("validation", "low", "high"),
    [
        ("integer", "3", "5"),
        ("number", "0.5", "0.75"),
        ("number_2dp", "-1", "-0.9"),
        ("number_comma_decimal", "1,5", "2,5"),
        ("date_dmy", "2024-02-28", "2024-03-01"),
        ("datetime_ymd", "2024-02-28 10:00", "2024-02-28 10:30"),
        ("time", "08:00", "08:10"),
        ("date_ymd", "today", ""),
        ("date_ymd", "", "today"),
        ("integer", "[low]", "20"),
    ],
)
def test_values_lie_in_their_range(tmp_path: Path, validation: str, low: str, high: str) -> None:
    """A range that is fixed, moves with the day, or is another field's value holds in every record."""
    bounded = field("value", "f", **{VALIDATION: validation, LOW: low, HIGH: high})
    rows = [field("id", "f"), field("low", "f", **{VALIDATION: "integer", LOW: "1", HIGH: "15"}), bounded]
    twin = made(write_dictionary(tmp_path / "d.csv", rows), records=60)
    assert len(set(cells(twin, "value"))) > 1 or low == "today"
    assert twin.unavoidable == ()


def test_a_note_says_where_numbers_lie(tmp_path: Path) -> None:
    """Without a range the numbers follow the one that the note names; a summary goes before it."""
    row = field("hb", "f", field_note="normal range 115-150 g/L", **{VALIDATION: "integer"})
    path = write_dictionary(tmp_path / "d.csv", [field("id", "f"), row])
    assert all(115 <= int(cell) <= 150 for cell in cells(made(path, 50), "hb"))
    values = [int(cell) for cell in cells(made(path, 400, summary={"hb": {"mean": 80.0, "sd": 10.0}}), "hb")]
    assert abs(sum(values) / len(values) - 80) < 3
    assert all(80 - 20 <= value <= 80 + 20 for value in values)


def test_shares_of_a_summary_are_kept(tmp_path: Path) -> None:
    """Codes are as frequent as the summary says."""
    path = write_dictionary(
        tmp_path / "d.csv", [field("id", "f"), field("sex", "f", "radio", **{CHOICES: "1, Female | 2, Male"})]
    )
    share = cells(made(path, 1000, summary={"sex": {"shares": {"1": 0.9}}}), "sex").count("1") / 1000
    assert abs(share - 0.9) < 0.05


def test_hidden_fields_are_blank_and_shown_ones_filled(tmp_path: Path) -> None:
    """Branching logic decides field by field, also through a chain and against the order of the dictionary."""
    rows = [
        field("id", "f"),
        field("last", "f", branching_logic="[middle] = '1'", required_field="y"),
        field("middle", "f", "yesno", branching_logic="[first(2)] = '1'"),
        field("first", "f", "checkbox", **{CHOICES: "1, A | 2, B"}),
    ]
    twin = made(write_dictionary(tmp_path / "d.csv", rows), 60)
    for ticked, middle, last in zip(cells(twin, "first___2"), cells(twin, "middle"), cells(twin, "last"), strict=True):
        assert (middle != "") == (ticked == "1")
        assert (last != "") == (middle == "1")
    assert twin.unavoidable == ()


def test_calculations_are_worked_out_in_their_order(tmp_path: Path) -> None:
    """A calculation of calculations, text and dates agree with their formulas, and none is an outlier."""
    rows = [
        field("id", "f"),
        field("twice", "f", "calc", **{CHOICES: "[sum] * 2"}),
        field("sum", "f", "calc", **{CHOICES: "sum([a], [b], [c])"}),
        *(field(name, "f", **{VALIDATION: "integer", LOW: "0", HIGH: "3"}) for name in "abc"),
        field("seen", "f", **{VALIDATION: "date_ymd"}),
        field("due", "f", field_annotation="@CALCDATE([seen], 30, 'd')", **{VALIDATION: "date_ymd"}),
        field("said", "f", field_annotation="@CALCTEXT(concat([a], '/', [b]))"),
    ]
    twin = made(write_dictionary(tmp_path / "d.csv", rows), 200)
    for a, b, c, total, twice in zip(*(cells(twin, name) for name in ("a", "b", "c", "sum", "twice")), strict=True):
        assert int(a) + int(b) + int(c) == int(total)
        assert int(twice) == 2 * int(total)
    seen, due = (list(map(date.fromisoformat, cells(twin, name))) for name in ("seen", "due"))
    assert {(later - first).days for first, later in zip(seen, due, strict=True)} == {30}
    assert twin.unavoidable == ()


def test_an_option_that_excludes_the_others_stands_alone(tmp_path: Path) -> None:
    """By its action tag, and by what it is called in both languages."""
    choices = "1, Asthma | 2, COPD | 0, None of these"
    rows = [
        field("id", "f"),
        field("tagged", "f", "checkbox", field_annotation="@NONEOFTHEABOVE='2'", **{CHOICES: "1, A | 2, B | 3, C"}),
        field("named", "f", "checkbox", **{CHOICES: choices}),
        field("chinese", "f", "checkbox", **{CHOICES: "1, 哮喘 | 2, 慢阻肺 | 0, 以上均无"}),
    ]
    twin = made(write_dictionary(tmp_path / "d.csv", rows), 80)
    for name, alone, others in (("tagged", "2", "13"), ("named", "0", "12"), ("chinese", "0", "12")):
        rows_of = zip(cells(twin, f"{name}___{alone}"), *(cells(twin, f"{name}___{o}") for o in others), strict=True)
        found = list(rows_of)
        assert all("1" not in rest for own, *rest in found if own == "1")
        assert any(own == "1" for own, *_ in found)


def test_who_could_be_named_is_marked_as_made_up(tmp_path: Path) -> None:
    """Identifiers say that they are synthetic, hang on the record, and names are in the project's language."""
    rows = [
        field("id", "f", field_label="Study number, such as ABC-001"),
        field("name", "f", identifier="y", field_label="姓名"),
        field("number", "f", identifier="y", field_label="病案号"),
        field("mail", "f", identifier="y", **{VALIDATION: "email"}),
        field("remark", "f", "notes"),
    ]
    twin = made(write_dictionary(tmp_path / "d.csv", rows), 12)
    assert list(twin.people.ids[:2]) == ["ABC-001", "ABC-002"]
    assert all(re.fullmatch(r"合成患者\d{4}", cell) for cell in cells(twin, "name"))
    assert all(cell.startswith("SYN-") for cell in cells(twin, "number"))
    assert all(cell.endswith("@example.org") for cell in cells(twin, "mail"))
    assert len(set(cells(twin, "mail"))) == 12
    assert all(re.search("[\u4e00-\u9fff]", cell) for cell in cells(twin, "remark"))


def test_dates_follow_each_other(tmp_path: Path) -> None:
    """Birth before consent before the visits, each visit at its day of the schedule and within its window."""
    events = [
        {"event_name": name, "arm_num": 1, "unique_event_name": f"{name}_arm_1", "day_offset": offset, "offset_min": 2}
        | {"offset_max": 2}
        for name, offset in (("start", 0), ("week_4", 28), ("week_8", 56))
    ]
    rows = [
        field("id", "first"),
        field("born", "first", field_label="Date of birth", **{VALIDATION: "date_ymd"}),
        field("consent", "first", field_label="Consent", **{VALIDATION: "date_ymd"}),
        field("seen", "visit", field_label="Date of visit", **{VALIDATION: "datetime_ymd"}),
    ]
    mapping = [("start_arm_1", "first"), *((f"{name}_arm_1", "visit") for name in ("week_4", "week_8"))]
    twin = made(write_project(tmp_path / "p", rows, events=events, mapping=mapping), 40)
    consent = [date.fromisoformat(cell) for cell in cells(twin, "consent")]
    born = [date.fromisoformat(cell) for cell in cells(twin, "born")]
    seen = [date.fromisoformat(cell[:10]) for cell in cells(twin, "seen")]
    assert all((day - birth).days > 18 * 365 for day, birth in zip(consent, born, strict=True))
    for number, day in enumerate(consent):
        week_4, week_8 = seen[2 * number], seen[2 * number + 1]
        assert day < week_4 < week_8
        assert abs((week_8 - week_4).days - 28) <= 4
    assert set(DATE_FORMATS) >= {"date", "datetime"}


def test_records_are_numbered_by_their_group(tmp_path: Path) -> None:
    """A project that numbers its records has the group's number in front; the records are in REDCap's order."""
    folder = write_project(
        tmp_path / "p",
        [field("id", "f"), field("note", "f")],
        groups=["North", "South"],
        settings={"record_autonumbering_enabled": 1},
    )
    twin = made(folder, 30)
    assert all(re.fullmatch(r"\d+-\d+", name) for name in twin.people.ids)
    assert twin.snapshot.groups is not None
    assert set(twin.snapshot.groups.values()) == {"north", "south"}


def test_a_unique_field_is_unique(tmp_path: Path) -> None:
    """The secondary unique field differs between records, whatever its type."""
    for kind in ("", "integer", "date_ymd", "email"):
        folder = write_project(
            tmp_path / f"p_{kind}",
            [field("id", "f"), field("key", "f", **{VALIDATION: kind})],
            settings={"secondary_unique_field": "key"},
        )
        assert len(set(cells(made(folder, 150), "key"))) == 150


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (field("x", "f", **{VALIDATION: "integer", LOW: "9", HIGH: "3"}), "twin.reason.empty_range"),
        (field("x", "f", "radio"), "twin.reason.no_choice"),
        (
            field("x", "f", "calc", branching_logic="[id] = 'none'", **{CHOICES: "1 + 1"}),
            "twin.reason.hidden_calculation",
        ),
        (field("x", "f", "calc", **{CHOICES: "[x] + 1"}), "twin.reason.no_result"),
        (field("x", "f", "yesno", branching_logic="[x] = ''"), "twin.reason.restless"),
    ],
)
def test_what_contradicts_itself_is_listed(tmp_path: Path, row: dict[str, str], reason: str) -> None:
    """A dictionary that no data can satisfy gives a twin all the same, with the reason."""
    twin = made(write_dictionary(tmp_path / "d.csv", [field("id", "f"), row]), 10)
    assert reason in {one.reason.code for one in twin.unavoidable}


def test_what_cannot_be_read_is_listed(tmp_path: Path) -> None:
    """Broken branching logic shows its field, as REDCap does, and is named."""
    row = field("x", "f", branching_logic="[nowhere] = '1'")
    twin = made(write_dictionary(tmp_path / "d.csv", [field("id", "f"), row]), 5)
    assert all(cells(twin, "x"))
    assert {one.field for one in twin.unavoidable} == {"x"}


def test_a_visit_that_a_rule_expects_is_kept_in_a_messy_twin(tmp_path: Path) -> None:
    """Some records of a messy twin end early; none is without an event that the study's own rule expects of it."""
    events = [{"unique_event_name": f"{name}_arm_1", "event_name": name, "arm_num": 1} for name in ("a", "b", "c")]
    folder = tmp_path / "p"
    rows = [field("id", "f"), field("x", "f", **{VALIDATION: "integer"})]
    write_project(folder, rows, events=events, mapping=[(str(one["unique_event_name"]), "f") for one in events])
    project = read_source(folder, None, clock=lambda: NOW).project
    people = enrolled(project, 400, np.random.default_rng(1), messy=True, expected=frozenset({"c_arm_1"}))
    a, b, c = people.attended.T
    assert (a.all(), b.all(), c.all()) == (True, False, True)
