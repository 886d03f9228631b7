"""Whatever is in a document, the audit accounts for every printed cell or explains what it cannot read."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.model.errors import StudyFilesWrong
from nightround.published_tables.audit_document import audit
from nightround.published_tables.document_form import document_of

CELLS = st.sampled_from(
    [
        "5.0±1.2",
        "0±0",
        "7(5~9)",
        "9(5~7)",
        "3(30.0)",
        "0(0.0)",
        "11(110)",
        "4/9(44.4)",
        "0/0(0)",
        "99999999999(1)",
        "<0.001",
        ">0.05",
        "0.5",
        "1.5",
        "-2.31",
        "t=2.1",
        "1e5",
        "see text",
        "–",
        "",
        "12",
        "±",
        "(n=0)",
        "5±1 (n=2)",
        None,
        0.5,
        3,
        -1.25,
        True,
        [],
        {},
    ]
)
HEADERS = st.sampled_from(
    [
        "a (n=10)",
        "b (n=10)",
        "c",
        "before",
        "after (n=9)",
        "all (n=20)",
        "Total",
        "P",
        "t",
        "Z/t",
        "χ2",
        "statistic",
        "F",
        "n=0",
        "U",
        "P值",
        "",
        "d (n=99999999999)",
    ]
)
LABELS = st.sampled_from(
    ["x", "Villalta", "PTS none", "PTS mild", "PTS severe", "s: a", "s: b", "VCSS", "age (n=5)", ""]
)
KEYS = st.sampled_from(["columns", "rows", "groups", "flow", "note", "title", "granularity", "t"])
KINDS = st.sampled_from(["mean±SD", "median(IQR)", "n(%)", "", "?"])


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A table or two, some with groups, a flow and a note."""
    made: dict[str, Any] = {}
    for name in ("one", "two")[: draw(st.integers(1, 2))]:
        columns = draw(st.lists(HEADERS, min_size=1, max_size=7))
        row = st.tuples(LABELS, KINDS, *[CELLS] * len(columns)).map(list)
        rows = st.lists(row, max_size=5)
        body = {"groups": {"g (n=8)": draw(rows), "h": draw(rows)}} if draw(st.booleans()) else {"rows": draw(rows)}
        note = draw(st.sampled_from(["", "a vs b: t=2.1, P=0.04", "3/9 (33.3%)", "χ2(0)=1.0, P=0.5", "0/0 (0%)"]))
        made[name] = {"columns": columns, "note": note, **body}
    flow = draw(st.dictionaries(st.sampled_from(["in", "excluded", "a", "b"]), st.integers(-1, 25), max_size=4))
    return {**made, "flow": flow}


def printed(made: dict[str, Any]) -> int:
    """How many cells of the tables contain more than a blank."""
    bodies = [part for name in ("one", "two") if name in made for part in rows_of(made[name])]
    return sum(cell is not None and str(cell) not in ("", "–") for row in bodies for cell in row[2:])


def rows_of(table: dict[str, Any]) -> list[list[Any]]:
    """The rows of a table, or of all its groups."""
    return [row for rows in table.get("groups", {"": table.get("rows", [])}).values() for row in rows]


@settings(max_examples=120, deadline=None)
@given(documents())
def test_every_cell_of_any_document_is_accounted_for(made: dict[str, Any]) -> None:
    """Checked and unverifiable are all cells; the result can be written as JSON; nothing crashes or warns."""
    found = audit(document_of(made))
    notes = sum(bool(made[name]["note"]) for name in ("one", "two") if name in made)
    assert found.checked + len(found.unverifiable) == printed(made) + len(made["flow"]) + notes
    assert json.loads(json.dumps(found.document(), allow_nan=False))["checked"] == found.checked
    assert all(one.why for one in (*found.inconsistent, *found.unverifiable))


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda x: st.lists(x) | st.dictionaries(KEYS, x)))
def test_any_other_json_is_explained(made: Any) -> None:
    """A document that is no table, or a table of another form, is a mistake with a remedy."""
    with suppress(StudyFilesWrong):
        assert audit(document_of(made)).inconsistent == ()
