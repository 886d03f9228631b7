"""The failure table: every row that failed any rule, complete, with what was observed in it.

It contains patients' values and lies next to the snapshot it came from, readable by its owner only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import pandas as pd

from nightround.model.outcome import Violation

COLUMNS = ("rule", "record", "event", "instrument", "instance", "fields", "observed")


def failure_table(violations: Iterable[Violation]) -> pd.DataFrame:
    """One row a violation; `fields` is text with blanks between, `observed` the cells a rule read, as JSON."""
    rows = [
        (one.rule_id, *one.row, " ".join(one.fields), json.dumps(dict(one.observed), ensure_ascii=False))
        for one in violations
    ]
    return pd.DataFrame.from_records(rows, columns=list(COLUMNS)).astype({"instance": "int64"})
