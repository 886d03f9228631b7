"""What REDCap does where no public page says it: one named switch each, with the recommended default.

When a comparison with a live REDCap shows that one of them is wrong, it is turned here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Switches:
    """The unverified behaviours of REDCap's evaluator."""

    blank_is_below_everything: bool = False
    """`[n] < 5` for a blank n. False: the browser turns a blank into NaN, with which no order is true."""

    missing_code_is_a_value: bool = False
    """`[n] < 5` for an n that contains the missing data code -999.

    False: a code is a blank wherever values are ordered or calculated with, and only `=`, `<>` and the functions of
    texts and of missing data codes see it. No public page says what REDCap does; as a value, `'UNK' >= 15` is true.
    """

    code_within_limits_is_a_value: bool = True
    """`[n] >= 15` for an n of 99, where 99 is a missing data code and n may be 0 to 120.

    True: both limits of the field allow the number, so that it is a value there. False: it is a code in every field.
    """

    sum_of_blanks_is_zero: bool = True
    """`sum()` of nothing. True: public training material says 0, unlike mean, min, max, median and stdev."""

    round_half: Literal["away_from_zero", "to_even", "up"] = "away_from_zero"
    """`round(-2.5)`. Away from zero, -3: what PHP's own rounding does, and REDCap's server is written in PHP."""

    roundup_negative: Literal["away_from_zero", "towards_infinity"] = "away_from_zero"
    """`roundup(-1.2)`. Away from zero, -2: what spreadsheets mean by this function's name. `rounddown` mirrors it."""

    stdev_of_sample: bool = True
    """`stdev()` divides by n - 1. True: what statistical programs mean by it; of a single value it is blank."""

    find_ignores_case: bool = True
    """`find('b', 'ABC')` is 2. True: contains(), starts_with() and ends_with() ignore case as well."""

    today_in_comparisons: bool = True
    """`[visit] > 'today'` means this day, and 'now' this second.

    True: no stored date equals the word, so that the comparison has no other use.
    """

    nan_is_blank: bool = True
    """`[f] = "NaN"` asks for a blank. True: old logic was taught to write it in place of ''."""

    decimal_age: Literal["calendar", "average_year"] = "calendar"
    """`age_at_date(dob, date, true)`.

    Calendar: whole years plus the share of the running year of life, so that it never contradicts the
    whole-number age. `average_year` divides the days by 365.2425.
    """

    printed_digits: int = 14
    """Significant digits of a number with decimals turned into text. 14: PHP's default precision."""


DEFAULT_SWITCHES = Switches()


@dataclass(frozen=True)
class ReferenceSwitches:
    """The same of how a reference finds its value, before anything is evaluated."""

    box_of_an_empty_visit_is_unticked: bool = True
    """`[month6_arm_1][signs(2)]` for a record that has nothing in that event.

    True: 0, because public training material says that an option is 1 or 0 and never blank where its event exists.
    False: blank, as any other field of such a visit is. An instance that is not there is blank either way, and so is
    an event in which the instrument is not used.
    """


DEFAULT_REFERENCE_SWITCHES = ReferenceSwitches()
