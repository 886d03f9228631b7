"""Two files of results compared, whoever made them: JSON or CSV with one statistic a row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose, isfinite
from pathlib import Path
from typing import Any

from nightround.model.errors import StudyFilesWrong
from nightround.model.result import ResultKey
from nightround.statistics.analysis_results import rows_of_event

DIGITS = 10
"""Significant digits to which a file of results is written (`nightround.report.printing.attachments`)."""
NAMES: Mapping[str, tuple[str, ...]] = {
    "table": ("table",),
    "variable": ("variable",),
    "statistic": ("statistic", "stat_name"),
    "group": ("group", "group1_level"),
    "visit": ("visit",),
    "level": ("level", "variable_level"),
    "value": ("value", "stat", "estimate"),
    "text": ("text", "stat_fmt", "formatted"),
}
"""Our columns, and what pharmaverse's cards (an R package) and others call the same."""
LEAST = ("variable", "statistic")


@dataclass(frozen=True)
class FiledResult:
    """A number of a file and how it is printed; None where the file has no such column or the cell is blank."""

    value: float | None
    text: str | None


@dataclass(frozen=True)
class ResultDifference:
    """A statistic that two files have, with another number or text in each."""

    key: ResultKey
    first: FiledResult
    second: FiledResult


@dataclass(frozen=True)
class ResultComparison:
    """What two files of results have in common, and what not."""

    compared: int
    different: tuple[ResultDifference, ...]
    only_first: tuple[ResultKey, ...]
    only_second: tuple[ResultKey, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.different or self.only_first or self.only_second)


def compare_files(first: Path, second: Path, digits: int = DIGITS) -> ResultComparison:
    """Compare two files; numbers count as equal where they agree to so many significant digits."""
    return compare_results(read_results(first), read_results(second), digits)


def compare_results(
    first: Mapping[ResultKey, FiledResult], second: Mapping[ResultKey, FiledResult], digits: int = DIGITS
) -> ResultComparison:
    """The same of results that were read, in the order of the first."""
    both = [key for key in first if key in second]
    different = [
        ResultDifference(key, first[key], second[key]) for key in both if not _agree(first[key], second[key], digits)
    ]
    return ResultComparison(
        len(both),
        tuple(different),
        tuple(key for key in first if key not in second),
        tuple(key for key in second if key not in first),
    )


def _agree(first: FiledResult, second: FiledResult, digits: int) -> bool:
    """By number where both have one, by text where either has none; a text is compared where both print one."""
    if first.value is not None and second.value is not None:
        numbers = isclose(first.value, second.value, rel_tol=10**-digits, abs_tol=1e-300)
        return numbers and (digits < DIGITS or None in (first.text, second.text) or first.text == second.text)
    if first.text is not None and second.text is not None:
        return first.text == second.text
    return first.value is None and second.value is None


def read_results(path: Path) -> dict[ResultKey, FiledResult]:
    """The results of a file; raises StudyFilesWrong where it contains none, or one statistic twice."""
    rows = list(_rows(path))
    columns = {name: column for name, known in NAMES.items() if (column := _column(rows, known)) is not None}
    if not rows or not all(name in columns for name in LEAST) or not columns.keys() & {"value", "text"}:
        raise StudyFilesWrong("results.no_results", file=path.name)
    found: dict[ResultKey, FiledResult] = {}
    for row in rows:
        key = ResultKey(**{name: _text(row.get(columns.get(name, ""))) for name in ResultKey._fields})
        if key in found:
            raise StudyFilesWrong("results.twice", file=path.name, key=" | ".join(part for part in key if part))
        text = row.get(columns["text"]) if "text" in columns else None
        value = _number(row.get(columns["value"])) if "value" in columns else None
        found[key] = FiledResult(value, None if text is None else _text(text))
    return found


def _column(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str | None:
    return next((name for name in names if any(name in row for row in rows)), None)


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a file by column: of JSON as a list, under `rows`, or by column under `results`; else of a CSV."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() != ".json":
            return iter(list(csv.DictReader(io.StringIO(text))))
        found = json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, csv.Error) as error:
        raise StudyFilesWrong("results.no_results", file=path.name) from error
    if isinstance(found, dict) and {"analyses", "methods"} <= found.keys():
        return iter(_of_event(found, path.name))
    if isinstance(found, dict):
        found = found.get("rows", found.get("results"))
    if isinstance(found, dict) and all(isinstance(one, list) for one in found.values()):
        found = [dict(zip(found, cells, strict=False)) for cells in zip(*found.values(), strict=False)]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise StudyFilesWrong("results.no_results", file=path.name)
    return iter(found)


def _of_event(event: Mapping[str, Any], file: str) -> list[Mapping[str, Any]]:
    """The rows of a reporting event as a report writes it (CDISC ARS)."""
    try:
        found = rows_of_event(event)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StudyFilesWrong("results.no_results", file=file) from error
    return [{**key._asdict(), "value": one.value, "text": one.text} for key, one in found.items()]


def _text(cell: Any) -> str:
    """A cell as text, without the quote that keeps a spreadsheet from running it."""
    text = "" if cell is None else str(cell)
    return text[1:] if text.startswith("'") and text[1:2] in ("=", "+", "-", "@") else text


def _number(cell: Any) -> float | None:
    try:
        found = float(_text(cell))
    except ValueError:
        return None
    return found if isfinite(found) else None
