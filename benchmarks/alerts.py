"""A year of nights for three readers: mails a week, repeated lines, and whether every critical finding was listed.

`python -m benchmarks.alerts [--nights N] [--seed S]` prints a table. Nobody is in it: findings open and are corrected
at random, at the rates of `Rates`, in a study in China, so that nobody corrects anything on a holiday.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random

from nightround.digests.compose import digest
from nightround.digests.due_dates import DueDates
from nightround.digests.notice import NightState, Notice, RunSummary
from nightround.digests.reader_news import Agreed
from nightround.digests.templates import DigestTemplates, load_digest_templates
from nightround.model.finding import Finding, FindingState, LedgerDelta, Resolution, finding_id
from nightround.model.language import Words
from nightround.model.links import Places
from nightround.model.recipient import Recipient
from nightround.model.rule import Rule, Severity
from nightround.study.alert_tables import DueStep, DueTable
from redcap_sync.rows.tables import RowKey

TEMPLATES = Path(__file__).parents[1] / "report_templates" / "digest"
BEGIN = datetime(2026, 1, 5, 2, 30, tzinfo=timezone(timedelta(hours=8)))
"""A Monday."""
READERS = (
    Recipient("coordinator", "coordinator@example.org", "en", ("coordinator",)),
    Recipient("data_manager", "data.manager@example.org", "en", ("data_manager",)),
    Recipient("principal_investigator", "principal.investigator@example.org", "en", ()),
)
THEN = ("data_manager", "principal_investigator")
AGREED = Agreed(Words("模拟", "Simulated"), DueTable(country="CN", critical=DueStep(days=2, then=THEN)))
PLACES = Places("https://redcap.example.org", "15.0.5", 1, record_id_allowed=True)


@dataclass(frozen=True)
class Rates:
    """How much happens: new findings a working day by severity, and how many of the open ones are corrected on one."""

    opened: Mapping[Severity, float] = field(
        default_factory=lambda: {Severity.CRITICAL: 0.15, Severity.MAJOR: 0.8, Severity.MINOR: 2.0}
    )
    corrected: Mapping[Severity, float] = field(
        default_factory=lambda: {Severity.CRITICAL: 0.35, Severity.MAJOR: 0.12, Severity.MINOR: 0.06}
    )
    of_data_manager: float = 0.1
    """The share of findings that the data manager owns."""
    wave: float = 0.01
    """How likely it is that a visit of many patients is entered at once, which opens `wave_size` minor findings."""
    wave_size: int = 40


@dataclass
class ReaderYear:
    """What one reader got."""

    mails: int = 0
    lines: int = 0
    """Findings that were listed, with their links."""
    repeated: int = 0
    """Of them those that the mail before listed too."""
    repeated_critical: int = 0
    """Of these the critical ones, which are listed each working day on purpose."""
    due: int = 0
    """Times that a critical finding of the reader, or passed on to them, had to be listed: once on each working day."""
    listed: int = 0
    told: Mapping[str, Finding] = field(default_factory=dict)
    """The findings that were open when the last mail was written, by id."""
    notified_at: datetime | None = None
    last: frozenset[str] = frozenset()
    """The links of the last mail."""


def simulated_year(nights: int, seed: int, rates: Rates | None = None) -> dict[str, ReaderYear]:
    """Make so many nights; gives what each role got."""
    random, rates = Random(seed), rates or Rates()
    templates = load_digest_templates(TEMPLATES)
    years = {reader.role: ReaderYear() for reader in READERS}
    rules = {_rule_id(severity, kind): _rule(severity, kind) for severity in Severity for kind in range(12)}
    found: dict[str, Finding] = {}
    for number in range(nights):
        now = BEGIN + timedelta(days=number)
        if number == 0 or AGREED.due.working_days.has((now - timedelta(days=1)).date()):
            _a_day_of_work(found, rates, random, now)
        for reader in READERS:
            _write(years[reader.role], reader, found, rules=rules, templates=templates, now=now)
    return years


def _a_day_of_work(found: dict[str, Finding], rates: Rates, random: Random, now: datetime) -> None:
    """Correct some of what is open, and open something new."""
    for one in [one for one in found.values() if random.random() < rates.corrected[one.severity]]:
        del found[one.id]
    counts = {severity: _drawn(rate, random) for severity, rate in rates.opened.items()}
    kinds: list[tuple[Severity, int]] = [
        (severity, random.randrange(12)) for severity, count in counts.items() for _ in range(count)
    ]
    if random.random() < rates.wave:
        kinds += [(Severity.MINOR, random.randrange(12))] * rates.wave_size
    for severity, kind in kinds:
        owner = "data_manager" if random.random() < rates.of_data_manager else "coordinator"
        one = _finding(severity, kind, str(random.randrange(1, 400)), owner, now)
        found.setdefault(one.id, one)


def _write(
    year: ReaderYear,
    reader: Recipient,
    found: Mapping[str, Finding],
    *,
    rules: Mapping[str, Rule],
    templates: DigestTemplates,
    now: datetime,
) -> None:
    """Write a reader's mail of a night, where there is one, and count what it lists."""
    night = RunSummary(
        NightState.WHOLE, known=36, judged=36, last_complete=now - timedelta(days=1), notified_at=year.notified_at
    )
    notice = digest(
        Words("模拟研究", "Simulated study"),
        _delta(year.told, found, now),
        night=night,
        rules=rules,
        recipient=reader,
        places=PLACES,
        templates=templates,
        now=now,
        agreed=AGREED,
        synthetic=True,
    )
    links = _links(notice)
    if AGREED.due.working_days.has(now.date()):
        critical = _waiting_for(reader, found.values(), now)
        year.due += len(critical)
        year.listed += sum(PLACES.link(one, None) in links for one in critical)
    if notice is not None:
        year.mails += 1
        year.lines += len(links)
        year.repeated += len(links & year.last)
        critical = {PLACES.link(one, None) for one in found.values() if one.severity is Severity.CRITICAL}
        year.repeated_critical += len(links & year.last & critical)
        year.told, year.notified_at, year.last = dict(found), now, links


