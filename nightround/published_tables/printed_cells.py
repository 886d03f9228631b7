"""What is in one printed cell: a mean with its SD, a median with quartiles, a count, a statistic, a P."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from nightround.published_tables.ranges import NUMBER, Range, decimals_of, plain, printed_range

Kind = Literal["mean", "median", "count"]
MOST_DIGITS = 7
"""Ten million patients and more are no count of a study."""
_BLANK = frozenset({"", "-", "--", "/", "na", "n/a", "null", "none"})


@dataclass(frozen=True, eq=False)
class PrintedCell:
    """One printed cell, by its place. Two cells are never the same, whatever they print."""

    table: str
    row: str
    column: str
    text: str


@dataclass(frozen=True)
class MeanSd:
    """A mean with its standard deviation; `n` where the cell itself says it."""

    mean: Range
    sd: Range
    decimals: int
    n: int | None = None


@dataclass(frozen=True)
class MedianQuartiles:
    """A median, with its quartiles where they are printed."""

    median: Range
    q1: Range | None = None
    q3: Range | None = None
    n: int | None = None


@dataclass(frozen=True)
class Counted:
    """A count, with the percentage and the total where they are printed."""

    count: int
    percent: Range | None = None
    decimals: int = 0
    n: int | None = None


Content = MeanSd | MedianQuartiles | Counted

_ONE = rf"\s*({NUMBER})\s*"
_SIZE = re.compile(r"\s*[\(\[]\s*n\s*=\s*(\d+)\s*[\)\]]\s*$", re.IGNORECASE)
_MEAN = re.compile(rf"{_ONE}(?:±|\+/-|\+-){_ONE}")
_MEAN_BRACKET = re.compile(rf"{_ONE}[\(\[]{_ONE}[\)\]]")
_MEDIAN = re.compile(rf"{_ONE}(?:[\(\[]{_ONE}(?:~|-|to|至|,|;|、){_ONE}[\)\]])?")
_COUNT = re.compile(r"\s*(\d+)\s*(?:/\s*(\d+)\s*)?(?:[\(\[]\s*(\d+(?:\.\d+)?)\s*%?\s*[\)\]])?\s*")
_STATISTIC = re.compile(rf"(?:(?P<symbol>[^\d\s=:+-][^\d=:]*2?)\s*[=:]\s*)?(?P<number>{NUMBER})", re.IGNORECASE)
_P = re.compile(r"(?:p\s*)?(?P<sign>[<>=≤≥]?)\s*(?P<number>\d*\.?\d+)", re.IGNORECASE)
_RAISED = "¹²³⁴⁵⁶⁷⁸⁹⁰ᵃᵇᶜᵈᵉᶠᵍʰⁱ①②③④⑤⑥⑦⑧⑨⑩⑴⑵⑶⑷⑸⑹⑺⑻⑼"
_SIGNS = "*＊∗†‡§¶#＃‖∥△▲☆★※"
_MARKS = re.compile(
    rf"(?<=[\d.)\]%％）])\s*(?:[{_RAISED}{_SIGNS}]+(?:\s*,\s*[{_RAISED}{_SIGNS}]+)*"
    rf"|\s?[a-zA-Z]{{1,2}}(?:\s*,\s*[a-zA-Z])*)(?=\s*(?:$|[±(\[（+]))"
)
"""Marks of a footnote after a number or a bracket. A raised figure would else become a digit of the number."""


def without_marks(text: str) -> str:
    """A cell without the marks of its footnotes, in one spelling."""
    return plain(_MARKS.sub("", text.strip()))


def is_blank(value: object) -> bool:
    """Whether nothing is printed."""
    return value is None or plain(str(value)).lower() in _BLANK


def kind_of(words: str, sample: str) -> Kind | None:
    """What a row holds, by the words that say it, else by the look of a cell."""
    words = plain(words).lower()
    if re.search(r"median|iqr|中位|p25|q1|\bm\s*\(", words):
        return "median"
    if re.search(r"mean|±|均|x̄|\bsd\b", words):
        return "mean"
    if re.search(r"%|例|\bn\b|count|number|freq|率", words):
        return "count"
    sample = without_marks(sample)
    tried: tuple[tuple[Kind, re.Pattern[str]], ...] = (("mean", _MEAN), ("count", _COUNT), ("median", _MEDIAN))
    return next((kind for kind, pattern in tried if pattern.fullmatch(sample)), None)


def read_content(text: str, kind: Kind) -> Content | None:
    """The content of a value cell, or None where it cannot be read as its row says."""
    text = without_marks(text)
    size = _SIZE.search(text)
    text, n = (text[: size.start()], int(size[1])) if size else (text, None)
    return {"mean": _mean, "median": _median, "count": _count}[kind](text, n)


def _mean(text: str, n: int | None) -> MeanSd | None:
    found = _MEAN.fullmatch(text) or _MEAN_BRACKET.fullmatch(text)
    if found is None:
        return None
    sd = printed_range(found[2])
    return MeanSd(printed_range(found[1]), Range(max(0.0, sd.low), sd.high), decimals_of(found[1]), n)


def _median(text: str, n: int | None) -> MedianQuartiles | None:
    found = _MEDIAN.fullmatch(text)
    if found is None:
        return None
    q1, q3 = (printed_range(one) if one else None for one in (found[2], found[3]))
    return MedianQuartiles(printed_range(found[1]), q1, q3, n)


def _count(text: str, n: int | None) -> Counted | None:
    found = _COUNT.fullmatch(text)
    if found is None or max(len(found[1]), len(found[2] or "")) > MOST_DIGITS:
        return None
    percent = printed_range(found[3]) if found[3] else None
    return Counted(int(found[1]), percent, decimals_of(found[3] or ""), int(found[2]) if found[2] else n)


@dataclass(frozen=True, eq=False)
class Reported:
    """A printed statistic or P: what it can have been, and the symbol that is before it, if any."""

    cell: PrintedCell
    range: Range
    decimals: int
    symbol: str = ""


def read_statistic(cell: PrintedCell, decimals: int) -> Reported | None:
    """A statistic such as `-0.047`, `t=2.31` or `4.677a`."""
    found = _STATISTIC.fullmatch(without_marks(cell.text))
    if found is None:
        return None
    digits = max(decimals, decimals_of(found["number"]))
    return Reported(cell, printed_range(found["number"], digits), digits, (found["symbol"] or "").strip().lower())


def read_p(cell: PrintedCell, decimals: int) -> Reported | None:
    """A P such as `0.021`, `<0.001` or `P>0.05`."""
    found = _P.fullmatch(without_marks(cell.text))
    if found is None:
        return None
    digits = max(decimals, decimals_of(found["number"]))
    if found["sign"] in ("<", "≤"):
        return Reported(cell, Range(0.0, float(found["number"])), digits)
    if found["sign"] in (">", "≥"):
        return Reported(cell, Range(float(found["number"]), 1.0), digits)
    around = printed_range(found["number"], digits)
    # Above 1 it stays as it is printed, to be reported as what it is.
    return Reported(cell, Range(max(0.0, around.low), max(around.low, min(1.0, around.high))), digits)
