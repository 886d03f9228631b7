"""The order of records: whole numbers by their value, then everything else."""

from hypothesis import given
from hypothesis import strategies as st

from redcap_sync.row_order import natural_key

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
