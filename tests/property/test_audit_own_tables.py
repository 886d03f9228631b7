"""Tables that are right are never accused; tables with one wrong cell are found out, at a stated rate."""

import copy
import re
from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.published_tables.audit_document import audit
from nightround.published_tables.document_form import document_of
from nightround.statistics.cohort import csv_frame
from nightround.statistics.tables import tables
from nightround.study.plan import PolicyName
from tests.printed_form import document, patients, plan

POLICIES: tuple[PolicyName, ...] = ("recommended", "spss", "cn-textbook", "as-published")
RATES = {"P": 0.85, "statistic": 0.8, "percentage": 0.98, "count": 0.98, "mean": 0.75}
"""The share of wrong cells that are found, by what is in them.

A statistic of medians is compared with its P alone, as a t of unknown degrees of freedom or as a Z; what rounds to the
same P is not found. A mean is compared with the statistic, and the statistic against P.
"""


def own_tables(seed: int, sizes: tuple[int, ...], policy: PolicyName, missing: float = 0.0) -> dict[str, Any]:
    """Tables of random patients, printed as our statistics print them."""
    made = plan(len(sizes))
    frame = csv_frame(made, patients(np.random.default_rng(seed), sizes, missing))
    return document(made, tables(made, frame, policy))


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.lists(st.integers(2, 30), min_size=2, max_size=3).map(tuple),
    policy=st.sampled_from(POLICIES),
    missing=st.sampled_from([0.0, 0.0, 0.15]),
)
def test_our_own_tables_are_never_accused(
    seed: int, sizes: tuple[int, ...], policy: PolicyName, missing: float
) -> None:
    """Whatever the patients and the policy, no cell of a right table is named."""
    found = audit(document_of(own_tables(seed, sizes, policy, missing)))
    assert [(one.cell, one.recomputed, one.why) for one in found.inconsistent] == []


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), policy=st.sampled_from(POLICIES))
def test_a_right_table_without_the_names_of_its_tests_is_never_accused(seed: int, policy: PolicyName) -> None:
    """The same where a column is headed `statistic` and its cells are JSON numbers, without trailing zeros."""
    printed = own_tables(seed, (23, 31), policy)
    for table in printed.values():
        table["columns"] = [column.replace("t/χ2/Z/F/H", "statistic") for column in table["columns"]]
        for row in table["rows"]:
            row[2:] = [float(cell) if re.fullmatch(r"-?\d+\.\d+", cell or "") else cell for cell in row[2:]]
    assert audit(document_of(printed)).inconsistent == ()


def spoiled(cell: str, number: int, random: np.random.Generator) -> str:
    """The cell with one of its numbers off by 3 to 12 units of its last digit."""
    place = list(re.finditer(r"\d+(?:\.\d+)?", cell))[number]
    digits = len(place[0].partition(".")[2])
    value = float(place[0]) + int(random.integers(3, 13)) * 10**-digits
    return f"{cell[: place.start()]}{value:.{digits}f}{cell[place.end() :]}"


def places(printed: dict[str, Any]) -> list[tuple[str, int, int, int]]:
    """Kind of cell, row, column and number within the cell, for every cell of the table by group."""
    found = []
    for number, (_, kind, *cells) in enumerate(printed["by_group"]["rows"]):
        for column, cell in enumerate(cells):
            if cell is None or not re.search(r"\d", cell) or cell.startswith(("<", ">", "0(0.0")):
                continue
            if column >= len(cells) - 2:
                found.append((("statistic", "P")[column - len(cells) + 2], number, column, 0))
            elif kind == "n(%)":
                found += [("count", number, column, 0), ("percentage", number, column, 1)]
            elif kind == "mean±SD":
                found.append(("mean", number, column, 0))
    return found


def test_one_wrong_cell_is_found_at_the_stated_rate() -> None:
    """One number of one cell is off by 3 to 12 units of its last digit; 24 random tables, every kind of cell."""
    tried, found = Counter[str](), Counter[str]()
    for seed in range(24):
        printed, random = own_tables(seed, (43, 19), POLICIES[seed % len(POLICIES)]), np.random.default_rng(seed)
        for kind, row, column, number in places(printed):
            if kind in ("count", "percentage") and random.random() > 0.3:
                continue
            wrong = copy.deepcopy(printed["by_group"])
            cells = wrong["rows"][row]
            cells[column + 2] = spoiled(cells[column + 2], number, random)
            tried[kind] += 1
            found[kind] += bool(audit(document_of({"by_group": wrong})).inconsistent)
    shares = {kind: found[kind] / tried[kind] for kind in RATES}
    assert {kind: share for kind, share in shares.items() if share < RATES[kind]} == {}
