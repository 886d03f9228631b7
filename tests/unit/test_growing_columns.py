"""Columns of text that grow where they are."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from redcap_sync.rows.export_rows import TEXT
from redcap_sync.rows.growing_columns import GrowingColumns

texts = st.one_of(st.just(""), st.text(max_size=4), st.text(min_size=1, max_size=3).map(lambda text: text * 9_000))


def table_of(rows: list[tuple[str, str]]) -> pa.Table:
    """Rows of two columns of text."""
    return pa.table({name: pa.array([row[place] for row in rows], TEXT) for place, name in enumerate("ab")})


tables = st.lists(st.tuples(texts, texts), max_size=6).map(table_of)


@given(st.lists(tables, min_size=1, max_size=6), st.integers(0, 40), st.data())
def test_what_was_appended_comes_back(parts: list[pa.Table], due: int, data: st.DataObject) -> None:
    """However many rows were due, and whichever pieces of a longer table or chunks of a column are appended."""
    pieces = [part.slice(data.draw(st.integers(0, part.num_rows))) for part in parts]
    pieces.append(pa.concat_tables(pieces))
    grown = GrowingColumns(pieces[0], due)
    for piece in pieces:
        grown.append(piece)
    found = grown.table()
    found.validate(full=True)
    assert found.to_pydict() == pa.concat_tables(pieces).to_pydict()
    assert all(column.num_chunks == 1 for column in found.columns)


def test_a_table_stays_what_it_was_when_more_is_appended() -> None:
    """Rows that come later are laid behind those that somebody looks at already, or elsewhere where the room ends."""
    first, later = (pa.table({"a": pa.array([text], TEXT)}) for text in ("as it was", "later" * 10_000))
    grown = GrowingColumns(first, 2)
    grown.append(first)
    seen = grown.table()
    grown.append(first)
    grown.append(later)
    assert seen["a"].to_pylist() == ["as it was"]
    assert grown.table()["a"].to_pylist() == ["as it was", "as it was", "later" * 10_000]
