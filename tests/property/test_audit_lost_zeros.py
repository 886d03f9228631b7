"""A JSON number has lost its trailing zeros: whatever digits a table was printed with, no right cell is accused."""

import copy
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.model.result import ResultKey, ResultSet
from nightround.published_tables.audit_document import Audit, audit
from nightround.published_tables.document_form import document_of
from nightround.statistics.cohort import csv_frame
from nightround.statistics.numbers import rounded
from nightround.statistics.tables import tables
from nightround.study.methods import STATISTIC_SYMBOLS
from nightround.study.plan import Plan, PolicyName
from tests.printed_form import document, patients, plan

Digits = Callable[[], int]
POLICIES: tuple[PolicyName, ...] = ("recommended", "spss", "cn-textbook", "as-published")
FOUND = 0.8
"""The share of wrong P values that are found in tables whose zeros were lost."""


def with_numbers(made: Plan, found: ResultSet, digits: Digits, *, zeros: bool) -> dict[str, Any]:
    """The tables with each statistic and P at some digits, as JSON has them: numbers, with their zeros or without."""
    printed = document(made, found)
    for table in made.tables:
        rows = iter(printed[table.id]["rows"])
        for variable in table.variables:
            first = next(rows)
            for _ in variable.levels[1:] if variable.counted and not variable.shown else ():
                next(rows)
            groups = [""] if table.kind == "by_group" else [group.id for group in made.groups]
            for place, group in zip((4,) if len(groups) == 1 else (4, 8), groups, strict=True):
                keys = [ResultKey(table.id, variable.id, name, group) for name in (*STATISTIC_SYMBOLS, "p")]
                *statistics, p = (number(found, key, digits, zeros=zeros) for key in keys)
                first[place] = next((one for one in statistics if one is not None), None)
                first[place + 1] = p
    return printed


def number(found: ResultSet, key: ResultKey, digits: Digits, *, zeros: bool) -> Decimal | None:
    """A value rounded to some digits, as a reader of JSON gets it."""
    row = found.get(key)
    if row is None or row.value is None:
        return None
    kept = rounded(row.value, digits())
    return kept if zeros else Decimal(str(float(kept)))


def several(seed: int, digits: Digits, policy: PolicyName, *, parts: int = 1, zeros: bool = False) -> dict[str, Any]:
    """Tables of random patients; of several parts the one by group alone, with many numbers in a column."""
    random, made = np.random.default_rng(seed), plan(2)
    sizes = (int(random.integers(5, 40)), int(random.integers(5, 40)))
    printed: dict[str, Any] = {}
    for part in range(parts):
        frame = csv_frame(made, patients(random, sizes, 0.0))
        for name, table in with_numbers(made, tables(made, frame, policy), digits, zeros=zeros).items():
            if parts > 1 and name != "by_group":
                continue
            rows = [[f"{part} {label}", *cells] for label, *cells in table["rows"]]
            printed.setdefault(name, {"columns": table["columns"], "rows": []})["rows"] += rows
    return printed


def accused(found: Audit) -> list[tuple[str, str, str]]:
    """What is named: cell, printed, and what it must be."""
    return [(one.cell.row, one.cell.text, one.recomputed) for one in found.inconsistent]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from(POLICIES), st.sampled_from([1, 4]))
def test_a_right_table_of_equal_digits_is_never_accused(seed: int, digits: int, policy: PolicyName, parts: int) -> None:
    """Every statistic and P has the same digits, and the zeros at their ends are gone."""
    assert accused(audit(document_of(several(seed, lambda: digits, policy, parts=parts)))) == []


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(POLICIES), st.sampled_from([1, 4]))
def test_a_right_table_of_mixed_digits_is_never_accused(seed: int, policy: PolicyName, parts: int) -> None:
    """Each number has digits of its own: 0.2 next to 0.1834 may be all that was printed."""
    random = np.random.default_rng(seed)
    printed = several(seed, lambda: int(random.integers(1, 5)), policy, parts=parts)
    assert accused(audit(document_of(printed))) == []


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(POLICIES))
def test_numbers_that_kept_their_zeros_are_exact(seed: int, policy: PolicyName) -> None:
    """A file with a 0.70 in it drops no zeros, so its 0.7 has one digit even among numbers of three."""
    random = np.random.default_rng(seed)
    printed = several(seed, lambda: 1 if random.random() < 0.1 else 3, policy, parts=4, zeros=True)
    printed["by_group"]["rows"].append(["kept", "mean±SD", None, None, None, Decimal("0.70")])
    assert accused(audit(document_of(printed))) == []


def test_a_wrong_p_is_found_where_zeros_were_lost() -> None:
    """One P of a table of three digits is off by 3 to 12 units of its last; of eight tables, three each."""
    tried = found = 0
    for seed in range(8):
        random, printed = np.random.default_rng(seed), several(seed, lambda: 3, POLICIES[seed % 4], parts=4)
        table = printed["by_group"]
        assert accused(audit(document_of(json.loads(json.dumps(printed, default=float), parse_float=Decimal)))) == []
        places = [
            place for place, row in enumerate(table["rows"]) if row[4] is not None and Decimal("0.001") < row[5] < 1
        ]
        for place in random.choice(places, min(3, len(places)), replace=False):
            wrong = copy.deepcopy(table)
            moved = wrong["rows"][place][5] + Decimal(int(random.integers(3, 13))).scaleb(-3)
            wrong["rows"][place][5] = Decimal(str(float(moved)))
            tried += 1
            found += bool(audit(document_of({"by_group": wrong})).inconsistent)
    assert found / tried >= FOUND


def test_a_quoted_number_has_the_digits_it_shows() -> None:
    """0.70 in quotation marks is 0.695 to 0.705, where the number 0.7 of few others is 0.65 to 0.75."""
    table = {"columns": ["a (n=43)", "b (n=19)", "t", "P"], "rows": [["x", "mean±SD", None, None, "0.453", "0.70"]]}
    assert accused(audit(document_of({"t": table}))) != []
    table["rows"] = [["x", "mean±SD", None, None, "0.453", Decimal("0.7")]]
    assert accused(audit(document_of({"t": table}))) == []
