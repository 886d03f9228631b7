"""Slips of a person: what they make of a value is another value, and one that a person can type."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from nightround.simulation.drill.error_kinds import Add, Multiply, OtherChoice, Rewrite
from nightround.simulation.drill.planting import size_between
from nightround.simulation.drill.value_changes import changed_texts, date_in, number_in
from redcap_sync.dictionary import Choice, Field

NUMBER = Field("weight", "demo", "text", validation="number")
WHOLE = Field("age", "demo", "text", validation="integer")
COMMA = Field("dose", "demo", "text", validation="number_comma_decimal")
DATE = Field("visit", "demo", "text", validation="date_dmy")
SIDES = ("Left leg", "Right leg", "Both legs")
numbers = st.decimals(-100_000, 100_000, places=2)
dates = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@given(numbers)
def test_transposed_digits_are_the_same_digits(number: Decimal) -> None:
    """A slip of two keys loses and invents no digit, and a number stays a number."""
    for other in changed_texts(Rewrite(change="swap_digits"), NUMBER, str(number)):
        assert other != str(number)
        assert Counter(other) == Counter(str(number))
        assert number_in(NUMBER, other) is not None


@given(dates)
def test_transposed_digits_of_a_date_are_a_date(day: date) -> None:
    """REDCap refuses a date that there is not, so nobody can type it."""
    for other in changed_texts(Rewrite(change="swap_digits"), DATE, day.isoformat()):
        assert date_in(DATE, other) is not None


@given(dates)
def test_day_and_month_are_exchanged_where_that_is_a_date(day: date) -> None:
    """The 3rd of April becomes the 4th of March; the 13th of a month has no other reading."""
    found = list(changed_texts(Rewrite(change="swap_day_month"), DATE, day.isoformat()))
    if day.day > 12 or day.day == day.month:
        assert found == []
    else:
        assert found == [day.replace(month=day.day, day=day.month).isoformat()]


@given(numbers)
def test_a_slip_of_the_decimal_point_is_ten_times_as_much_or_a_tenth(number: Decimal) -> None:
    """No digit of the value is lost on the way down."""
    for other in changed_texts(Multiply(change="multiply", by=(10, 0.1)), NUMBER, str(number)):
        found = number_in(NUMBER, other)
        assert found is not None
        assert min(abs(found - number * 10), abs(found - number / 10)) <= Decimal("0.005")


@given(st.integers(-500, 500).filter(bool), st.sampled_from([NUMBER, WHOLE, COMMA]), numbers)
def test_the_size_of_an_error_is_what_was_added(by: int, field: Field, number: Decimal) -> None:
    """Also where a number has a comma."""
    text = str(number.to_integral_value() if field is WHOLE else number).replace(".", "," if field is COMMA else ".")
    (other,) = changed_texts(Add(change="add", by=(by,)), field, text)
    assert size_between(field, text, other) == by


@given(dates, st.sampled_from(["days", "months", "years"]), st.integers(-40, 40))
def test_a_date_is_moved_as_a_calendar_does(day: date, unit: str, by: int) -> None:
    """The day of the month stays, or is the last one that the month has."""
    for other in changed_texts(Add(change="add", by=(by,), unit=unit), DATE, day.isoformat()):
        moved = date.fromisoformat(other)
        if unit == "days":
            assert moved - day == timedelta(days=by)
        else:
            months = (moved.year - day.year) * 12 + moved.month - day.month
            assert months == by * (12 if unit == "years" else 1)
            assert moved.day == day.day or (moved + timedelta(days=1)).day == 1


@given(st.sampled_from(["1", "2", "3"]), st.booleans())
def test_left_for_right_is_the_other_side_in_every_language_of_the_label(code: str, bilingual: bool) -> None:  # noqa: FBT001
    """Both legs have no other side."""
    words = ("左下肢 Left leg", "右下肢 Right leg", "双下肢 Both legs") if bilingual else SIDES
    choices = tuple(Choice(str(number), label) for number, label in enumerate(words, start=1))
    how = OtherChoice(change="other_choice", which="opposite", pairs=(("left", "right"), ("左", "右")))
    found = list(changed_texts(how, Field("side", "demo", "radio", choices=choices), code))
    assert found == {"1": ["2"], "2": ["1"], "3": []}[code]
