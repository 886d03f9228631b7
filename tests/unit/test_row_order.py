"""The order of records: whole numbers by their value, then everything else."""

from hypothesis import given
from hypothesis import strategies as st

from redcap_sync.dictionary import Dictionary
from redcap_sync.rows.export_rows import no_rows, rows_from_json
from redcap_sync.rows.row_order import in_order, natural_key
from redcap_sync.rows.tables import flat_keys

LONG = "1" + "0" * 5000
"""More digits than Python turns into a number."""


def test_records_are_ordered_by_their_value() -> None:
    """9 comes before 10, however many digits a name has; what is no number comes last, by its letters."""
    names = ["b", LONG, "10", "9", "1-2", "007", "٣"]
    assert sorted(names, key=natural_key) == ["007", "9", "10", LONG, "1-2", "b", "٣"]


@given(st.lists(st.from_regex(r"[0-9]{1,6}", fullmatch=True)))
def test_no_number_has_to_be_computed(names: list[str]) -> None:
    """The order is that of the numbers, and of the names where those are equal."""
    assert sorted(names, key=natural_key) == sorted(names, key=lambda name: (int(name), name))


@given(
    st.lists(st.tuples(st.from_regex(r"[0-9]{1,2}|a", fullmatch=True), st.integers(0, 2)), unique=True), st.booleans()
)
def test_rows_are_sorted_by_record_and_instance(rows: list[tuple[str, int]], in_order_already: bool) -> None:  # noqa: FBT001
    """Whether they come in order, as most exports do, or not."""
    rows = sorted(rows, key=lambda row: (natural_key(row[0]), row[1])) if in_order_already else rows
    exported = [{"record_id": record, "redcap_repeat_instance": instance} for record, instance in rows]
    keys = flat_keys(rows_from_json("record_id", exported) if rows else no_rows("record_id"))
    dictionary = Dictionary("made up", False, (), (), (), frozenset(), frozenset())
    found = [rows[position] for position in in_order(dictionary, keys)]
    assert found == sorted(rows, key=lambda row: (natural_key(row[0]), row[1]))
