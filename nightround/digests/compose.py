"""Composes a digest: what changed since the last one, for one person, in that person's language. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from nightround.digests.failed_round import hour_of, step_name
from nightround.digests.notice import NightState, Notice, RunSummary
from nightround.digests.pages import Lines, OldFinding, OpenList, Page, Shown, capped
from nightround.digests.templates import DigestTemplates
from nightround.model.finding import Finding, FindingState, LedgerDelta, Resolution
from nightround.model.language import Words
from nightround.model.links import Places
from nightround.model.recipient import Recipient
from nightround.model.rule import Rule, Severity
from nightround.texts.catalogue import Wording, in_language
from redcap_sync.column_name import without_codes
from redcap_sync.messages import Message

DATA_MANAGER = "data_manager"
"""The role that owns the rules, and so hears of rules that could not be judged and of nights that failed."""
SHOWN_NEW = 25
SHOWN_BACK = 15
SHOWN_FIXED = 10
SHOWN_OLDEST = 5
SHOWN_UNJUDGED = 10
MONDAY = 1


def digest(
    title: Words,
    delta: LedgerDelta,
    *,
    night: RunSummary,
    rules: Mapping[str, Rule],
    recipient: Recipient,
    places: Places,
    templates: DigestTemplates,
    now: datetime,
    synthetic: bool = False,
) -> Notice | None:
    """Compose what one person is told, or None when there is nothing to say.

    `delta` is what changed since that person's last digest, be it one night ago or ten; only findings
    whose owner the recipient stands for are told. `now` is the hour in the study's time zone. A mail
    is made when something of the recipient's changed, on Mondays, and, for the data manager, when the
    night was not whole, another rule than before could not be judged, or records were renamed.
    """
    mine = _owned(delta, recipient.owns, night.switched_off)
    if not _worth_telling(mine, night, recipient, now):
        return None
    wording = templates.wording[recipient.language]
    writer = _Writer(mine, night, recipient, Shown(rules, places, recipient.language, wording), wording, now)
    return _notice(writer, title, templates, known_rules=frozenset(rules), synthetic=synthetic)


def _notice(
    writer: _Writer, title: Words, templates: DigestTemplates, *, known_rules: frozenset[str], synthetic: bool
) -> Notice:
    page = writer.page(title.in_(writer.recipient.language), known_rules=known_rules, synthetic=synthetic)
    return Notice(
        recipient=writer.recipient,
        subject=" ".join(writer.wording("subject", title=page.title, summary=page.headline).split()),
        text=templates.text(page),
        html=templates.html(page),
        counts=_counts(writer.mine),
    )


def _owned(delta: LedgerDelta, owners: Iterable[str], quiet: Container[str]) -> LedgerDelta:
    """The part of a delta that concerns somebody, without open findings of `quiet` rules."""

    def of(found: Iterable[Finding]) -> tuple[Finding, ...]:
        return tuple(
            one
            for one in found
            if one.owner in owners
            and not one.deviation
            and not (one.state is FindingState.OPEN and one.rule_id in quiet)
        )

    return LedgerDelta(
        opened=of(delta.opened),
        persisting=of(delta.persisting),
        resolved=of(delta.resolved),
        reopened=of(delta.reopened),
        untouched=of(delta.untouched),
    )


def _worth_telling(mine: LedgerDelta, night: RunSummary, recipient: Recipient, now: datetime) -> bool:
    changed = bool(mine.opened or mine.reopened or mine.resolved)
    # A coordinator can do nothing about a server that was down; a mail each morning would only be learned to ignore.
    broken = not night.well or set(night.unjudged) != night.unjudged_before or night.renamed > 0
    return changed or (broken and recipient.role == DATA_MANAGER) or now.isoweekday() == MONDAY


def _counts(mine: LedgerDelta) -> dict[str, int]:
    return {
        "opened": len(mine.opened),
        "reopened": len(mine.reopened),
        "resolved": len(mine.resolved),
        "open": len(mine.open_now),
    }


@dataclass(frozen=True)
class _Writer:
    """Puts one digest into words."""

    mine: LedgerDelta
    night: RunSummary
    recipient: Recipient
    shown: Shown
    wording: Wording
    now: datetime

    def page(self, title: str, *, known_rules: frozenset[str], synthetic: bool) -> Page:
        say = self.wording
        return Page(
            language=say("language_code"),
            title=title,
            headline=self.headline(),
            as_of=say("as_of", when=hour_of(self.now)),
            banner=self.banner(),
            alive="" if self.changed or not self.night.well else say("alive"),
            figures=self.figures(),
            sections=(
                self.shown.section("heading_new", self.mine.opened, SHOWN_NEW),
                self.shown.section("heading_back", self.mine.reopened, SHOWN_BACK),
            ),
            fixed=capped(self.fixed(), SHOWN_FIXED, say, "heading_fixed"),
            still_open=self.still_open(),
            unjudged=self.unjudged(known_rules),
            footer=self.footer(synthetic=synthetic),
        )

    def figures(self) -> tuple[tuple[str, int], ...]:
        """The four counts of a round that came to its end."""
        say, counts = self.wording, _counts(self.mine)
        return (
            (say("figure_new"), counts["opened"]),
            (say("figure_back"), counts["reopened"]),
            (say("figure_fixed"), counts["resolved"]),
            (say("figure_open"), counts["open"]),
        )

    @property
    def changed(self) -> bool:
        return bool(self.mine.opened or self.mine.reopened or self.mine.resolved)

    def headline(self) -> str:
        """The summary, with a bad night named before everything else."""
        summary = self.summary()
        if self.night.failed:
            summary = self.wording("summary_undone", summary=summary, steps=self.steps_failed())
        whole = self.night.state is NightState.WHOLE
        return summary if whole else self.wording("summary_incomplete", summary=summary)

    def steps_failed(self) -> str:
        return self.wording("severity_join").join(
            step_name(name, self.recipient.language) for name in self.night.failed
        )

    def summary(self) -> str:
        """'3 new, 1 came back', or how many stand open when nothing changed."""
        say, counts = self.wording, _counts(self.mine)
        parts = (("summary_new", "opened"), ("summary_back", "reopened"), ("summary_fixed", "resolved"))
        told = [say(key, n=counts[name]) for key, name in parts if counts[name]]
        if told:
            return say("summary_join").join(told)
        return say("summary_open", n=counts["open"]) if counts["open"] else say("summary_clear")

    def banner(self) -> tuple[str, ...]:
        """What is wrong with the night itself, first of all and in plain words."""
        say, night = self.wording, self.night
        lines = list(self.banner_of_run())
        if night.state is NightState.WHOLE:
            return tuple(lines)
        lines.append(say(f"banner_{night.state.value}"))
        if night.trouble:
            sentences = (self.reason(one) for one in night.trouble)
            lines.append(say("banner_reason", reason=say("sentence_join").join(sentences)))
        if night.unaccounted:
            lines.append(say("banner_unaccounted", rules=say("severity_join").join(night.unaccounted)))
        return tuple(lines)

    def reason(self, message: Message) -> str:
        """A reason in the reader's language. It names fields and no export column: the code of an option is a value."""
        return without_codes(in_language(message, self.recipient.language))

    def banner_of_run(self) -> Iterator[str]:
        """Earlier rounds that never ended, and the steps that this one went on without."""
        for began in self.night.lost:
            lost = Message.of("night.lost.one", when=hour_of(began.astimezone(self.now.tzinfo)))
            yield in_language(lost, self.recipient.language)
        for name, reason in self.night.failed.items():
            step, what = step_name(name, self.recipient.language), self.reason(reason)
            yield self.wording("banner_undone", step=step, reason=what)
        if self.night.failed:
            done = self.wording("severity_join").join(
                step_name(name, self.recipient.language) for name in self.night.done
            )
            yield self.wording("banner_done", steps=done)

    def fixed(self) -> list[str]:
        """One line a rule, the worst first: who fixed it knows the records."""
        by_rule: dict[str, list[Finding]] = {}
        for one in sorted(self.mine.resolved, key=lambda one: (one.severity.rank, one.rule_id)):
            by_rule.setdefault(one.rule_id, []).append(one)
        return [self.fixed_line(found) for found in by_rule.values()]

    def fixed_line(self, found: list[Finding]) -> str:
        """A rule's title, how many were closed, and how many of them for another reason than a correction."""
        say, proofs = self.wording, Counter(one.resolution for one in found)
        line = say("title_and_count", title=self.shown.title(found[0]), n=len(found))
        others = {
            Resolution.ROW_REMOVED: "closed_removed",
            Resolution.OUT_OF_SCOPE: "closed_out_of_scope",
            Resolution.EMPTIED: "closed_emptied",
            Resolution.RULE_CHANGED: "closed_rule_changed",
            Resolution.RULE_WITHDRAWN: "closed_rule_withdrawn",
            Resolution.FIELD_WITHDRAWN: "closed_field_withdrawn",
        }
        reasons = [say(key, n=proofs[proof]) for proof, key in others.items() if proofs[proof]]
        return say("closed_why", line=line, reasons=say("severity_join").join(reasons)) if reasons else line

    def still_open(self) -> OpenList:
        """Counts of everything open, and the oldest of what was told in earlier digests."""
        say = self.wording
        by_severity = Counter(one.severity for one in self.mine.open_now)
        counts = [
            say("severity_count", severity=say(f"severity_{one.value}"), n=by_severity[one])
            for one in Severity
            if by_severity[one]
        ]
        earlier = sorted(
            (*self.mine.persisting, *self.mine.untouched),
            key=lambda one: (one.opened_at, one.severity.rank, one.rule_id, one.row),
        )
        oldest: tuple[OldFinding, ...] = tuple(self.shown.old(one, self.age(one)) for one in earlier[:SHOWN_OLDEST])
        return OpenList(say("heading_open"), say("severity_join").join(counts), say("oldest"), oldest)

    def age(self, finding: Finding) -> str:
        days = (self.now - finding.opened_at).days
        keys = {0: "no_day_open", 1: "one_day_open"}
        return self.wording(keys.get(days, "days_open"), n=days)

    def unjudged(self, known_rules: frozenset[str]) -> Lines:
        """For the data manager: rules without a judgement, and rules that left the study with findings open."""
        say = self.wording
        orphans = Counter(one.rule_id for one in self.mine.open_now if one.rule_id not in known_rules)
        reasons = {rule_id: self.reason(why) for rule_id, why in self.night.unjudged.items()} | {
            rule_id: say("unjudged_unknown", n=count) for rule_id, count in orphans.items()
        }
        told = reasons if self.recipient.role == DATA_MANAGER else {}
        lines = [
            say("unjudged_line", rule=self.shown.rule_title(rule_id), reason=told[rule_id]) for rule_id in sorted(told)
        ]
        return capped(lines, SHOWN_UNJUDGED, say, "heading_unjudged")

    def footer(self, *, synthetic: bool) -> tuple[str, ...]:
        say, night = self.wording, self.night
        lines = [say("coverage", judged=night.judged, known=night.known)] if night.known else []
        last = night.last_complete
        lines.append(
            say("last_complete", when=hour_of(last.astimezone(self.now.tzinfo))) if last else say("first_round")
        )
        named = "records_named" if self.shown.names_records else "records_hidden"
        notes = [in_language(one, self.recipient.language) for one in night.notes]
        mode = [*notes, say(named)] if night.first_mail else []
        renamed = [say("renamed", n=night.renamed)] if night.renamed else []
        return (*renamed, *lines, say("footer"), *mode, *([say("synthetic")] if synthetic else []))
