"""Action tags are found in the free text of an annotation."""

from __future__ import annotations

from datetime import datetime

import pytest

from redcap_sync.errors import LogicError
from redcap_sync.logic import action_tags, interpret, to_logic
from redcap_sync.logic.annotations import calculated_date, calculated_text

NOW = datetime(2024, 5, 17)  # noqa: DTZ001 - REDCap's times have no zone


def test_tags_are_read_with_their_values_and_arguments() -> None:
    """Values may be in either quotes or none; unknown tags are read like the others."""
    annotation = "Ask twice. @NOMISSING @DEFAULT='a @TAG' @CHARLIMIT=\"5\" @MAXCHECKED=2 @HIDDEN-SURVEY @SOMETHING-NEW"
    assert [(tag.name, tag.value) for tag in action_tags(annotation)] == [
        ("NOMISSING", ""),
        ("DEFAULT", "a @TAG"),
        ("CHARLIMIT", "5"),
        ("MAXCHECKED", "2"),
        ("HIDDEN-SURVEY", ""),
        ("SOMETHING-NEW", ""),
    ]


def test_a_mail_address_and_small_letters_are_no_tags() -> None:
    """Only capitals after an @ that is by itself make a tag."""
    assert action_tags("write to someone@EXAMPLE.org or @nobody") == ()


def test_a_calculated_text_keeps_its_commas_and_brackets() -> None:
    """The expression ends at the tag's own parenthesis, whatever is in quotes."""
    tree = calculated_text("note @CALCTEXT(if([a] = ')', concat('x, y', [f(2)]), '')) more")
    assert tree is not None
    assert to_logic(tree) == "if([a] = ')', concat('x, y', [f(2)]), '')"
    assert calculated_text("@HIDDEN") is None


@pytest.mark.parametrize(
    ("validation", "written"),
    {
        "date_dmy": "2024-05-11",
        "datetime_ymd": "2024-05-11 08:30",
        "datetime_seconds_mdy": "2024-05-11 08:30:00",
    }.items(),
)
def test_a_calculated_date_is_stored_as_its_field_is_validated(validation: str, written: str) -> None:
    """@CALCDATE adds an offset in datediff's units."""
    tree = calculated_date("@CALCDATE([d], [n] * 2, 'd')", validation)
    assert tree is not None
    assert interpret(tree, {"d": "2024-05-01 08:30", "n": "5"}, now=NOW) == written
    assert interpret(tree, {"d": "", "n": "5"}, now=NOW) == ""
    assert calculated_date("@TODAY", validation) is None


@pytest.mark.parametrize(
    ("annotation", "validation"),
    [
        ("@CALCDATE([d], 1)", "date_ymd"),
        ("@CALCDATE([d], 1, 'd')", "integer"),
        ("@CALCDATE([d], 1, 'd'", "date_ymd"),
        ("@CALCDATE([d], [, 'd')", "date_ymd"),
    ],
)
def test_a_broken_calculated_date_is_explained(annotation: str, validation: str) -> None:
    """What cannot be read is refused, never mistaken for no tag at all."""
    with pytest.raises(LogicError):
        calculated_date(annotation, validation)
