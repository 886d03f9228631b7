"""The worked case of the reference: a real project, with the counts REDCap's own screen shows."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from nightround.rule_desk.try_project import Exclusion, TriedRule, try_project
from redcap_sync.odm.project_file import ProjectFile, read_project_file
from tests.project_xml import Opened, opened_xml
from tests.rules_by_hand import cells_of, codes_of, is_shown, value_of

REAL = Path(__file__).parents[3] / "shared" / "redcap_projects"
FILE = REAL / "07_DesignForms_v1115.xml"
NOW = datetime(2025, 7, 5, 8, 0)  # noqa: DTZ001 - REDCap's clock has no zone
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the folder ../shared/redcap_projects is not here")

INTEGER_FIELD = (
    '<ItemDef OID="integer_field" Name="integer_field" DataType="integer" Length="999" '
    'redcap:Variable="integer_field" redcap:FieldType="text" redcap:TextValidationType="int">'
    "<Question><TranslatedText>Integer</TranslatedText></Question>"
    '<RangeCheck Comparator="GE" SoftHard="Soft"><CheckValue>0</CheckValue></RangeCheck>'
    '<RangeCheck Comparator="LE" SoftHard="Soft"><CheckValue>10</CheckValue></RangeCheck></ItemDef>'
)
EVENT = "event_1_arm_1"
# The page computed the calc field of every opened `data_types`, as a browser does on saving.
OPENED = [
    Opened(
        "1",
        "text_validation",
        {
            "record_id": "1",
            "ptname_v2_v2": "user1115_1",
            "email_v2": "user1115_1@redcap.com",
            "text_validation_complete": "2",
        },
        event=EVENT,
    ),
    Opened(
        "1",
        "data_types",
        {
            "ptname": "User11151",
            "text2": "This is a text",
            "integer_field": "8",
            "required": "User11151",
            "calculated_field": "6",
            "data_types_complete": "2",
        },
        event=EVENT,
    ),
    Opened(
        "2",
        "data_types",
        {"integer_field": "213", "calculated_field": "6", "data_types_complete": "2"},
        event=EVENT,
    ),
]


def worked_case(tmp_path: Path) -> ProjectFile:
    """The real project without its data, with one more field and the two records of the case."""
    text = FILE.read_text("utf-8")
    text = re.sub(r"\t<SubjectData.*</SubjectData>", "", text, flags=re.DOTALL)
    reference = '<ItemRef ItemOID="edit_field" Mandatory="No" redcap:Variable="edit_field"/>'
    assert reference in text
    text = text.replace(reference, reference + reference.replace("edit_field", "integer_field"))
    text = text.replace("\t<CodeList ", INTEGER_FIELD + "\t<CodeList ", 1)
    subjects = "".join(
        f'<SubjectData SubjectKey="{record}">{"".join(opened_xml(one) for one in OPENED if one.record == record)}'
        "</SubjectData>"
        for record in ("1", "2")
    )
    path = tmp_path / "worked_case.xml"
    path.write_text(text.replace("</ClinicalData>", subjects + "</ClinicalData>"), "utf-8")
    return read_project_file(path)


def by_letter(tried: tuple[TriedRule, ...]) -> dict[str, TriedRule]:
    """The rules by their ids."""
    return {one.id: one for one in tried}


def test_the_counts_are_those_of_the_screen(tmp_path: Path) -> None:
    """A 29, B 1, C 0, D 1; of the 29, 12 are of record 1 and 17 of record 2, 15 and 2 by instrument."""
    tried = by_letter(try_project(worked_case(tmp_path), (), now=NOW))
    assert {letter: tried[letter].discrepancies for letter in "ABCD"} == {"A": 29, "B": 1, "C": 0, "D": 1}
    blanks = tried["A"].rows or ()
    assert [row.record for row in blanks].count("1") == 12
    assert [row.record for row in blanks].count("2") == 17
    second = [row.instrument for row in blanks if row.record == "2"]
    assert (second.count("data_types"), second.count("text_validation")) == (15, 2)
    assert [(row.record, row.field, row.value) for row in tried["B"].rows or ()] == [("2", "required", "")]
    assert [(row.record, row.field, row.value) for row in tried["D"].rows or ()] == [("2", "integer_field", "213")]


def test_an_exclusion_lowers_the_count_by_one(tmp_path: Path) -> None:
    """After three discrepancies are excluded, A is 26; without them it is 29 again."""
    project = worked_case(tmp_path)
    blanks = by_letter(try_project(project, (), now=NOW))["A"].rows or ()
    excluded = {Exclusion("A", *row[:-1]) for row in blanks[:3]}
    left = by_letter(try_project(project, (), now=NOW, exclusions=excluded))
    assert (left["A"].discrepancies, left["A"].excluded, left["A"].checked) == (26, 3, 38)
    assert (left["B"].discrepancies, left["D"].discrepancies) == (1, 1)


EVERY_FILE = sorted(REAL.rglob("*.xml")) if REAL.exists() else []


@pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_real_project_is_judged_whole(path: Path) -> None:
    """All letters come in order, only fields of an unknown type are not judged, and five agree with plain loops."""
    project = read_project_file(path)
    tried = try_project(project, (), now=NOW)
    assert "".join(one.id for one in tried) == "ABCDEFGHI"
    assert {reason.facts["reason"].code for one in tried for reason in one.reasons} <= {"outcome.unknown_validation"}
    found = {(one.id, row.record, row.event, row.instance, row.field) for one in tried for row in one.rows or ()}
    assert {one for one in found if one[0] in "ABFGI"} == by_hand(project)


def by_hand(project: ProjectFile) -> set[tuple[str, str, str, int, str]]:
    """A, B, F, G and I by plain loops over the rows of the file."""
    broken: set[tuple[str, str, str, int, str]] = set()
    for row, _, field in cells_of(project):
        value, codes = value_of(row, field, project.dictionary), codes_of(field, project.dictionary)
        shown = is_shown(project, row, field, now=NOW)
        letters = {
            "A": value == "" and shown,
            "B": value == "" and shown and field.required,
            "F": value != "" and not shown,
            "G": value not in ("", *codes) and field.type in ("radio", "dropdown") and not field.has_choice(value),
            "I": value in codes,
        }
        key = (row[project.dictionary.record_id_field], row.get("redcap_event_name", ""))
        place = (*key, int(row.get("redcap_repeat_instance") or 0), field.name)
        broken |= {(letter, *place) for letter, holds in letters.items() if holds}
    return broken
