"""Turn numbers into result rows: the one place where a value meets its text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from nightround.model.result import ResultRow
from nightround.statistics.estimates import Estimate, HypothesisTest, NotEstimable
from nightround.statistics.numbers import NOT_ESTIMABLE, STATISTIC_DIGITS, interval_text, p_text, text_of
from nightround.study.methods import METHODS, Caution, HypothesisTestName
from nightround.study.plan import Sign

_STATISTIC_OF_RULE = {"mann_whitney_by_rule": "z", "wilcoxon_by_rule": "z", "pearson_by_rule": "chi2"}


@dataclass(frozen=True)
class RowPlace:
    """Where a result row belongs; the parts of its key without the statistic."""

    table: str
    variable: str
    group: str = ""
    visit: str = ""
    level: str = ""

    def at(self, *, group: str | None = None, visit: str | None = None, level: str | None = None) -> RowPlace:
        """The same place with another group, visit or level."""
        given = {"group": group, "visit": visit, "level": level}
        return replace(self, **{name: value for name, value in given.items() if value is not None})

    def row(
        self,
        statistic: str,
        value: float | None,
        text: str,
        *,
        n: int | None = None,
        df: float | None = None,
        method: str = "",
        warning: str = "",
        error: str = "",
    ) -> ResultRow:
        """One result row at this place."""
        return ResultRow(
            self.table,
            self.variable,
            statistic,
            value,
            text,
            group=self.group,
            visit=self.visit,
            level=self.level,
            n=n,
            df=df,
            method=method,
            warning=warning,
            error=error,
        )

    def count(self, statistic: str, count: int, *, warning: str = "") -> ResultRow:
        """A whole number."""
        return self.row(statistic, float(count), str(count), n=count, warning=warning)

    def refused(self, statistic: str, reason: str, *, n: int | None = None) -> ResultRow:
        """A statistic that cannot be estimated, with its reason."""
        return self.row(statistic, None, NOT_ESTIMABLE, n=n, error=reason)

    def number(
        self, statistic: str, compute: Callable[[], float], digits: int, *, n: int | None = None, method: str = ""
    ) -> ResultRow:
        """A number that may refuse to be estimated."""
        try:
            value = compute()
        except NotEstimable as refusal:
            return self.refused(statistic, refusal.reason, n=n)
        return self.row(statistic, value, text_of(value, digits), n=n, method=method)


def method_words(name: str) -> str:
    """The English name of a method, as result rows carry it."""
    return METHODS[name].words.en


def rows_of_test(
    place: RowPlace,
    planned: HypothesisTestName,
    run: Callable[[], HypothesisTest],
    *,
    sign: Sign = "natural",
    prefix: str = "",
) -> Iterator[ResultRow]:
    """The statistic and the P of a test, or both with the reason why there is none."""
    try:
        tested = signed(run(), sign)
    except NotEstimable as refusal:
        statistic = _statistic_name(planned)
        yield from (place.refused(f"{prefix}{one}", refusal.reason) for one in (statistic, "p") if one)
        return
    method = method_words(f"{tested.name}_monte_carlo" if tested.monte_carlo else tested.name)
    warning = _warning(tested, sign)

    def stated(statistic: str, value: float, text: str) -> ResultRow:
        name = f"{prefix}{statistic}"
        return place.row(name, value, text, n=tested.n, df=tested.df, method=method, warning=warning)

    if tested.value is not None:
        yield stated(_statistic_name(tested.name), tested.value, text_of(tested.value, STATISTIC_DIGITS))
    if tested.df_within is not None:
        yield stated("df_within", tested.df_within, text_of(tested.df_within, 1))
    yield stated("p", tested.p, p_text(tested.p))


def _warning(tested: HypothesisTest, sign: Sign) -> str:
    reversed_sign = sign == "reversed" and tested.value is not None
    cautions = [*([tested.caution] if tested.caution else []), *([Caution.REVERSED] if reversed_sign else [])]
    return "; ".join(cautions)


def _statistic_name(test: HypothesisTestName) -> str:
    return METHODS[test].statistic if test in METHODS else _STATISTIC_OF_RULE.get(test, "chi2")


def signed(tested: HypothesisTest, sign: Sign) -> HypothesisTest:
    """Turn a statistic's sign: reversed, or never positive as SPSS prints the Z of a rank test."""
    if tested.value is None or sign == "natural":
        return tested
    return replace(tested, value=-tested.value if sign == "reversed" else -abs(tested.value))


def value_rows(place: RowPlace, name: str, compute: Callable[[], Estimate], digits: int) -> Iterator[ResultRow]:
    """An effect without an interval, and as it is printed, or the reason why there is none."""
    try:
        found = compute()
    except NotEstimable as refusal:
        yield from (place.refused(part, refusal.reason) for part in (name, f"{name}_summary"))
        return
    text, method = text_of(found.value, digits), method_words(found.method)
    yield from (place.row(part, found.value, text, n=found.n, method=method) for part in (name, f"{name}_summary"))


def estimate_rows(place: RowPlace, name: str, compute: Callable[[], Estimate], digits: int) -> Iterator[ResultRow]:
    """An effect, the ends of its 95% interval, and both as they are printed, or the reason why there is none."""
    parts = (name, f"{name}_low", f"{name}_high", f"{name}_summary")
    try:
        found = compute()
    except NotEstimable as refusal:
        yield from (place.refused(part, refusal.reason) for part in parts)
        return
    method = method_words(found.method) if found.method else ""
    yield place.row(name, found.value, text_of(found.value, digits), n=found.n, method=method)
    yield place.row(parts[1], found.low, text_of(found.low, digits), n=found.n, method=method)
    yield place.row(parts[2], found.high, text_of(found.high, digits), n=found.n, method=method)
    printed = interval_text(found.value, found.low, found.high, digits)
    yield place.row(parts[3], found.value, printed, n=found.n, method=method)
    if found.p is not None:
        yield place.row(f"{name}_p", found.p, p_text(found.p), n=found.n, method=method)
