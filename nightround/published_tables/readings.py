"""A reading: one test that could be behind a printed statistic and P, and how it fits them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nightround.published_tables.p_values import SIGNED, Distribution, Family
from nightround.published_tables.printed_cells import Reported
from nightround.published_tables.ranges import Range
from redcap_sync.messages import Message


@dataclass(frozen=True)
class Reading:
    """One test of a comparison.

    `test` is the code of its name. `values` are what its statistic can be, as the printed values say; None where they
    say nothing. An exact test has no distribution: `exact` are its P. `weak` marks a reading that fits almost
    anything, because no n is known.
    """

    test: str
    distribution: Distribution | None = None
    values: tuple[Range, ...] | None = None
    exact: tuple[Range, ...] = ()
    weak: bool = False

    @property
    def name(self) -> Message:
        """The name of the test."""
        return Message.of(f"audit.test.{self.test}")

    @property
    def family(self) -> Family | None:
        """The kind of its statistic."""
        return self.distribution.family if self.distribution else None

    def p_values(self) -> tuple[Range, ...]:
        """Every P its own values lead to."""
        if self.distribution is None:
            return self.exact
        return tuple(self.distribution.p(value) for value in self.values or ())


class Fit(NamedTuple):
    """How a reading fits: None where there is nothing to compare.

    `statistic`: the printed statistic against the values; `pair`: the printed P against the printed statistic;
    `direct`: the printed P against the values; `whole`: one number can be behind everything printed.
    """

    statistic: bool | None
    pair: bool | None
    direct: bool | None
    whole: bool | None


def fit(reading: Reading, statistic: Reported | None, p: Reported | None, *, one_sided: bool = False) -> Fit:
    """Hold a reading against the printed statistic and P."""
    wanted = _wanted(p, one_sided=one_sided)
    direct = _any_meets(reading.p_values(), wanted) if p and (reading.values or reading.exact) else None
    if statistic is None:
        return Fit(None, None, direct, direct)
    size = statistic.range.magnitude
    positive = reading.family in SIGNED or statistic.range.high >= 0
    shared = [value.overlap(size) for value in reading.values or () if value.meets(size)]
    seen = None if reading.values is None else bool(shared) and positive
    if reading.distribution is None:
        whole = bool(seen) and (direct is not False)
        return Fit(seen if reading.values else False, None, direct, whole if reading.values else False)
    pair = (positive and _any_meets((reading.distribution.p(size),), wanted)) if p else None
    if reading.values is None:
        return Fit(None, pair, None, pair if p else None)
    together = (
        bool(shared) and positive and (p is None or _any_meets([reading.distribution.p(x) for x in shared], wanted))
    )
    return Fit(seen, pair, direct, together)


def _wanted(p: Reported | None, *, one_sided: bool) -> list[Range]:
    if p is None:
        return []
    return [p.range, p.range.times(2)] if one_sided else [p.range]


def _any_meets(found: Sequence[Range], wanted: Sequence[Range]) -> bool:
    return any(one.meets(other) for one in found for other in wanted)


class TriedReading(NamedTuple):
    """A reading with its fit."""

    reading: Reading
    fit: Fit

    @property
    def blames(self) -> tuple[bool, bool]:
        """Whether the statistic and whether the P cannot be right under this reading."""
        statistic, pair, direct, _ = self.fit
        if self.reading.distribution is None:
            return statistic is False, direct is False
        if pair is None:
            return statistic is False, direct is False
        if pair:
            return statistic is False, statistic is not False
        return statistic is False, statistic is not False or direct is False


def tried(
    readings: Iterator[Reading], statistic: Reported | None, p: Reported | None, *, one_sided: bool
) -> Iterator[TriedReading]:
    """Each reading with its fit, one after the other: exact tests are only computed where nothing before them fits."""
    for reading in readings:
        yield TriedReading(reading, fit(reading, statistic, p, one_sided=one_sided))
