"""The fields of a snapshot in sum: means, standard deviations and shares, of which no person can be read off.

Small numbers are not shown: neither a count below ten nor a mean of fewer values. Source of the limit: ESSnet on
statistical disclosure control, Guidelines for the checking of output based on microdata research (2010), rule of thumb
of at least 10 units.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from nightround.model.snapshot import Snapshot
from redcap_sync.dictionary import Field

FEWEST = 10
DIGITS = 2
"""Decimals of a share."""
SIGNIFICANT = 4
"""Digits of a mean and of a standard deviation."""
CODED = ("radio", "dropdown", "yesno", "truefalse")


def field_summaries(snapshot: Snapshot) -> dict[str, Any]:
    """What is known of each field that is a number or a choice: `{"fields": {name: ...}}`.

    Identifiers, dates, texts and fields with fewer than ten values are left out, and so is a code with fewer than
    ten; where that is one code alone, the next rarest goes with it, because the rest of 1 would give it away.
    """
    return {"fields": dict(_summaries(snapshot))}


def _summaries(snapshot: Snapshot) -> Iterator[tuple[str, dict[str, Any]]]:
    for instrument, table in snapshot.tables.items():
        for one in snapshot.dictionary.fields_of(instrument):
            if one.identifier or one.type in ("checkbox", "descriptive", "file"):
                continue
            known = _shares(one, table.text[one.name]) if one.type in CODED else _moments(one, table.typed[one.name])
            if known:
                yield one.name, known


def _moments(one: Field, values: pd.Series[Any]) -> dict[str, Any]:
    if one.kind != "number" or values.dtype.kind != "f":
        return {}
    numbers = values.dropna()
    if len(numbers) < FEWEST:
        return {}
    return {"mean": _rounded(float(numbers.mean())), "sd": _rounded(float(numbers.std(ddof=1)))}


def _rounded(number: float) -> float:
    return float(f"{number:.{SIGNIFICANT}g}")


def _shares(one: Field, texts: pd.Series[str]) -> dict[str, Any]:
    counts = texts.value_counts().reindex([choice.code for choice in one.choices], fill_value=0).sort_values()
    total = int(counts.sum())
    small = counts[counts < FEWEST]
    shown = counts[len(small) + (len(small) == 1) :]
    if total < FEWEST or not len(shown):
        return {}
    return {"shares": {str(code): round(int(count) / total, DIGITS) for code, count in shown.items()}}
