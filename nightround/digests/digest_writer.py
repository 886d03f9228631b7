"""Puts the digest of one reader into words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from nightround.digests.failed_round import hour_of, step_name
from nightround.digests.notice import NightState, RunSummary
from nightround.digests.open_totals import Totals
from nightround.digests.pages import FindingsSection, Lines, OpenList, Page, Shown, capped, capped_findings, more
from nightround.digests.reader_news import Agreed, ReaderNews
from nightround.digests.whole_list import whole_list
from nightround.model.attached_file import AttachedFile
from nightround.model.finding import Finding, LedgerDelta, Resolution
from nightround.model.recipient import Recipient
from nightround.model.rule import Severity
from nightround.texts.catalogue import Wording, in_language
from redcap_sync.column_name import without_codes
from redcap_sync.messages import Message

DATA_MANAGER = "data_manager"
"""The role that owns the rules, and so hears of rules that could not be judged and of nights that failed."""
SHOWN_NEW = 25
SHOWN_BACK = 15
SHOWN_FIXED = 10
SHOWN_WEEKLY = 25
"""Findings that were there before and are no news, on the day on which they are listed again."""
SHOWN_UNJUDGED = 10
MONDAY = 1


def counts_of(mine: LedgerDelta) -> dict[str, int]:
    """How many findings of a delta are new, back, closed and open."""
    return {
        "opened": len(mine.opened),
        "reopened": len(mine.reopened),
        "resolved": len(mine.resolved),
        "open": len(mine.open_now),
    }


@dataclass(frozen=True)
class DigestWriter:
    """Puts one digest into words."""

    part: ReaderNews
    night: RunSummary
    recipient: Recipient
    shown: Shown
    wording: Wording
    now: datetime
    agreed: Agreed

    @property
    def mine(self) -> LedgerDelta:
        """What the reader should correct."""
        return self.part.mine

    @property
    def changed(self) -> bool:
        """Whether something of the reader's changed."""
        return self.part.changed

    @property
    def is_manager(self) -> bool:
        """Whether the reader owns the rules."""
        return self.recipient.role == DATA_MANAGER

    @cached_property
    def totals(self) -> Totals:
        """What is open in the study, and how much of it is the reader's."""
        return Totals.of(self.part.seen, self.mine.open_now, self.night.switched_off)

    def page(self, title: str, *, known_rules: frozenset[str], synthetic: bool) -> Page:
        """The whole digest, ready for the templates."""
        say = self.wording
        lists = (self.still_open, self.overdue, self.critical_of_others())
        fixed = capped(self.fixed(), SHOWN_FIXED, say, "heading_fixed")
        return Page(
            language=say("language_code"),
            title=title,
            headline=self.headline(),
            as_of=say("as_of", when=hour_of(self.now)),
            banner=self.banner(),
            alive=self.alive(),
            totals=self.totals_said(),
            figures=self.figures(),
            held=self.held(),
            held_note=say("held_note"),
            sections=self.sections,
            lists=tuple(one for one in lists if one.counts),
            rest=(fixed, self.unjudged(known_rules), self.switched_off()),
            whole_list=self.whole_list(),
            whole_list_link=self.agreed.list_page,
            footer=self.footer(synthetic=synthetic),
        )

    def subject(self, title: str) -> str:
        """The short name and how much work it is, then what changed."""
        short, work = self.agreed.short.in_(self.recipient.language) or title, self.work()
        return self.wording("subject_work" if work else "subject", short=short, work=work, summary=self.headline())

    def work(self) -> str:
        """How many records have to be opened; '' where none has."""
        say, totals = self.wording, self.totals
        if not totals.records:
            return ""
        records = say("one_record" if totals.records == 1 else "records", n=totals.records)
        return say("work_critical", work=records, n=totals.mine_critical) if totals.mine_critical else records

    def totals_said(self) -> tuple[str, ...]:
        """What is open in the study, then what of it is the reader's."""
        say, totals = self.wording, self.totals
        scope = "study" if self.recipient.groups is None else "group"
        quiet = [say("totals_standing", n=totals.quiet)] if totals.quiet else []
        if not totals.study:
            return (say(f"totals_none_{scope}"), *quiet)
        where = say(f"totals_{scope}", n=totals.study)
        where = say("totals_critical", where=where, n=totals.study_critical) if totals.study_critical else where
        lines = [say("totals_and_mine", totals=where, mine=self.mine_said())]
        lines += [say("totals_off", n=totals.off)] if totals.off else []
        lines += [say("withheld", n=self.part.withheld)] if self.part.withheld else []
        return (*lines, *quiet)

    def mine_said(self) -> str:
        """How many of the open findings are the reader's."""
        say, totals = self.wording, self.totals
        if totals.mine == totals.study:
            return say("mine_all")
        if totals.mine_critical:
            return say("mine_critical", n=totals.mine, critical=totals.mine_critical)
        return say("mine", n=totals.mine) if totals.mine else say("mine_none")

    def alive(self) -> str:
        """The sign of life of a Monday on which there is nothing else to say."""
        quiet = not self.changed and self.night.well and self.is_weekly
        return self.wording("alive") if quiet else ""

    def figures(self) -> tuple[tuple[str, int], ...]:
        """The four counts of what is the reader's; none where nothing is."""
        say, counts = self.wording, counts_of(self.mine)
        if not any(counts.values()):
            return ()
        return (
            (say("figure_new"), counts["opened"]),
            (say("figure_back"), counts["reopened"]),
            (say("figure_fixed"), counts["resolved"]),
            (say("figure_open"), counts["open"]),
        )

    def headline(self) -> str:
        """The summary, with a bad night named before everything else."""
        say, night = self.wording, self.night
        summary = self.summary()
        if self.is_manager and (flooded := sum(one.opened for one in night.floods if one.is_new)):
            summary = say("summary_flood", summary=summary, n=flooded)
        if night.failed:
            summary = say("summary_undone", summary=summary, steps=self.steps_failed())
        if night.too_few:
            return say("summary_unjudged", summary=summary, n=self.unjudged_count(), known=night.judgements.known)
        return summary if night.state is NightState.WHOLE else say("summary_incomplete", summary=summary)

    def unjudged_count(self) -> int:
        """How many rules the night could not judge: those that could not be evaluated, or those that fell away."""
        return max(self.night.judgements.not_evaluated, self.night.judgements.sudden)

    def steps_failed(self) -> str:
        """The steps that the run went on without, by their names."""
        return self.wording("severity_join").join(
            step_name(name, self.recipient.language) for name in self.night.failed
        )

    def summary(self) -> str:
        """'3 new, 1 came back', or how many are open when nothing changed."""
        say, counts = self.wording, counts_of(self.mine)
        parts = (("summary_new", "opened"), ("summary_back", "reopened"), ("summary_fixed", "resolved"))
        counts_said = [say(key, n=counts[name]) for key, name in parts if counts[name]]
        if counts_said:
            return say("summary_join").join(counts_said)
        if counts["open"]:
            return say("summary_open", n=counts["open"])
        return say("summary_others", n=self.totals.study) if self.totals.study else say("summary_clear")

    def banner(self) -> tuple[str, ...]:
        """What is wrong with the night itself, first of all and in plain words."""
        say, night = self.wording, self.night
        lines = list(self.banner_of_run())
        if night.too_few:
            lines.append(say("banner_unjudged", n=self.unjudged_count(), known=night.judgements.known))
        lines += map(self.reason, night.group_trouble)
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

    @cached_property
    def sections(self) -> tuple[FindingsSection, ...]:
        """What is new, and what came back."""
        return (
            self.shown.section("heading_new", self.mine.opened, SHOWN_NEW),
            self.shown.section("heading_back", self.mine.reopened, SHOWN_BACK),
        )

    @cached_property
    def still_open(self) -> OpenList:
        """Counts of everything open; of what earlier digests listed what has to be said again today."""
        earlier = (*self.mine.persisting, *self.mine.untouched)
        return self.listed("heading_open", self.mine.open_now, earlier)

    @cached_property
    def overdue(self) -> OpenList:
        """What others have not corrected in time, and was passed on to this reader."""
        return self.listed("heading_overdue", self.part.passed_on, self.part.passed_on)

    def critical_of_others(self) -> OpenList:
        """Critical findings that are neither the reader's nor passed on: a mail that counts them says which."""
        known = {one.id for one in (*self.mine.open_now, *self.part.passed_on)}
        others = [
            one
            for one in self.part.seen.open_now
            if one.severity is Severity.CRITICAL and one.id not in known and one.rule_id not in self.night.switched_off
        ]
        return self.listed("heading_critical", others, others)

    def listed(self, heading: str, counted: Iterable[Finding], found: Iterable[Finding]) -> OpenList:
        """Findings that were there before, one a line, the worst first, then the longest waiting.

        Each day has those that are critical, and those whose due date has just passed; Monday has the others too.
        """
        say = self.wording
        by_severity = Counter(one.severity for one in counted)
        counts = [
            say("severity_count", severity=say(f"severity_{one.value}"), n=by_severity[one])
            for one in Severity
            if by_severity[one]
        ]
        waiting = sorted(found, key=self.shown.worst_first)
        shown = capped_findings(waiting, SHOWN_WEEKLY) if self.is_weekly else list(filter(self.is_said_daily, waiting))
        left_out = len(waiting) - len(shown)
        rest = more(say, left_out) if self.is_weekly else self.older(left_out)
        return OpenList(say(heading), say("severity_join").join(counts), tuple(map(self.shown.old, shown)), rest)

    @property
    def is_weekly(self) -> bool:
        """Whether it is the day on which everything is listed again."""
        return self.now.isoweekday() == MONDAY

    def is_said_daily(self, finding: Finding) -> bool:
        """Whether a finding is listed although nothing of it changed."""
        return finding.severity is Severity.CRITICAL or self.part.due.is_newly_overdue(finding)

    def older(self, count: int) -> str:
        """How many findings are not repeated today; '' where none is left out."""
        if not count:
            return ""
        return self.wording("one_older" if count == 1 else "older", n=count)

    def whole_list(self) -> str:
        """Where all open findings of the reader are, when the mail does not show each."""
        say = self.wording
        lines = []
        if self.is_cut:
            lines.append(say("list_page" if self.agreed.list_page else "list_attached", n=len(self.part.waiting)))
        if self.agreed.private_list and self.part.waiting:
            lines.append(say("list_private", file=self.agreed.private_list))
        if self.agreed.worklist is not None:
            code = "worklist_private" if self.agreed.worklist else "worklist_attached"
            lines.append(say(code, file=self.agreed.worklist))
        return say("sentence_join").join(lines)

    @cached_property
    def is_cut(self) -> bool:
        """Whether the mail leaves findings out that wait for the reader."""
        return any(one.is_cut for one in self.sections) or bool(self.still_open.more or self.overdue.more)

    def attachments(self) -> tuple[AttachedFile, ...]:
        """The whole list as a file, where the mail does not show each finding and no page does."""
        if not self.is_cut or self.agreed.list_page:
            return ()
        content = whole_list(self.part.waiting, self.shown)
        return (AttachedFile(self.wording("list_file"), "text/csv", content.encode()),)

    def held(self) -> Lines:
        """For the data manager: rules that suddenly failed on so many rows that only a release shows it to others."""
        say = self.wording
        floods = self.night.floods if self.is_manager else ()
        lines = (
            say(
                "flood_line",
                rule=self.shown.problem(one.rule_id),
                id=one.rule_id,
                n=one.opened,
                checked=one.checked,
            )
            for one in floods
        )
        return Lines(say("heading_held"), tuple(lines))

    def unjudged(self, known_rules: frozenset[str]) -> Lines:
        """For the data manager: rules without a judgement, and rules that left the study with findings open."""
        say = self.wording
        orphans = Counter(one.rule_id for one in self.mine.open_now if one.rule_id not in known_rules)
        off = self.night.switched_off
        reasons = {rule_id: self.reason(why) for rule_id, why in self.night.unjudged.items() if rule_id not in off} | {
            rule_id: say("unjudged_unknown", n=count) for rule_id, count in orphans.items()
        }
        shown = reasons if self.recipient.role == DATA_MANAGER else {}
        lines = [
            say("unjudged_line", rule=self.shown.rule_title(rule_id), reason=shown[rule_id])
            for rule_id in sorted(shown)
        ]
        return capped(lines, SHOWN_UNJUDGED, say, "heading_unjudged")

    def switched_off(self) -> Lines:
        """For the data manager, every night: which rules are switched off, until when, and what they leave open."""
        say, off = self.wording, self.night.switched_off if self.is_manager else frozenset()
        open_by_rule = Counter(one.rule_id for one in self.part.seen.open_now if one.rule_id in off)
        lines = (
            say(
                "off_line",
                rule=self.shown.rule_title(rule_id),
                reason=self.reason(self.night.unjudged[rule_id]),
                n=open_by_rule[rule_id],
            )
            for rule_id in sorted(off)
        )
        return Lines(say("heading_off", n=len(off)), tuple(lines))

    def footer(self, *, synthetic: bool) -> tuple[str, ...]:
        """How far the night can be believed, and what mails of this study do not have."""
        say, night = self.wording, self.night
        lines = [say("coverage", judged=night.judged, known=night.known)] if night.known else []
        last = night.last_complete
        lines.append(
            say("last_complete", when=hour_of(last.astimezone(self.now.tzinfo))) if last else say("first_round")
        )
        named = "records_named" if self.shown.names_records else "records_hidden"
        notes = [in_language(one, self.recipient.language) for one in night.notes]
        mode = [*notes, say(named)] if night.first_mail else []
        changed = [say("renamed", n=night.renamed)] if night.renamed else []
        if night.visits_removed and self.recipient.role == DATA_MANAGER:
            visits = ", ".join(f"{visit} ({count})" for visit, count in night.visits_removed.items())
            changed.append(say("visits_removed", visits=visits))
        year = self.part.due.year_not_final(self.mine.open_now)
        calendar = [say("calendar_ends", year=year)] if year else []
        return (*changed, *lines, *calendar, say("footer"), *mode, *([say("synthetic")] if synthetic else []))
