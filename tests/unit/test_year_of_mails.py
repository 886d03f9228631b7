"""Simulated weeks of mails: every critical finding is listed on each working day until it is corrected."""

import pytest

from benchmarks.alerts import simulated_year

NIGHTS = 42


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_critical_finding_is_listed_on_every_working_day(seed: int) -> None:
    """A reader's own criticals are in a mail of each working day they wait; hardly anything else is repeated."""
    years = simulated_year(NIGHTS, seed)
    due = sum(year.due for year in years.values())
    assert due > 0
    assert sum(year.listed for year in years.values()) == due
    assert all(NIGHTS / 7 <= year.mails <= NIGHTS for year in years.values())
    assert all(5 * (year.repeated - year.repeated_critical) <= year.lines for year in years.values())
