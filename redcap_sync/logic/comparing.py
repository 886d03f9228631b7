"""Two vectors compared: as numbers where both look like numbers, else as texts, with REDCap's blanks."""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from redcap_sync.logic.switches import Switches
from redcap_sync.logic.vectors import (
    BLANK,
    Booleans,
    Dates,
    Mask,
    Numbers,
    Texts,
    Vector,
    as_texts,
    constant_text,
    objects,
    read_numbers,
)

_ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operators.lt,
    ">": operators.gt,
    "<=": operators.le,
    ">=": operators.ge,
}
_MIRRORED = {"=": "=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?")
_KINDS = {10: "date", 16: "datetime", 19: "datetime_seconds"}
_RANKS = {"date": 0, "datetime": 1, "datetime_seconds": 2}
_NANOSECOND_YEARS = range(1678, 2262)


def compare(operator: str, left: Vector, right: Vector, switches: Switches) -> Mask:
    """Say, row by row, whether `left operator right` holds. The operator is one of `= <> < > <= >=`."""
    if operator == "<>":
        return ~compare("=", left, right, switches)
    if left is BLANK or right is BLANK:
        return _with_blank(operator, left, right, switches)
    if isinstance(left, Texts) and (literal := _literal_next_to(left, right)) is not None:
        return _compare_literal(operator, left, literal, switches)
    if _is_numeric(left) and _is_numeric(right):
        return _compared(operator, left, right, (left.numbers, right.numbers), switches)
    dates = _as_dates(left), _as_dates(right)
    if dates[0] is not None and dates[1] is not None:
        return _compare_dates(operator, dates[0], dates[1], switches)
    return _compare_texts(operator, left, right, switches)


def _compare_texts(operator: str, left: Vector, right: Vector, switches: Switches) -> Mask:
    literal = _single(right)
    if literal is not None and isinstance(left, Texts):
        return _compare_literal(operator, left, literal, switches)
    literal = _single(left)
    if literal is not None and isinstance(right, Texts):
        return _compare_literal(_MIRRORED[operator], right, literal, switches)
    return _compare_any(operator, left, right, switches)


def _literal_next_to(left: Texts, right: Vector) -> str | None:
    """The one value, as text, that a column of texts is compared with: only its distinct texts need be looked at."""
    if len(left.codes) == 1:
        return None
    if isinstance(right, Numbers) and len(right.array) == 1 and left.all_numeric and np.isfinite(right.array[0]):
        return repr(float(right.array[0]))
    return _single(right)


def _single(vector: Vector) -> str | None:
    """The one text that stands for all rows, or None."""
    if isinstance(vector, Texts) and len(vector.codes) == 1 and vector.codes[0] >= 0:
        return str(vector.uniques[vector.codes[0]])
    return None


def _is_numeric(vector: Vector) -> bool:
    if isinstance(vector, Texts):
        return vector.all_numeric
    return isinstance(vector, Numbers | Booleans)


def _with_blank(operator: str, left: Vector, right: Vector, switches: Switches) -> Mask:
    if operator == "=":
        return right.blank if left is BLANK else left.blank
    return _order_of_blanks(operator, left, right, switches)


def _order_of_blanks(operator: str, left: Vector, right: Vector, switches: Switches) -> Mask:
    """Whether an order is true in the rows where a side is blank; false in all others."""
    if not switches.blank_is_below_everything:
        return np.zeros(np.broadcast_shapes(left.blank.shape, right.blank.shape), dtype=bool)
    present = (~left.blank).astype(np.int8), (~right.blank).astype(np.int8)
    found: Mask = _either_blank(left, right) & _ORDERS[operator](*present)
    return found


def _compared(
    operator: str, left: Vector, right: Vector, arrays: tuple[npt.NDArray[Any], npt.NDArray[Any]], switches: Switches
) -> Mask:
    """Compare two arrays whose NaN or NaT are exactly where the vectors are blank."""
    if operator == "=":
        same: Mask = arrays[0] == arrays[1]
        one_value = len(arrays[1]) == 1 and not right.blank[0]
        return same if one_value else same | _both_blank(left, right)
    found: Mask = _ORDERS[operator](*arrays)
    return found | _order_of_blanks(operator, left, right, switches) if switches.blank_is_below_everything else found


