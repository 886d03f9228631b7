"""Our own tables, printed into the form that `audit-table` reads: what a paper made with them would show."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from nightround.model.result import ResultKey, ResultSet
from nightround.study.methods import STATISTIC_SYMBOLS
from nightround.study.plan import Plan, PlannedTable, Variable

KINDS = {"mean_sd": "mean±SD", "median_quartiles": "median(IQR)", "n_percent": "n(%)"}
SYMBOLS = "t/χ2/Z/F/H"


def document(plan: Plan, found: ResultSet, *, symbols: str = SYMBOLS) -> dict[str, Any]:
    """Every table of a plan in the form of the audit; cells say their n where values are missing."""
    return {
        table.id: {
            "columns": columns(plan, table, found, symbols),
            "rows": [row for variable in table.variables for row in variable_rows(plan, table, variable, found)],
        }
        for table in plan.tables
    }


def group_size(found: ResultSet, group: str) -> int:
    """How many patients a group has."""
    return int(found[ResultKey("flow", "groups", "n", group)].value or 0)


def columns(plan: Plan, table: PlannedTable, found: ResultSet, symbols: str) -> list[str]:
    """Headers with the n of each group."""
    heads = [(group.id, f"{group.label.en} (n={group_size(found, group.id)})") for group in plan.groups]
    if table.kind == "by_group":
        return [*(head for _, head in heads), symbols, "P"]
    visits = [
        [f"{group} before (n={group_size(found, group)})", f"{group} after (n={group_size(found, group)})"]
        for group, _ in heads
    ]
    return [head for pair in visits for head in (*pair, symbols, "P")]


def variable_rows(plan: Plan, table: PlannedTable, variable: Variable, found: ResultSet) -> Iterator[list[Any]]:
    """One row, or one a level; statistic and P on the first."""
    levels = [""] if not variable.counted or variable.shown else [level.id for level in variable.levels]
    for number, level in enumerate(levels):
        cells: list[Any] = []
        for group in (one.id for one in plan.groups):
            for visit, _ in variable.visits:
                cells.append(
                    value_text(variable, found, ResultKey(table.id, variable.id, "summary", group, visit, level))
                )
            if table.kind != "by_group":
                cells += tested(found, table, variable, group) if not number else [None, None]
        if table.kind == "by_group":
            cells += tested(found, table, variable, "") if not number else [None, None]
        label = f"{variable.label.en}: {level}" if level else variable.label.en
        yield [label, KINDS[variable.summary], *cells]


def value_text(variable: Variable, found: ResultSet, key: ResultKey) -> str:
    """The printed summary, with its own n where that is not the group's."""
    row = found[key]
    text = row.text.replace("−", "-").replace(" (", "(")
    if row.n == group_size(found, key.group) or row.value is None:
        return text
    if variable.counted:
        count, _, percent = text.partition("(")
        return f"{count}/{row.n}({percent}" if percent else f"{count}/{row.n}"
    return f"{text} (n={row.n})"


def tested(found: ResultSet, table: PlannedTable, variable: Variable, group: str) -> list[str | None]:
    """The statistic and the P, null where the test has none."""

    def text(name: str) -> str | None:
        row = found.get(ResultKey(table.id, variable.id, name, group))
        return row.text.replace("−", "-") if row is not None and row.value is not None else None

    statistic = next((shown for name in STATISTIC_SYMBOLS if (shown := text(name))), None)
    return [statistic, text("p")]


def patients(random: np.random.Generator, sizes: tuple[int, ...], missing: float) -> pd.DataFrame:
    """Random patients of several groups: measurements with ties, levels that are rare or absent, correlated visits."""
    n = sum(sizes)
    columns: dict[str, Any] = {"arm": np.repeat(np.arange(len(sizes)), sizes).astype(str)}
    scale, digits = random.choice([0.1, 1.0, 30.0]), int(random.integers(0, 3))
    first = random.normal(random.choice([0, 5, 60]), 2, n) * scale + random.normal(0, 1) * np.repeat(
        np.arange(len(sizes)), sizes
    )
    second = first * random.uniform(0, 1) + random.normal(0, 2, n) * scale
    columns |= {"x1": [f"{value:.{digits}f}" for value in first], "x2": [f"{value:.{digits}f}" for value in second]}
    shares = random.dirichlet(np.full(4, random.choice([0.3, 1.0, 4.0])))
    before = random.choice(4, n, p=shares)
    columns |= {"c1": before.astype(str), "c2": np.clip(before + random.choice(3, n) - 1, 0, 3).astype(str)}
    frame = pd.DataFrame(columns).astype("str")
    for column in ("x1", "x2", "c1", "c2"):
        frame.loc[random.random(n) < missing, column] = ""
    return frame


LEVELS = [{"id": f"level {code}", "label": code, "codes": [code]} for code in "0123"]


def variable(name: str, kind: str, summary: str, visits: int, **more: Any) -> dict[str, Any]:
    """A variable of one visit or two."""
    fields = {"field": f"{name}1"} if visits == 1 else {"before": f"{name}1", "after": f"{name}2"}
    return {
        "id": f"{name} {kind} {summary}",
        "label": f"{kind} {summary}",
        "type": kind,
        "summary": summary,
        **fields,
        **more,
    }


def plan(groups: int) -> Plan:
    """A plan with every type of variable, compared between groups and between visits."""
    tables = [
        {
            "id": kind,
            "title": kind,
            "kind": kind,
            "sections": [
                {
                    "variables": [
                        variable("x", "continuous", "mean_sd", visits, digits=2),
                        variable("x", "continuous", "median_quartiles", visits),
                        variable("c", "categorical", "n_percent", visits, levels=LEVELS),
                        variable("c", "ordinal", "n_percent", visits, levels=LEVELS),
                        variable("c", "dichotomous", "n_percent", visits, levels=TWO, shown="low"),
                    ]
                }
            ],
        }
        for kind, visits in (("by_group", 1), ("before_after", 2))
    ]
    return Plan.model_validate(
        {
            "policy": "recommended",
            "grouping": "arm",
            "population": "all",
            "groups": [{"id": f"g{code}", "label": f"g{code}", "codes": [str(code)]} for code in range(groups)],
            "flow": [{"id": "all", "label": "all"}],
            "tables": tables,
        }
    )


TWO = [{"id": "low", "label": "low", "codes": ["0", "1"]}, {"id": "high", "label": "high", "codes": ["2", "3"]}]
