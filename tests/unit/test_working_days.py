"""Working days of a country, also where it moves them, and where nobody knows yet how."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightround.study.working_days import WorkingDays, is_known_country

CHINA = WorkingDays("CN")
DAYS = st.dates(date(2020, 1, 1), date(2029, 12, 31))
PLACES = st.sampled_from([WorkingDays(), CHINA, WorkingDays("DE", "BY"), WorkingDays("US"), WorkingDays("IL")])


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 2, 14), True),  # a make-up Saturday before the Spring Festival
        (date(2026, 2, 16), False),
        (date(2026, 2, 20), False),  # moved from that Saturday
        (date(2026, 9, 20), True),  # a make-up Sunday before National Day
        (date(2026, 10, 5), False),
        (date(2026, 11, 28), False),
        (date(2026, 11, 30), True),
        (date(2027, 1, 1), False),
        (date(2027, 2, 8), False),
    ],
)
def test_china_works_on_make_up_days_and_rests_on_moved_ones(day: date, *, works: bool) -> None:
    """Days of the State Council's notices for 2026, and of 2027 by rule (gov.cn, notices on holiday arrangements)."""
    assert CHINA.has(day) is works


def test_a_due_date_past_new_year_is_answered_in_december() -> None:
    """A year whose notice is not out has its holidays by rule, and says that it is not exact."""
    due = CHINA.after(date(2026, 12, 30), 2)
    assert due == date(2027, 1, 4)
    assert (CHINA.is_exact(date(2026, 12, 30)), CHINA.is_exact(due)) == (True, False)
    assert WorkingDays("DE").is_exact(due)
    assert WorkingDays().is_exact(due)


@given(PLACES, DAYS, st.integers(1, 30))
def test_a_due_date_is_so_many_working_days_later(place: WorkingDays, day: date, count: int) -> None:
    """It is a working day itself, and between the two there are as many as were given."""
    due = place.after(day, count)
    passed = [day + timedelta(days=number) for number in range(1, (due - day).days + 1)]
    assert place.has(due)
    assert sum(place.has(one) for one in passed) == count


def test_a_country_without_a_calendar_is_not_known() -> None:
    """Neither an invented country nor an invented province has working days."""
    assert is_known_country("CN")
    assert not is_known_country("XX")
    assert not is_known_country("DE", "ZZ")