def _either_blank(left: Vector, right: Vector) -> Mask:
    """Where a side is blank. A single value is asked by itself: next to many numpy takes twenty times as long."""
    if len(left.blank) == len(right.blank):
        return left.blank | right.blank
    one, rows = _single_first(left.blank, right.blank)
    return np.ones(len(rows), dtype=bool) if one[0] else rows


def _both_blank(left: Vector, right: Vector) -> Mask:
    """Where both sides are blank."""
    if len(left.blank) == len(right.blank):
        return left.blank & right.blank
    one, rows = _single_first(left.blank, right.blank)
    return rows if one[0] else np.zeros(len(rows), dtype=bool)


def _single_first(left: Mask, right: Mask) -> tuple[Mask, Mask]:
    return (left, right) if len(left) == 1 else (right, left)


def _as_dates(vector: Vector) -> Dates | None:
    if isinstance(vector, Dates):
        return vector
    literal = _single(vector)
    return None if literal is None else _literal_date(literal)


def _literal_date(text: str) -> Dates | None:
    if _DATE.fullmatch(text) is None or int(text[:4]) not in _NANOSECOND_YEARS:
        return None
    try:
        return Dates(np.array([text.replace(" ", "T")], dtype="datetime64[ns]"), _KINDS[len(text)])
    except ValueError:
        return None


def _compare_dates(operator: str, left: Dates, right: Dates, switches: Switches) -> Mask:
    """Compare moments as their stored texts would: the same moment with less time written comes first."""
    ranks = _RANKS[left.kind], _RANKS[right.kind]
    same_kind = ranks[0] == ranks[1]
    if operator == "=":
        both_blank = _both_blank(left, right)
        return (left.nanoseconds == right.nanoseconds) & ~left.blank | both_blank if same_kind else both_blank
    # Of two equal moments the shorter text is the lesser one, so ties turn on the kinds alone.
    strict_or_not = operator if same_kind else operator[0] + ("=" if _ORDERS[operator](*ranks) else "")
    found: Mask = _ORDERS[strict_or_not](left.nanoseconds, right.nanoseconds) & ~_either_blank(left, right)
    return found | _order_of_blanks(operator, left, right, switches) if switches.blank_is_below_everything else found


def _compare_literal(operator: str, texts: Texts, value: str, switches: Switches) -> Mask:
    """Compare each distinct text once with a single one that is not blank."""
    matches = texts.of_uniques((operator, value), lambda _: _uniques_that_match(operator, texts, value))
    found: Mask = texts.spread(matches, False)
    if operator == "=":
        return found
    return (
        found | _order_of_blanks(operator, texts, constant_text(value), switches)
        if switches.blank_is_below_everything
        else found
    )


def _uniques_that_match(operator: str, texts: Texts, value: str) -> Mask:
    number, numbers = read_numbers(objects([value]))[0], texts.unique_numbers
    if operator == "=":
        equal: Mask = np.asarray(texts.uniques == value, dtype=bool) | (numbers == number)
        return equal
    ordered = _ORDERS[operator]
    matches = np.fromiter((ordered(text, value) for text in texts.uniques), dtype=bool, count=len(texts.uniques))
    if np.isnan(number):
        return matches
    found: Mask = np.where(np.isnan(numbers), matches, ordered(numbers, number))
    return found


def _ranks(*sides: Texts) -> list[npt.NDArray[np.int64]]:
    """The place of each text in the order of all texts of both sides."""
    places = {text: place for place, text in enumerate(sorted({text for side in sides for text in side.uniques}))}
    return [side.spread(np.array([places[text] for text in side.uniques], dtype=np.int64), -1) for side in sides]


def _compare_any(operator: str, left: Vector, right: Vector, switches: Switches) -> Mask:
    ordered: Callable[[Any, Any], Mask] = _ORDERS.get(operator, operators.eq)
    numbers = left.numbers, right.numbers
    both_numbers = ~np.isnan(numbers[0]) & ~np.isnan(numbers[1])
    ranks = _ranks(as_texts(left, switches.printed_digits), as_texts(right, switches.printed_digits))
    found: Mask = np.where(both_numbers, ordered(*numbers), ordered(*ranks))
    some_blank = _either_blank(left, right)
    blanks = _both_blank(left, right) if operator == "=" else _order_of_blanks(operator, left, right, switches)
    return np.where(some_blank, blanks, found)