def _waiting_for(reader: Recipient, found: Iterable[Finding], now: datetime) -> list[Finding]:
    """The critical findings that are a reader's own, or overdue and passed on to them."""
    critical = [one for one in found if one.severity is Severity.CRITICAL]
    passed_on = DueDates(AGREED.due, now.date(), now.tzinfo).passed_on(critical, reader.role)
    return [one for one in critical if one.owner in reader.owns or one in passed_on]


def _delta(told: Mapping[str, Finding], found: Mapping[str, Finding], now: datetime) -> LedgerDelta:
    """What changed since a reader's last mail."""
    closed = {"state": FindingState.RESOLVED, "resolution": Resolution.FIXED, "resolved_at": now}
    return LedgerDelta(
        opened=tuple(one for one in found.values() if one.id not in told),
        persisting=tuple(one for one in found.values() if one.id in told),
        resolved=tuple(replace(one, **closed) for one in told.values() if one.id not in found),
    )


def _links(notice: Notice | None) -> frozenset[str]:
    return (
        frozenset(word for word in notice.text.split() if word.startswith(PLACES.base_url)) if notice else frozenset()
    )


def _drawn(rate: float, random: Random) -> int:
    """A Poisson number, by counting exponential waiting times."""
    count, passed = 0, random.expovariate(rate)
    while passed < 1:
        count, passed = count + 1, passed + random.expovariate(rate)
    return count


def _rule_id(severity: Severity, kind: int) -> str:
    return f"{severity.value}-{kind}"


def _rule(severity: Severity, kind: int) -> Rule:
    advice = Words("请对照原始病历核对。", "Compare the value with the chart.")
    title = Words(f"规则 {severity.value} {kind}", f"Rule {severity.value} {kind} holds")
    return Rule(_rule_id(severity, kind), title, "visit", "", severity, (f"field_{kind}",), advice=advice)


def _finding(severity: Severity, kind: int, record: str, owner: str, now: datetime) -> Finding:
    row, rule_id, fields = RowKey(record, "", severity.value, 0), _rule_id(severity, kind), (f"field_{kind}",)
    return Finding(
        id=finding_id("simulated", rule_id, row, fields),
        study="simulated",
        rule_id=rule_id,
        row=row,
        fields=fields,
        severity=severity,
        owner=owner,
        state=FindingState.OPEN,
        opened_at=now.astimezone(UTC),
        last_seen_at=now.astimezone(UTC),
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "none was due"


def table_of(years: Mapping[str, ReaderYear], nights: int) -> Iterable[str]:
    """The figures of each reader, as a table in Markdown."""
    yield "| reader | mails a week | findings listed a mail | listed before | and not critical | criticals listed |"
    yield "|---|---|---|---|---|---|"
    for role, year in years.items():
        a_week, lines = 7 * year.mails / nights, year.lines / max(1, year.mails)
        others = _share(year.repeated - year.repeated_critical, year.lines)
        shares = _share(year.repeated, year.lines), others, _share(year.listed, year.due)
        yield f"| {role} | {a_week:.1f} | {lines:.1f} | {' | '.join(shares)} |"


def measure() -> None:
    """Print the figures of a year."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for line in table_of(simulated_year(options.nights, options.seed), options.nights):
        print(line)


if __name__ == "__main__":
    measure()
