"""The checks of `validation_work.py` as other libraries have them, each in its ordinary way.

Each starts from a frame in its own form, in which a blank is missing; making that frame is not timed. What a library
checks one column at a time gets a column made for a check of several, within its time. None of them is a dependency of
the project: `pip install polars pointblank pandera`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.validation_work import RULES_A_BLOCK, TIME_PATTERN, TOLERANCE, Positions, Work

KEYS = ["record", "event", "instrument", "instance"]
WHOLE = f"^(?:{TIME_PATTERN.replace('(', '(?:')})$"
LOW, HIGH = datetime(2020, 1, 1), datetime(2026, 1, 1)  # noqa: DTZ001 - the hospital's clock
GRADES = ["0", "1", "2"]
Run = Callable[[], Positions]


def blank_is_missing(work: Work) -> pd.DataFrame:
    """The frame as most libraries want it."""
    frame = work.frame.drop(columns=KEYS).rename(columns=lambda name: name.strip("[]").removesuffix(":text"))
    frame.attrs.clear()
    return frame.replace("", None)


def blocks_of(work: Work) -> range:
    """The numbers of the blocks."""
    return range(work.rules // RULES_A_BLOCK)


def with_made_columns(frame: pd.DataFrame, work: Work) -> pd.DataFrame:
    """The frame with a column for each check of several columns."""
    made = {}
    for n in blocks_of(work):
        a, b, total = frame[f"a_{n}"], frame[f"b_{n}"], frame[f"total_{n}"]
        made[f"unseen_{n}"] = ((frame[f"grade_{n}"] == "2") & frame[f"seen_{n}"].isna()).astype("int8")
        made[f"order_{n}"] = b - a
        made[f"sum_{n}"] = (total - (a + b)).abs()
    return pd.concat([frame, pd.DataFrame(made)], axis=1)


def polars(work: Work) -> Run:
    """Polars expressions in one select."""
    import polars as pl

    frame = pl.from_pandas(blank_is_missing(work), nan_to_null=True)
    column = pl.col

    def run() -> Positions:
        found = []
        for n in blocks_of(work):
            a, b, total = column(f"a_{n}"), column(f"b_{n}"), column(f"total_{n}")
            seen, grade, label = column(f"seen_{n}"), column(f"grade_{n}"), column(f"label_{n}")
            found += [
                a.is_null(),
                grade.is_null(),
                (a < 0) | (a > 100),
                (b < 0) | (b > 100),
                ~grade.is_in(GRADES),
                (seen < LOW) | (seen > HIGH),
                (grade == "2") & seen.is_null(),
                ~label.str.contains(WHOLE),
                a > b,
                (total - (a + b)).abs() > TOLERANCE,
            ]
        failing = frame.select([one.fill_null(value=False).alias(str(i)) for i, one in enumerate(found)])
        return [np.flatnonzero(failing[str(i)].to_numpy()) for i in range(len(found))]

    return run


def pointblank(work: Work) -> Run:
    """Pointblank's steps on a polars frame, with the failing rows of each."""
    import pointblank as pb
    import polars as pl

    frame = pl.from_pandas(blank_is_missing(work), nan_to_null=True)

    def run() -> Positions:
        steps = pb.Validate(data=frame)
        for n in blocks_of(work):
            a, b, total = pl.col(f"a_{n}"), pl.col(f"b_{n}"), pl.col(f"total_{n}")
            needed = (pl.col(f"grade_{n}") != "2") | pl.col(f"seen_{n}").is_not_null()
            steps = (
                steps.col_vals_not_null(columns=f"a_{n}")
                .col_vals_not_null(columns=f"grade_{n}")
                .col_vals_between(columns=f"a_{n}", left=0, right=100, na_pass=True)
                .col_vals_between(columns=f"b_{n}", left=0, right=100, na_pass=True)
                .col_vals_expr(expr=pl.col(f"grade_{n}").is_in(GRADES).fill_null(value=True))
                .col_vals_between(columns=f"seen_{n}", left=LOW, right=HIGH, na_pass=True)
                .col_vals_expr(expr=needed.fill_null(value=True))
                .col_vals_regex(columns=f"label_{n}", pattern=WHOLE, na_pass=True)
                .col_vals_expr(expr=(a <= b).fill_null(value=True))
                .col_vals_expr(expr=((total - (a + b)).abs() <= TOLERANCE).fill_null(value=True))
            )
        steps = steps.interrogate(extract_limit=work.rows)
        extracts = steps.get_data_extracts()
        return [extracts[number]["_row_num_"].to_numpy() - 1 for number in range(1, work.rules + 1)]

    return run


