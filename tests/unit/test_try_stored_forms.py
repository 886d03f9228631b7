"""Stored values follow the form of their validation type, and calculated fields are found where they are written."""

import pytest

from redcap_sync.dictionary import Field
from redcap_sync.errors import LogicError
from redcap_sync.logic import to_logic
from redcap_sync.logic.calculated_fields import calculation_of
from redcap_sync.validation_types import follows, is_known

GOOD = {
    "date_dmy": ["2024-02-29"],
    "datetime_ymd": ["2024-02-29 8:30", "2024-02-29 23:59"],
    "datetime_seconds_mdy": ["2024-02-29 08:30:00"],
    "time": ["8:30", "23:59"],
    "time_mm_ss": ["59:59"],
    "time_hh_mm_ss": ["23:59:59"],
    "integer": ["5", "-5", "+05"],
    "int": ["7"],
    "number": [".5", "5.5", "-1e3", "5"],
    "number_2dp": ["1.25"],
    "number_comma_decimal": ["1,5", "15"],
    "number_1dp_comma_decimal": ["-1,5"],
    "email": ["a.b+c@example.org", "王@例子.中国"],
    "phone": ["(615) 322-2222", "615-322-2222 ext 5"],
    "zipcode": ["37232", "37232-1234"],
    "postalcode_canada": ["K1A 0B1", "k1a0b1"],
    "ssn": ["123-12-1234"],
    "mrn_10d": ["1234567890"],
    "mrn_generic": ["A-1_b"],
    "vmrn": ["1234"],
    "alpha_only": ["abcXYZ"],
}
BAD = {
    "date_dmy": ["29-02-2024", "2023-02-29", "2024-2-9", "2024-02-29 "],
    "datetime_ymd": ["2024-02-29T08:30", "2024-02-29 24:00", "2024-02-29 08:30:00", "2024-02-30 08:30"],
    "datetime_seconds_mdy": ["2024-02-29 08:30"],
    "time": ["24:00", "8"],
    "integer": ["5.0", "\uff15", "1e3", ""],
    "number": ["5.", "5,5", "abc", "1 000"],
    "number_2dp": ["1.2", "1.234", "1,23"],
    "number_comma_decimal": ["1.5"],
    "email": ["a@b", "a..b@example.org", ".a@example.org", "a b@example.org"],
    "phone": ["123-456-7890"],
    "mrn_10d": ["123456789", "1234567890\n"],
    "alpha_only": ["ab1"],
}


@pytest.mark.parametrize(("validation", "value"), [(name, value) for name in GOOD for value in GOOD[name]])
def test_what_follows_its_type(validation: str, value: str) -> None:
    """A value that REDCap would have taken has the form of its type."""
    assert follows(validation, value)


@pytest.mark.parametrize(("validation", "value"), [(name, value) for name in BAD for value in BAD[name]])
def test_what_does_not_follow_its_type(validation: str, value: str) -> None:
    """Another form, a day that is not in the calendar, or a full-width digit does not."""
    assert not follows(validation, value)


def test_types_of_a_site_are_not_judged() -> None:
    """A type that only one site has is not known, and so judges nobody."""
    assert not is_known("phone_uk")


def field_with(annotation: str, validation: str = "", kind: str = "text", calculation: str = "") -> Field:
    """A field with an annotation or a formula."""
    return Field("f", "visit", kind, validation=validation, annotation=annotation, calculation=calculation)


@pytest.mark.parametrize(
    ("field", "logic", "text"),
    [
        (field_with("", kind="calc", calculation="3*2"), "3 * 2", False),
        (field_with("@HIDDEN @CALCTEXT(if([a] = ')', 'x,y', [b]))"), "if([a] = ')', 'x,y', [b])", True),
        (
            field_with("@CALCDATE([start], [weeks(1)] * 7, 'd')", "date_ymd"),
            "calcdate([start], [weeks(1)] * 7, 'd', 'date')",
            True,
        ),
    ],
)
def test_formulas_are_found(field: Field, logic: str, text: bool) -> None:  # noqa: FBT001 - a column of the table
    """A calc field, @CALCTEXT and @CALCDATE each give their formula, quotes and brackets respected."""
    found = calculation_of(field)
    assert found is not None
    assert (to_logic(found.expression), found.text) == (logic, text)


def test_a_field_that_is_not_calculated() -> None:
    """A plain field, and a calc field without a formula, are not calculated."""
    assert calculation_of(field_with("@HIDDEN")) is None
    assert calculation_of(field_with("", kind="calc")) is None


@pytest.mark.parametrize(
    "annotation", ["@CALCTEXT([a]", "@CALCDATE([a], 1)", "@IF([a] = '1', @CALCTEXT([b]), '')", "@CALCTEXT([a] +)"]
)
def test_a_tag_that_cannot_be_read_is_refused(annotation: str) -> None:
    """What cannot be read is an error of this field, never an empty result."""
    with pytest.raises(LogicError):
        calculation_of(field_with(annotation, "date_ymd"))
