"""Kinds of errors: those of the package, and files of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.simulation.drill.error_kinds import read_kinds, shipped_kinds

ASKED = {
    *("transposed_digits", "unit", "decimal_slip", "day_month", "year_in_january", "copied_visit", "side"),
    *("skipped_item", "grade_from_memory", "before_birth", "answer_without_details", "duplicate_patient"),
    *("impossible_sequence", "missing_visit", "stale_calculation", "hidden_value", "dead_code", "sign"),
    *("future_date", "wrong_patient"),
}
FORM = "[[kind]]\nid = 'a'\ntitle = { en = 'A' }\n[[kind.forms]]\n"
OWN = """
{head}
[[kind]]
id = "{id}"
title = {{ en = "Blood pressure rounded to tens" }}
[[kind.forms]]
where = {{ fields = ["*systolic*"] }}
how = {{ change = "add", by = [-3, 4] }}
"""


def kinds_file(folder: Path, text: str) -> Path:
    """A file of kinds."""
    path = folder / "kinds.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_package_has_every_kind_that_people_make() -> None:
    """Transposed digits to the wrong patient: each is there, with both titles."""
    kinds = shipped_kinds()
    assert {kind.id for kind in kinds} == ASKED
    assert all(kind.title.zh and kind.title.en for kind in kinds)


def test_a_file_adds_its_kinds_to_those_of_the_package(tmp_path: Path) -> None:
    """Nobody has to copy the kinds that are there to add one."""
    kinds = read_kinds(kinds_file(tmp_path, OWN.format(head="", id="rounded")))
    assert {kind.id for kind in kinds} == ASKED | {"rounded"}


def test_a_kind_of_a_file_replaces_that_of_the_same_id(tmp_path: Path) -> None:
    """A site changes what a kind means to it."""
    kinds = read_kinds(kinds_file(tmp_path, OWN.format(head="", id="unit")))
    assert {kind.id for kind in kinds} == ASKED
    assert next(kind for kind in kinds if kind.id == "unit").title.en == "Blood pressure rounded to tens"


def test_a_file_can_stand_alone(tmp_path: Path) -> None:
    """With `shipped = false` no other kind is planted."""
    kinds = read_kinds(kinds_file(tmp_path, OWN.format(head="shipped = false", id="rounded")))
    assert [kind.id for kind in kinds] == ["rounded"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "kind"),
        ("[[kind]]\nid = 'A b'", "id"),
        ("[[kind]]\nid = 'a'\ntitle = { en = 'A' }\nforms = []", "forms"),
        ("[[kind]]\nid = 'a'\ntitle = {}\n[[kind.forms]]\nhow = { change = 'no_choice' }", "zh, en or both"),
        (FORM + "how = { change = 'melt' }", "how"),
        (FORM + "how = { change = 'multiply' }", "by"),
        (
            FORM + "where = { lable = 'x' }\nhow = { change = 'no_choice' }",
            "label",
        ),
        (
            FORM + "where = { label = '(' }\nhow = { change = 'no_choice' }",
            "regular expression",
        ),
        (
            FORM + "how = { change = 'date_from', from = 'now', days = [3, 1] }",
            "not greater",
        ),
        ((OWN + OWN.replace("{head}", "")).format(head="", id="a"), "twice"),
        ("[[kind]\n", "kinds.toml"),
    ],
)
def test_a_file_that_is_none_of_kinds_is_explained(tmp_path: Path, text: str, named: str) -> None:
    """The mistake is named with its place, and the exit code is that of study files."""
    with pytest.raises(StudyFilesWrong) as caught:
        read_kinds(kinds_file(tmp_path, text))
    assert named in str(caught.value)
    assert caught.value.exit_code == 10
