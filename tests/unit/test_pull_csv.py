"""CSV of any server comes to the same columns as JSON, or is refused; and both come to the same bytes."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redcap_sync.api.answers import BrokenAnswer
from redcap_sync.pulling.content_hash import digest_of, frame_pieces
from redcap_sync.rows.export_rows import ExportRows, is_doubtful, rows_from_csv, rows_from_json, together
from redcap_sync.rows.tables import flat_keys

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


def php_csv(rows: list[dict[str, str]], delimiter: str = ",") -> bytes:
    """Write rows as PHP does: LF, quotes around what contains a blank, a quote, a backslash or the delimiter."""

    def cell(text: str) -> str:
        special = re.search(rf'[\s"\\{re.escape(delimiter)}]', text)
        return '"' + text.replace('"', '""') + '"' if special else text

    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    return "".join(delimiter.join(map(cell, line)) + "\n" for line in lines).encode()


def content(rows: ExportRows) -> list[dict[str, Any]]:
    """The rows as dictionaries."""
    found: list[dict[str, Any]] = rows.columns.to_pylist()
    return found


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.sampled_from(",;\t|^"))
def test_any_text_survives(cells: list[tuple[str, str]], delimiter: str) -> None:
    """Quotes, line breaks, commas, blanks and letters of any script come back as they were, whatever the delimiter."""
    rows = [{"id": str(n), "a": a, "b": b, "c": "2"} for n, (a, b) in enumerate(cells)]
    assert content(rows_from_csv("id", php_csv(rows, delimiter))) == rows == content(rows_from_json("id", rows))


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.data())
def test_a_body_cut_anywhere_is_refused_or_lacks_whole_rows(cells: list[tuple[str, str]], data: st.DataObject) -> None:
    """A cut body is never read as other values: only whole rows may be missing, which the ids then show."""
    rows = [{"id": str(n), "a": a, "b": b, "form_complete": "2"} for n, (a, b) in enumerate(cells)]
    body = php_csv(rows)
    cut = body[: data.draw(st.integers(len("id,a,b,form_complete\n"), len(body)))]
    try:
        found = content(rows_from_csv("id", cut))
    except (BrokenAnswer, UnicodeDecodeError):
        return
    assert found == rows[: len(found)]


def test_what_servers_write_in_more_than_one_way_is_doubtful() -> None:
    """A quote behind a backslash and a guard before a formula are asked for again as JSON."""
    assert is_doubtful(b'id,a\n1,"x\\"y"\n')
    assert is_doubtful(b"id,a\n1,'=SUM(A1)\n")
    assert not is_doubtful(b"id,a\n1,-5\n2,it's\n")


@pytest.mark.parametrize("body", [b"id,a\n1,2", b"id,a\n1\n", b'id,a\n1,"2\n', b"a,b\n1,2\n", b"id,a\n1,2,3\n"])
def test_what_is_no_whole_table_is_refused(body: bytes) -> None:
    """No last line break, too few or too many cells, an open quote, no record id: all refused."""
    with pytest.raises(BrokenAnswer):
        rows_from_csv("id", body)


def test_nothing_is_no_rows_and_a_byte_order_mark_is_no_matter() -> None:
    """A lone line break is an empty export."""
    assert len(rows_from_csv("id", b"\n")) == 0
    assert content(rows_from_csv("id", b"\xef\xbb\xbfid,a\n1,2\n")) == [{"id": "1", "a": "2"}]


def test_keys_are_read_from_numbers_and_from_text() -> None:
    """JSON has an instance as a number, CSV as text; both are the same key."""
    row = {"id": "1", "redcap_event_name": "e", "redcap_repeat_instrument": "v", "redcap_repeat_instance": 2}
    places = {"1": (("e", "v", 2),)}
    from_json = rows_from_json("id", [row])
    from_csv = rows_from_csv("id", php_csv([{name: str(value) for name, value in row.items()}]))
    assert from_json.places() == from_csv.places() == places


@given(st.lists(CELLS, min_size=1, max_size=8), st.integers(0, 8))
def test_the_same_rows_have_the_same_hash_however_they_are_cut(cells: list[str], at: int) -> None:
    """One answer, two answers laid together, or a slice of a longer one: the bytes are the same."""
    rows = [{"id": cell} for cell in cells]
    whole = flat_keys(rows_from_json("id", rows))
    parts = [rows_from_json("id", part) for part in (rows[:at], rows[at:]) if part]
    laid = flat_keys(together("id", parts))
    longer = flat_keys(rows_from_json("id", [{"id": "x"}, *rows])).iloc[1:].reset_index(drop=True)
    assert digest_of(frame_pieces(whole)) == digest_of(frame_pieces(laid)) == digest_of(frame_pieces(longer))


def test_cells_that_only_shift_their_border_have_another_hash() -> None:
    """`ab`, `c` is not `a`, `bc`."""
    one, other = (flat_keys(rows_from_json("id", [{"id": a}, {"id": b}])) for a, b in (("ab", "c"), ("a", "bc")))
    assert digest_of(frame_pieces(one)) != digest_of(frame_pieces(other))
