"""One value changed as a person's slip changes it: text in, texts out, each another one than before."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from nightround.simulation.drill.error_kinds import Add, Multiply, OfValue, OtherChoice, Rewrite, Set
from redcap_sync.dictionary import DATE_FORMATS, Field

TWO_DIGITS = re.compile(r"(?=(\d)(\d))")
LEAST_DIGITS_KEPT = 3
"""A value that is made smaller keeps so many significant digits, as a person converts it."""


def number_in(field: Field, text: str) -> Decimal | None:
    """The number that a cell holds."""
    try:
        found = Decimal(text.replace(",", ".") if field.decimal_comma else text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def date_in(field: Field, text: str) -> datetime | None:
    """The moment that a cell of a date holds, as REDCap stores it."""
    if field.kind not in ("date", "datetime"):
        return None
    try:
        return datetime.strptime(text, _pattern(field))  # noqa: DTZ007 - REDCap stores no zone
    except ValueError:
        return None


def text_of_date(field: Field, moment: datetime) -> str:
    """A moment as REDCap stores it in a field."""
    return f"{moment.year:04}{moment.strftime(_pattern(field).removeprefix('%Y'))}"


def text_of_number(field: Field, number: Decimal) -> str:
    """A number as it is typed into a field."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(".", ",") if field.decimal_comma else text


def _pattern(field: Field) -> str:
    return DATE_FORMATS[field.validation.rsplit("_", 1)[0]]


def changed_texts(how: OfValue, field: Field, text: str) -> Iterator[str]:
    """Each other text that the change can make of a filled cell; none where it does not fit the value."""
    match how:
        case Multiply() | Add():
            found = _computed(how, field, text)
        case Set():
            found = iter(how.to)
        case OtherChoice():
            found = _other_choices(how, field, text)
        case Rewrite(change="swap_digits"):
            found = _swapped_digits(field, text)
        case Rewrite():
            found = _swapped_day_month(field, text)
    return (one for one in found if one != text)


def _computed(how: Multiply | Add, field: Field, text: str) -> Iterator[str]:
    number, moment = number_in(field, text) if field.kind == "number" else None, date_in(field, text)
    for by in how.by:
        if isinstance(how, Multiply):
            if number is not None:
                yield text_of_number(field, _rounded(number, number * Decimal(repr(by)), field))
        elif how.unit and moment is not None:
            if (other := _moved(moment, int(by), how.unit)) is not None:
                yield text_of_date(field, other)
        elif not how.unit and number is not None:
            yield text_of_number(field, number + Decimal(repr(by)))


def _rounded(before: Decimal, after: Decimal, field: Field) -> Decimal:
    """As many decimals as the value had; where that leaves too few digits, some more, unless it is a whole number."""
    decimals = _decimals(before)
    if field.validation not in ("integer", "int") and after:
        decimals = max(decimals, LEAST_DIGITS_KEPT - 1 - after.adjusted())
    return after.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _moved(moment: datetime, by: int, unit: str) -> datetime | None:
    try:
        if unit == "days":
            return moment + timedelta(days=by)
        months = moment.year * 12 + moment.month - 1 + by * (12 if unit == "years" else 1)
        year, month = divmod(months, 12)
        return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))
    except (ValueError, OverflowError):
        return None


def _other_choices(how: OtherChoice, field: Field, text: str) -> Iterator[str]:
    codes = [one.code for one in field.choices]
    if text not in codes:
        return
    here = codes.index(text)
    if how.which == "opposite":
        yield from _opposites(how, field, here)
        return
    for place, code in enumerate(codes):
        if how.which == "any" or abs(place - here) == 1:
            yield code


def _opposites(how: OtherChoice, field: Field, here: int) -> Iterator[str]:
    """The choices labelled as this one with the words of every pair exchanged: in a bilingual label all at once."""
    label = field.choices[here].label.lower()
    turned = _exchanged(label, how.pairs)
    return (one.code for one in field.choices if turned != label and one.label.lower() == turned)


def _exchanged(label: str, pairs: Iterable[tuple[str, str]]) -> str:
    words = {one.lower(): other.lower() for pair in pairs for one, other in (pair, pair[::-1])}
    return re.sub("|".join(map(re.escape, words)), lambda found: words[found.group()], label) if words else label


def _swapped_digits(field: Field, text: str) -> Iterator[str]:
    for found in TWO_DIGITS.finditer(text):
        start = found.start()
        if found[1] == found[2] or (start == 0 and found[2] == "0"):
            continue
        other = f"{text[:start]}{found[2]}{found[1]}{text[start + 2 :]}"
        if field.kind == "number" or date_in(field, other) is not None:
            yield other


def _swapped_day_month(field: Field, text: str) -> Iterator[str]:
    moment = date_in(field, text)
    if moment is not None and moment.day <= 12:  # noqa: PLR2004 - the months of a year
        yield text_of_date(field, moment.replace(month=moment.day, day=moment.month))