def pandera(work: Work) -> Run:
    """Pandera's checks of columns, lazily."""
    import pandera.pandas as pa

    frame, check = blank_is_missing(work), pa.Check
    columns: dict[str, Any] = {}
    order: list[tuple[str, int | None]] = []
    """The column of each rule, and the number of its check there; None where the column may not be blank."""
    for n in blocks_of(work):
        columns |= {
            f"a_{n}": pa.Column(checks=check.in_range(0, 100), nullable=False),
            f"b_{n}": pa.Column(checks=check.in_range(0, 100), nullable=True),
            f"grade_{n}": pa.Column(checks=check.isin(GRADES), nullable=False),
            f"seen_{n}": pa.Column(checks=check.in_range(LOW, HIGH), nullable=True),
            f"label_{n}": pa.Column(checks=check.str_matches(WHOLE), nullable=True),
            f"unseen_{n}": pa.Column(checks=check.eq(0)),
            f"order_{n}": pa.Column(checks=check.ge(0), nullable=True),
            f"sum_{n}": pa.Column(checks=check.le(TOLERANCE), nullable=True),
        }
        required = [(f"{name}_{n}", None) for name in ("a", "grade")]
        order += [
            *required,
            *((f"{name}_{n}", 0) for name in ("a", "b", "grade", "seen", "unseen", "label", "order", "sum")),
        ]
    schema = pa.DataFrameSchema(columns)

    def run() -> Positions:
        found: dict[tuple[str, int | None], np.ndarray] = {}
        try:
            schema.validate(with_made_columns(frame, work), lazy=True)
        except pa.errors.SchemaErrors as failed:
            for one in failed.schema_errors:
                found[one.schema.name, one.check_index] = np.sort(one.failure_cases["index"].to_numpy())
        return [found.get(one, np.empty(0, dtype=np.intp)) for one in order]

    return run


def great_expectations(work: Work) -> Run:
    """Great Expectations with an expectation a check."""
    import great_expectations as gx
    from great_expectations import expectations as gxe

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    frame = blank_is_missing(work)
    checks: list[Any] = []
    for n in blocks_of(work):
        checks += [
            gxe.ExpectColumnValuesToNotBeNull(column=f"a_{n}"),
            gxe.ExpectColumnValuesToNotBeNull(column=f"grade_{n}"),
            gxe.ExpectColumnValuesToBeBetween(column=f"a_{n}", min_value=0, max_value=100),
            gxe.ExpectColumnValuesToBeBetween(column=f"b_{n}", min_value=0, max_value=100),
            gxe.ExpectColumnValuesToBeInSet(column=f"grade_{n}", value_set=GRADES),
            gxe.ExpectColumnValuesToBeBetween(column=f"seen_{n}", min_value=LOW, max_value=HIGH),
            gxe.ExpectColumnValuesToBeInSet(column=f"unseen_{n}", value_set=[0]),
            gxe.ExpectColumnValuesToMatchRegex(column=f"label_{n}", regex=WHOLE),
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=f"b_{n}", column_B=f"a_{n}", or_equal=True, ignore_row_if="either_value_is_missing"
            ),
            gxe.ExpectColumnValuesToBeBetween(column=f"sum_{n}", max_value=TOLERANCE),
        ]
    for number, one in enumerate(checks):
        one.meta = {"number": number}
    suite = gx.ExpectationSuite(name="s", expectations=checks)

    def run() -> Positions:
        asset = context.data_sources.add_pandas(uuid.uuid4().hex).add_dataframe_asset("rows")
        definition = asset.add_batch_definition_whole_dataframe("all")
        batch = definition.get_batch(batch_parameters={"dataframe": with_made_columns(frame, work)})
        outcome = batch.validate(suite, result_format="COMPLETE")
        # Great Expectations answers in an order of its own.
        results = sorted(outcome.results, key=lambda one: one.expectation_config.meta["number"])
        return [np.array(one.result["unexpected_index_list"], dtype=np.intp) for one in results]

    return run


RIVALS: dict[str, tuple[str, Callable[[Work], Run]]] = {
    "polars": ("polars", polars),
    "pointblank": ("pointblank", pointblank),
    "pandera": ("pandera", pandera),
    "gx": ("great_expectations", great_expectations),
}
"""By the name of the option: the module that has to be installed, and what makes it ready to run."""
