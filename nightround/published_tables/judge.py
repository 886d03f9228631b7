"""Hold the statistic and the P of a comparison against every test that can be behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from nightround.published_tables.audit_remarks import (
    AuditNote,
    AuditRemark,
    because,
    consistent,
    inconsistent,
    noted,
    unverifiable,
)
from nightround.published_tables.comparison import PrintedComparison
from nightround.published_tables.explain import explanations, p_equation, p_of_statistic, p_said, sides_of_level
from nightround.published_tables.group_readings import allowed, group_readings
from nightround.published_tables.p_values import Family
from nightround.published_tables.print_styles import with_deviations
from nightround.published_tables.printed_cells import PrintedCell, Reported
from nightround.published_tables.ranges import Range, exactly, said
from nightround.published_tables.readings import Reading, TriedReading, tried
from nightround.published_tables.row_layouts import RowLayout, layouts
from nightround.published_tables.visit_readings import visit_readings
from redcap_sync.messages import Message

NATURAL: dict[str, Family] = {"mean": "t", "median": "z"}
UNKNOWN_STATISTICS = frozenset({"u", "w"})
MOST_SHOWN = 2


@dataclass(frozen=True, eq=False)
class Judged:
    """A comparison in one layout of its rows, with every reading that was tried."""

    comparison: PrintedComparison
    tried: tuple[TriedReading, ...]
    layout: RowLayout
    notes: tuple[AuditNote, ...] = ()

    def of_family(self, family: Family) -> Judged:
        """The same, with readings of one family only."""
        return replace(self, tried=tuple(one for one in self.tried if one.reading.family == family))

    @property
    def fitting(self) -> TriedReading | None:
        """The first reading that fits everything; one that says something before one that says little."""
        fitting = [one for one in self.tried if one.fit.whole]
        return min(fitting, key=lambda one: one.reading.weak, default=None)

    @property
    def open(self) -> bool:
        """Whether some reading can neither be held nor excluded."""
        return not self.tried or any(one.fit.whole is None for one in self.tried)


def judged(printed: PrintedComparison) -> Judged:
    """Try each layout of the rows until one fits; where none does, the likeliest is judged."""
    possible = layouts(printed)
    found: list[Judged] = []
    # One after the other, because each layout may cost an exact test: nearly always the first one fits.
    for layout in (one for one in possible if one.surely):
        found.append(_in_layout(layout))
        if _fits_well(found[-1]):
            return found[-1]
    slips = [one for layout in possible if not layout.surely if _fits_well(one := _in_layout(layout))]
    if len(slips) == 1:
        return slips[0]
    if slips:
        # One of several counts is wrong, and nothing says which: the statistic is right, and the levels are named.
        return replace(slips[0], layout=RowLayout("levels", printed))
    return _judged_as_errors(printed, found[0])


def _in_layout(layout: RowLayout) -> Judged:
    one = _judged(layout.comparison)
    return replace(one, layout=layout, notes=tuple(_layout_notes(layout)) if _fits_well(one) else ())


def _fits_well(one: Judged) -> bool:
    return one.fitting is not None and not one.fitting.reading.weak


def _layout_notes(layout: RowLayout) -> list[AuditNote]:
    cells = [value.cell for value in layout.comparison.lines[0].values if value.cell]
    if layout.name not in ("level_not_printed", "total_with_parts") or not cells:
        return []
    return [noted(cells[0], layout.name)]


def _judged_as_errors(printed: PrintedComparison, as_printed: Judged) -> Judged:
    """Means whose words do not say what follows them, as standard errors where only these fit."""
    if printed.kind != "mean" or printed.measure != "unsaid" or as_printed.fitting is not None or as_printed.open:
        return as_printed
    one = _judged(with_deviations(printed))
    if one.fitting is None:
        return as_printed
    cells = [value.cell for value in printed.lines[0].values if value.cell]
    return replace(one, layout=as_printed.layout, notes=tuple(noted(cell, "sem_fits") for cell in cells[:1]))


def _judged(comparison: PrintedComparison) -> Judged:
    """Try the readings of a comparison until one fits."""
    statistic, p = comparison.statistic, comparison.p
    if (statistic is None and p is None) or comparison.symbols & UNKNOWN_STATISTICS or not comparison.kind:
        return Judged(comparison, (), RowLayout("levels", comparison))
    readings = visit_readings(comparison) if comparison.design == "visits" else group_readings(comparison)
    found: list[TriedReading] = []
    for one in tried(readings, statistic, p, one_sided=comparison.one_sided):
        found.append(one)
        # A measurement's readings are few and all needed to tell t from Z; of counts the first that fits is enough.
        if one.fit.whole and comparison.kind == "count":
            break
    return Judged(comparison, tuple(found), RowLayout("levels", comparison))


def of_one_kind(found: Sequence[Judged]) -> list[Judged]:
    """Let a variable have one kind of test in all its groups: t in one and Z in another is no reading of a table.

    The kind that fits the most groups wins; between equals, the one that fits the most rows of the same sort.
    """
    return [_restricted(one, found) for one in found]


def _restricted(one: Judged, found: Sequence[Judged]) -> Judged:
    comparison = one.comparison
    same = [other for other in found if _same_variable(other.comparison, comparison)]
    if comparison.kind == "count" or len(same) < 2:  # noqa: PLR2004 - one group alone
        return one
    families = list(dict.fromkeys(t.reading.family for t in one.tried if t.reading.family))
    if len(families) < 2 or any(all(other.of_family(f).fitting for other in same) for f in families):  # noqa: PLR2004
        return one
    alike = [other for other in found if other.comparison.kind == comparison.kind]
    natural = NATURAL.get(comparison.kind or "")

    def support(family: Family) -> tuple[int, int, bool]:
        return _fits(same, family), _fits(alike, family), family == natural

    return one.of_family(max(families, key=support))


def _same_variable(one: PrintedComparison, other: PrintedComparison) -> bool:
    return (one.label, one.kind, one.design) == (other.label, other.kind, other.design)


def _fits(found: Sequence[Judged], family: Family) -> int:
    return Counter(one.of_family(family).fitting is not None for one in found)[True]


def test_remarks(one: Judged) -> Iterator[AuditRemark]:
    """What the statistic and the P come to."""
    comparison = one.comparison
    cells = [reported.cell for reported in (comparison.statistic, comparison.p) if reported]
    for cell in comparison.unread:
        yield from unverifiable(cell, "not_test")
    if comparison.p and comparison.p.range.low > 1:
        yield from inconsistent(comparison.p.cell, Message.of("audit.number.at_most", high=1), because("p_outside"))
    fitting = one.fitting
    if fitting is not None and not fitting.reading.weak:
        yield from consistent(*_checked(fitting, comparison))
    for cell in cells:
        yield from unverifiable(cell, _why_open(comparison, fitting))
    if fitting is None and not one.open:
        yield from _accused(one)


def _checked(fitting: TriedReading, comparison: PrintedComparison) -> list[PrintedCell]:
    """The cells that a fitting reading holds together; without values of its own, statistic and P hold each other."""
    reported = [one.cell for one in (comparison.statistic, comparison.p) if one]
    if fitting.reading.values is None and not fitting.reading.exact:
        return reported if len(reported) > 1 else []
    return [*reported, *_value_cells(comparison)]


def _value_cells(comparison: PrintedComparison) -> list[PrintedCell]:
    return [value.cell for line in comparison.lines for value in line.values if value.cell and value.content]


def _why_open(comparison: PrintedComparison, fitting: TriedReading | None) -> str:
    if comparison.symbols & UNKNOWN_STATISTICS:
        return "rank_sum_open"
    if fitting is not None:
        return "no_n" if fitting.reading.weak else "not_determined"
    return "no_test"


def _accused(one: Judged) -> Iterator[AuditRemark]:
    best = blamed(one)
    comparison, reading = one.comparison, best.reading
    statistic_wrong, p_wrong = best.blames
    parts = (_conflict(best, comparison), *list(explanations(comparison, reading))[:3])
    why = because("listed", parts=parts)
    statistic, p = comparison.statistic, comparison.p
    if statistic_wrong and statistic:
        yield from inconsistent(statistic.cell, _values_said(reading, statistic), why)
    if p_wrong and p:
        yield from inconsistent(p.cell, _p_of(best, comparison, p), why)
    others = [r.cell for r, wrong in ((statistic, statistic_wrong), (p, p_wrong)) if r and not wrong]
    fits_values = best.fit.statistic or (best.fit.statistic is None and best.fit.direct)
    yield from consistent(*others, *(_value_cells(comparison) if fits_values else []))


def blamed(one: Judged) -> TriedReading:
    """The reading that blames the fewest cells; the first of several, as the likeliest is first."""
    usable = [t for t in one.tried if t.reading.distribution or t.reading.values or not one.comparison.statistic]
    named = [t for t in usable if t.reading.family is None or allowed(one.comparison, t.reading.family)]
    return min(named or usable or one.tried, key=lambda t: sum(t.blames))


def _conflict(best: TriedReading, comparison: PrintedComparison) -> Message:
    """Which two things cannot stand side by side."""
    reading, (statistic_wrong, p_wrong) = best.reading, best.blames
    statistic, p = comparison.statistic, comparison.p
    if statistic is not None and statistic_wrong:
        if _paired_counts(comparison):
            return because("no_paired_test", printed=statistic.cell.text)
        return because("test_gives", test=reading.name, result=_values_said(reading, statistic))
    if statistic is not None and p is not None and reading.distribution is not None and p_wrong:
        found_p = _p_range(best, comparison)
        equation, other = p_equation(found_p, p.decimals), sides_of_level(found_p, p.range)
        return p_of_statistic(reading.distribution, statistic.cell.text, equation, other_side=other)
    result = p_equation(_p_range(best, comparison), p.decimals) if p else exactly("")
    return because("test_gives", test=reading.name, result=result)


def _paired_counts(comparison: PrintedComparison) -> bool:
    return comparison.design == "visits" and comparison.kind == "count"


def _values_said(reading: Reading, statistic: Reported) -> Message:
    values = reading.values or ()
    if len(values) > MOST_SHOWN:
        ends = Range(min(value.low for value in values), max(value.high for value in values))
        return Message.of("audit.number.between", range=said(ends, statistic.decimals))
    if not values:
        return exactly("")
    found = [said(value, statistic.decimals) for value in values]
    return reduce(lambda one, other: Message.of("audit.number.either", first=one, second=other), found)


def _p_range(best: TriedReading, comparison: PrintedComparison) -> Range:
    statistic, reading = comparison.statistic, best.reading
    if statistic is None or reading.distribution is None or best.blames[0]:
        found = reading.p_values()
        return Range(min(one.low for one in found), max(one.high for one in found))
    size = statistic.range.magnitude
    shared = [value.overlap(size) for value in reading.values or () if value.meets(size)] or [size]
    found = tuple(reading.distribution.p(value) for value in shared)
    return Range(min(one.low for one in found), max(one.high for one in found))


def _p_of(best: TriedReading, comparison: PrintedComparison, p: Reported) -> Message:
    return p_said(_p_range(best, comparison), p.decimals)
