"""What a digest says, to whom, and when it says nothing."""

import csv
import html
import io
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from nightround.digests.compose import digest, private_list
from nightround.digests.digest_writer import SHOWN_NEW, SHOWN_WEEKLY
from nightround.digests.failed_round import FailedRound, StepDone, failure_notice
from nightround.digests.floods import FloodSeen, FloodSince
from nightround.digests.notice import NightState, Notice, RunSummary, unjudged_of
from nightround.digests.pages import SHOWN_OF_GROUP
from nightround.digests.reader_news import Agreed
from nightround.digests.templates import load_digest_templates
from nightround.model.doubts import Unjudged
from nightround.model.errors import StudyFilesWrong
from nightround.model.finding import FindingState, LedgerDelta, Resolution
from nightround.model.language import Words
from nightround.model.links import Places
from nightround.model.outcome import Coverage, Status
from nightround.model.recipient import Recipient
from nightround.model.rule import Severity
from nightround.study.alert_tables import DueStep, DueTable
from redcap_sync.errors import RedcapUnreachable
from redcap_sync.messages import Message
from tests.made_findings import made_finding, made_outcome, made_row, made_rule, night

FOLDER = Path(__file__).parents[2] / "report_templates" / "digest"
TEMPLATES = load_digest_templates(FOLDER)
TUESDAY = datetime(2025, 5, 20, 10, 30, tzinfo=timezone(timedelta(hours=8)))
MONDAY = TUESDAY - timedelta(days=1)
WHOLE = RunSummary(NightState.WHOLE, known=18, judged=18)
FAILED = FailedRound([RedcapUnreachable("api.busy", status=503)], "pull", undone=["pull", "validate"])
COORDINATOR = Recipient("coordinator", "crc@hospital.example", "en", ("coordinator",))
MANAGER = Recipient("data_manager", "dm@hospital.example", "en", ("coordinator", "data_manager"))
PLACES = Places(
    "https://redcap.hospital.example", "15.0.5", 128, record_id_allowed=True, event_ids={"month_6_arm_1": 4}
)
NEW = LedgerDelta(opened=(made_finding(),))


def told(delta: LedgerDelta, **other: Any) -> Notice | None:
    """Compose a digest for the coordinator on a Tuesday after a whole night."""
    settings: dict[str, Any] = {
        "night": WHOLE,
        "rules": {"VIL-01": made_rule()},
        "recipient": COORDINATOR,
        "places": PLACES,
        "templates": TEMPLATES,
        "now": TUESDAY,
    }
    return digest(Words("题目", "A study"), delta, **(settings | other))


def notice_of(delta: LedgerDelta, **other: Any) -> Notice:
    """A digest that must be made."""
    notice = told(delta, **other)
    assert notice is not None
    return notice


def findings_of(count: int, **other: Any) -> tuple[Any, ...]:
    """Findings on as many records."""
    return tuple(made_finding(row=made_row(str(1000 + number)), **other) for number in range(count))


def test_nothing_is_sent_when_nothing_changed() -> None:
    """Old findings alone are no news on a Tuesday."""
    assert told(LedgerDelta(persisting=(made_finding(),))) is None


def test_a_digest_is_sent_on_mondays_whatever_happened() -> None:
    """Silence must be told from a service that died."""
    notice = notice_of(LedgerDelta(persisting=(made_finding(),)), now=MONDAY)
    assert "This mail is sent every Monday to show that the round is running." in notice.text
    assert "nothing new, 1 still open" in notice.subject
    assert "sent every Monday" not in notice_of(NEW, now=MONDAY).text


def test_each_person_hears_of_their_own_findings_only() -> None:
    """A finding of another owner changes neither the mail nor its counts."""
    both = replace(NEW, resolved=(made_finding("VIL-02", owner="data_manager", state=FindingState.RESOLVED),))
    assert notice_of(both).counts == {"opened": 1, "reopened": 0, "resolved": 0, "open": 1}
    assert told(replace(both, opened=())) is None


def test_a_failed_night_is_told_to_the_data_manager_first_thing() -> None:
    """The headline says it, before anything else, and then why, what was not done and when all was well."""
    notice = failure_notice(Words("题目", "A <b>"), FAILED, recipient=MANAGER, now=TUESDAY, synthetic=True)
    assert notice.subject == "A <b>: The round was not completed"
    assert notice.text.splitlines()[2] == "The round was not completed"
    assert "Reason: REDCap answered with status 503." in notice.text
    assert "Not done: pull of the data; judging of the rules." in notice.text
    assert "There has been no complete round yet." in notice.text
    assert "<b>" not in notice.html
    for line in notice.text.split("\n\n"):
        assert html.escape(line.strip()) in notice.html


def test_a_failure_after_the_findings_are_up_to_date_does_not_deny_it() -> None:
    """What was done is said as done, in the reader's language, with what the step noted."""
    note = Message.of("step.reconcile", opened=3, resolved=1)
    late = replace(FAILED, stopped_at="alert", done=[StepDone("reconcile", note)], undone=["alert"])
    reader = replace(MANAGER, language="zh")
    notice = failure_notice(Words("题目", "A"), late, recipient=reader, now=TUESDAY, synthetic=False)
    assert "问题已更新" in notice.subject
    assert "更新问题（新增 3 个问题，解决 1 个）" in notice.text
    assert "没有新增或关闭任何问题" not in notice.text
    assert (
        "No finding was opened or closed"
        in failure_notice(Words("题目", "A"), FAILED, recipient=MANAGER, now=TUESDAY, synthetic=False).text
    )


def test_a_step_that_the_run_went_on_without_is_news_for_the_data_manager() -> None:
    """The digest says what was not done, why, and what was; the weekly sign of life is not in it."""
    late = replace(WHOLE, failed={"report": Message.of("night.no_plan.what")}, done=("pull", "reconcile"))
    assert told(LedgerDelta(), night=late) is None
    notice = notice_of(LedgerDelta(), night=late, recipient=MANAGER, now=MONDAY)
    assert "(not done: interim report)" in notice.subject
    assert "Not done: interim report. Reason: The study has no analysis plan" in notice.text
    assert "Done: pull of the data, update of the findings." in notice.text
    assert "sent every Monday" not in notice.text


def test_a_round_that_never_ended_and_the_last_complete_one_are_named() -> None:
    """A killed night is news for the data manager; every digest says when all was well, on the study's clock."""
    before = replace(WHOLE, lost=(TUESDAY - timedelta(days=1),), last_complete=TUESDAY - timedelta(days=2))
    text = notice_of(LedgerDelta(), night=before, recipient=MANAGER).text
    assert "The round that began at 2025-05-19 10:30 UTC+08:00 never ended" in text
    assert "The last complete round before this one was at 2025-05-18 10:30 UTC+08:00." in text
    assert "No round before this one was complete." in notice_of(NEW).text


def test_a_night_is_whole_only_when_data_and_rules_are() -> None:
    """Missing data or a rule without an outcome both make it incomplete."""
    outcomes = [
        made_outcome(),
        replace(made_outcome("B", status=Status.NOT_EVALUATED), reason=Message.of("outcome.no_row")),
    ]
    coverage = Coverage(known=("B", "VIL-01"), counts={}, unaccounted=(), reasons={})
    assert RunSummary.of(outcomes, coverage, complete=True) == RunSummary(
        NightState.WHOLE, known=2, judged=1, unjudged={"B": Message.of("outcome.no_row")}
    )
    assert RunSummary.of(outcomes, coverage, complete=False).state is NightState.INCOMPLETE
    red = RunSummary.of(outcomes, replace(coverage, known=("B", "C", "VIL-01"), unaccounted=("C",)), complete=True)
    assert (red.state, red.judged, red.unaccounted) == (NightState.INCOMPLETE, 1, ("C",))
    assert "Rules without any outcome: C" in notice_of(NEW, night=red).text


def test_a_rule_that_breaks_is_news_once_and_for_the_data_manager() -> None:
    """A rule that could not be judged is reported when it happens, not again every morning, and to who can fix it."""
    broken = replace(WHOLE, unjudged=unjudged_of([made_outcome(status=Status.NOT_EVALUATED)]))
    known = replace(broken, unjudged_before=frozenset(broken.unjudged))
    assert "Rules that could not be judged" in notice_of(LedgerDelta(), night=broken, recipient=MANAGER).text
    assert told(LedgerDelta(), night=broken) is None
    assert told(LedgerDelta(), night=known, recipient=MANAGER) is None
    assert "could not be judged" in notice_of(NEW, night=known, recipient=MANAGER).text
    assert "could not be judged" not in notice_of(NEW, night=broken).text


def test_long_lists_are_cut_with_the_worst_kept() -> None:
    """The mail stays short and says how much it left out; every critical finding is in it."""
    single = tuple(made_finding(f"R-{number}", made_row(str(1000 + number))) for number in range(40))
    worst = tuple(made_finding(f"C-{n}", made_row(f"9{n:03}"), severity=Severity.CRITICAL) for n in range(3))
    text = notice_of(LedgerDelta(opened=(*single, *worst))).text
    assert text.count("- [") == SHOWN_NEW
    assert text.count("- [critical]") == 3
    assert f"and {43 - SHOWN_NEW} more" in text
    assert text.index("Record 9000") < text.index("Record 1000")


def test_many_findings_of_one_rule_are_one_block_with_the_whole_list_attached() -> None:
    """Forty new findings of a rule are one paragraph with three links, and every one is in the list."""
    notice = notice_of(LedgerDelta(opened=findings_of(40)))
    assert notice.text.count("- [major]") == 1
    assert "The same finding in 40 records, 40 in all" in notice.text
    assert notice.text.count("Open in REDCap: ") == SHOWN_OF_GROUP
    assert "All 40 open findings for you to correct or follow up are in the attached list." in notice.text
    (attached,) = notice.attachments
    rows = list(csv.DictReader(io.StringIO(attached.content.decode("utf-8-sig"))))
    assert len(rows) == 40
    assert {row["link"] for row in rows} == {PLACES.link(one, made_rule()) for one in findings_of(40)}


def test_a_page_with_all_findings_takes_the_place_of_the_attachment() -> None:
    """Where Nightround's pages have an address, the mail links to the list."""
    agreed = Agreed(list_page="https://nightround.hospital.example/studies/s/findings")
    notice = notice_of(LedgerDelta(opened=findings_of(40)), agreed=agreed)
    assert notice.attachments == ()
    assert "on this page: https://nightround.hospital.example/studies/s/findings" in notice.text


@given(
    st.lists(st.tuples(st.sampled_from(["A", "B", "C"]), st.booleans(), st.integers(0, 99)), max_size=60), st.booleans()
)
def test_every_critical_finding_of_a_reader_is_listed_with_its_link(
    made: list[tuple[str, bool, int]],
    is_old: bool,  # noqa: FBT001 - what Hypothesis draws
) -> None:
    """However many there are, of whatever rules, new or old."""
    found = [
        made_finding(rule, made_row(str(record)), severity=Severity.CRITICAL if bad else Severity.MAJOR)
        for rule, bad, record in made
    ]
    by_id = {one.id: one for one in found}.values()
    delta = LedgerDelta(persisting=tuple(by_id)) if is_old else LedgerDelta(opened=tuple(by_id))
    rules = {name: made_rule(name) for name in "ABC"}
    notice = notice_of(delta, rules=rules, now=MONDAY)
    links = notice.text.split()
    for one in by_id:
        if one.severity is Severity.CRITICAL:
            assert PLACES.link(one, rules[one.rule_id]) in links


def test_an_advice_is_given_once_a_mail() -> None:
    """Ten findings of one rule do not repeat one sentence ten times."""
    assert notice_of(LedgerDelta(opened=findings_of(10))).text.count("Add up the paper score sheet again.") == 1


def test_records_are_in_the_order_people_count() -> None:
    """Record 999 comes before record 1000, and a lettered one last."""
    records = ["1000", "A-1", "999"]
    delta = LedgerDelta(opened=tuple(made_finding(row=made_row(record)) for record in records))
    assert re.findall(r"^Record (.+)$", notice_of(delta).text, re.MULTILINE) == ["999", "1000", "A-1"]


def test_open_findings_are_named_with_their_age_on_mondays() -> None:
    """What was told before and is still there is one line each, the oldest first; the rest is in the attached list."""
    old = tuple(
        made_finding(row=made_row(str(1000 + number)), opened_at=MONDAY - timedelta(days=number))
        for number in range(30)
    )
    notice = notice_of(replace(NEW, persisting=old), now=MONDAY)
    ages = re.findall(r"open (for \d+ days?|since today)", notice.text)
    assert ages == [f"for {days} days" for days in range(29, 4, -1)]
    assert len(ages) == SHOWN_WEEKLY
    assert "and 5 more" in notice.text
    assert notice.attachments
    young = notice_of(replace(NEW, persisting=old[:2]), now=MONDAY).text
    assert re.findall(r"open (for \d+ days?|since today)", young) == ["for 1 day", "since today"]


def test_what_was_listed_before_is_not_listed_again_the_next_day() -> None:
    """On other days than Monday older findings are one line, with the whole list; critical ones have their link."""
    last = replace(WHOLE, notified_at=TUESDAY - timedelta(days=1))
    fresh = TUESDAY - timedelta(days=3)
    old = findings_of(12, opened_at=fresh)
    critical = made_finding("C", severity=Severity.CRITICAL, opened_at=fresh)
    notice = notice_of(LedgerDelta(opened=(made_finding("N"),), persisting=(*old, critical)), night=last)
    assert "12 older ones, which are listed again on Monday" in notice.text
    assert notice.text.count("Open in REDCap: ") == 2
    assert PLACES.link(critical, None) in notice.text.split()
    (attached,) = notice.attachments
    assert len(list(csv.DictReader(io.StringIO(attached.content.decode("utf-8-sig"))))) == 14
    one_left = notice_of(LedgerDelta(opened=(made_finding("N"),), persisting=old[:1]), night=last)
    assert "1 older one, which" in one_left.text


def test_a_due_date_that_passed_is_said_once() -> None:
    """The first mail after it lists the finding, with the whole list of what is overdue; the next one does not."""
    late = made_finding(
        "L", made_row("2000"), opened_at=TUESDAY - timedelta(days=15)
    )  # a Monday: ten working days end on this Monday
    delta = LedgerDelta(opened=(made_finding("N"),), persisting=(late,))
    first = notice_of(delta, night=replace(WHOLE, notified_at=TUESDAY - timedelta(days=4)))
    assert PLACES.link(late, None) in first.text.split()
    second = notice_of(delta, night=replace(WHOLE, notified_at=TUESDAY), now=TUESDAY + timedelta(days=1))
    assert PLACES.link(late, None) not in second.text.split()


def test_a_removed_row_is_not_called_a_correction() -> None:
    """Closed findings say when something else than a correction closed them."""
    gone = made_finding(state=FindingState.RESOLVED, resolved_at=night(2), resolution=Resolution.ROW_REMOVED)
    assert "its items: 1 (1 because the row was removed)" in notice_of(LedgerDelta(resolved=(gone,))).text


def test_record_ids_are_hidden_unless_the_study_allows_them() -> None:
    """Neither text, HTML nor links name the record; the finding's own number stands instead."""
    hidden = made_finding(row=made_row("CANARY-7Q"))
    delta = LedgerDelta(opened=(hidden,), reopened=(hidden,), persisting=(hidden,))
    closed = notice_of(delta, places=replace(PLACES, record_id_allowed=False))
    assert "CANARY-7Q" not in closed.subject + closed.text + closed.html
    assert f"Finding {hidden.id[:8]}" in closed.text
    assert "CANARY-7Q" in notice_of(delta).text


def test_html_and_text_tell_the_same() -> None:
    """Every line of the plain text is in the HTML page too."""
    delta = LedgerDelta(
        opened=findings_of(30),
        resolved=(made_finding("X", state=FindingState.RESOLVED, resolution=Resolution.FIXED),),
        persisting=(made_finding("OLD-9", made_row("7")),),
    )
    incomplete = replace(
        WHOLE,
        state=NightState.INCOMPLETE,
        trouble=(Message.of("pull.records_missing.what", asked=72, given=70, missing=2),),
        unjudged={"B": Message.of("outcome.no_row")},
    )
    notice = notice_of(delta, night=incomplete, recipient=MANAGER, synthetic=True)
    shown = html.unescape(re.sub(r"<[^>]+>", " ", notice.html))
    links = set(re.findall(r'href="([^"]+)"', html.unescape(notice.html)))
    for line in notice.text.splitlines():
        words = re.findall(r"\w+", line.split("http")[0].removesuffix(": "))
        assert re.search(r"\W+".join(map(re.escape, words)), shown), line
    assert links == set(re.findall(r"https?://\S+", notice.text))


def test_text_from_rule_files_cannot_become_markup() -> None:
    """A title or label with angle brackets is shown as it is written."""
    rules = {"VIL-01": made_rule(title=Words("<b>甲</b>", "<script>x</script> & more"))}
    places = replace(PLACES, instruments={"villalta": '"><img src=x>'})
    page = notice_of(NEW, rules=rules, places=places).html
    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;script&gt;x&lt;/script&gt; &amp; more" in page


def test_a_subject_is_one_line() -> None:
    """A title over two lines cannot add a header to the mail."""
    title = Words("甲", "A study\r\nBcc: everyone@hospital.example")
    notice = digest(
        title,
        NEW,
        night=WHOLE,
        rules={},
        recipient=COORDINATOR,
        places=PLACES,
        templates=TEMPLATES,
        now=TUESDAY,
    )
    assert notice is not None
    assert notice.subject == "A study Bcc: everyone@hospital.example: 1 record to correct – 1 new"


def test_a_finding_is_shown_as_the_problem_that_its_rule_names() -> None:
    """The mail says what is wrong, and not what should hold."""
    rule = replace(made_rule("VIL-01"), problem=Words("未填写", "Villalta total is blank"))
    notice = notice_of(NEW, rules={"VIL-01": rule})
    assert "Villalta total is blank" in notice.text
    assert rule.title.en not in notice.text


def test_a_study_may_replace_single_words_of_its_mails(tmp_path: Path) -> None:
    """Its words.toml goes before ours, word by word."""
    (tmp_path / "words.toml").write_text('heading_new = { zh = "新质疑", en = "New queries" }\n', encoding="utf-8")
    notice = notice_of(NEW, templates=load_digest_templates(FOLDER, tmp_path))
    assert "New queries (1)" in notice.text
    assert TEMPLATES.wording["en"]("figure_open") in notice.text + notice.html


def test_a_word_missing_in_one_language_is_found_when_the_templates_are_read(tmp_path: Path) -> None:
    """A half translated digest never reaches a mailbox."""
    (tmp_path / "words.toml").write_text('a = { zh = "甲", en = "x" }\nb = { en = "y" }\n', encoding="utf-8")
    with pytest.raises(StudyFilesWrong, match=r"one language only: b\."):
        load_digest_templates(tmp_path)


def test_both_languages_fill_in_the_same_facts() -> None:
    """A translation that forgets a number is found."""
    for key, english in TEMPLATES.wording["en"].texts.items():
        chinese = TEMPLATES.wording["zh"].texts[key]
        assert set(re.findall(r"{\w+}", english)) - {"{n}"} == set(re.findall(r"{\w+}", chinese)) - {"{n}"}, key


def test_a_template_that_names_an_unknown_part_fails() -> None:
    """A misspelt name in a template is an error, not a blank."""
    with pytest.raises(UndefinedError):
        TEMPLATES.environment.from_string("{{ page.no_such_part }}").render(page=WHOLE)


def test_a_subject_begins_with_the_short_name_and_the_work() -> None:
    """Who reads it on a phone sees which study, how many records and how bad it is."""
    worst = made_finding("C", made_row("7"), severity=Severity.CRITICAL)
    agreed = Agreed(short=Words("静脉闭塞", "VOC"))
    delta = LedgerDelta(
        opened=(worst, made_finding("A", made_row("7"))), persisting=(made_finding("A", made_row("8")),)
    )
    assert notice_of(delta, agreed=agreed).subject == "VOC: 2 records to correct (1 critical) – 2 new"
    chinese = notice_of(delta, agreed=agreed, recipient=replace(COORDINATOR, language="zh"))
    assert chinese.subject == "静脉闭塞：2 条记录待处理（严重 1 项） – 新发现 2 项"


def test_a_mail_gives_the_totals_of_the_study_then_mine() -> None:
    """Who owns nothing reads how much is open, and which of it is critical; only an empty study has nothing open."""
    reader = Recipient("principal_investigator", "pi@hospital.example", "en", ())
    worst = made_finding("C", made_row("7"), severity=Severity.CRITICAL)
    delta = LedgerDelta(persisting=(worst, *findings_of(7)))
    notice = notice_of(delta, recipient=reader, now=MONDAY)
    assert "8 open in the study (1 critical), none yours." in notice.text
    assert "nothing new, 8 open, none yours" in notice.subject
    assert PLACES.link(worst, None) in notice.text.split()
    empty = notice_of(LedgerDelta(), recipient=reader, now=MONDAY)
    assert "nothing new, nothing open" in empty.subject
    assert "Nothing is open in the study." in empty.text


def test_a_critical_finding_comes_back_every_working_day_until_it_is_answered() -> None:
    """On a working day its owner gets a mail though nothing changed; on a Sunday or a holiday nobody does."""
    old = LedgerDelta(persisting=(made_finding(severity=Severity.CRITICAL),))
    china = Agreed(due=DueTable(country="CN"))
    assert told(old) is not None
    assert told(old, now=TUESDAY - timedelta(days=2)) is None
    assert told(old, now=TUESDAY.replace(month=10, day=1), agreed=china) is None
    assert told(old, now=TUESDAY.replace(month=9, day=28), agreed=china) is not None  # a Sunday that is worked


def test_what_is_overdue_is_passed_on_once_it_is() -> None:
    """The role that the study names gets a mail when the day has passed, and every working day where it is critical."""
    reader = Recipient("principal_investigator", "pi@hospital.example", "en", ())
    table = DueTable(major=DueStep(days=2, then=("principal_investigator",)))
    late = LedgerDelta(persisting=(made_finding(opened_at=TUESDAY - timedelta(days=5)),))  # a Thursday: due on Monday
    last_night = replace(WHOLE, notified_at=TUESDAY - timedelta(days=1))
    notice = notice_of(late, recipient=reader, agreed=Agreed(due=table), night=last_night)
    assert "Overdue with others" in notice.text
    assert "overdue (was due 2025-05-19)" in notice.text
    settled = replace(WHOLE, notified_at=TUESDAY)
    assert (
        told(late, recipient=reader, agreed=Agreed(due=table), night=settled, now=TUESDAY + timedelta(days=1)) is None
    )
    assert told(late, recipient=replace(reader, role="coordinator"), agreed=Agreed(due=table), night=last_night) is None


def test_a_due_date_past_what_the_calendar_knows_says_so() -> None:
    """Due in a year whose moved days are not announced, the mail says what the date rests on."""
    december = datetime(2026, 12, 30, 9, tzinfo=TUESDAY.tzinfo)
    fresh = LedgerDelta(opened=(made_finding(opened_at=december),))
    text = notice_of(fresh, now=december, agreed=Agreed(due=DueTable(country="CN"))).text
    assert "Due: 2027-01-14" in text
    assert "Which working days of 2027 are moved is not announced yet" in text
    assert "not announced" not in notice_of(NEW).text


def test_a_night_that_judged_too_little_says_so_in_every_subject() -> None:
    """59 of 65 rules: no mail is headed 'nothing new' alone, and the data manager gets one every night."""
    red = replace(WHOLE, judgements=Unjudged(59, 65, 0, 65))
    notice = notice_of(LedgerDelta(), night=red, recipient=MANAGER)
    assert "59 of 65 rules could not be judged; nothing new, nothing open" in notice.subject
    assert "no news does not mean that all is well" in notice.text
    assert "59 of 65 rules could not be judged" in notice_of(NEW, night=red).subject
    few = replace(WHOLE, judgements=Unjudged(6, 65, 0, 65))
    assert told(LedgerDelta(), night=few, recipient=MANAGER) is None


def test_rules_that_are_switched_off_are_counted_for_the_data_manager() -> None:
    """Every mail of theirs says which, until when, and how much stays open; the others' mails do not repeat it."""
    why = Message.of("outcome.switched_off", until="2025-06-01", reason="new assay")
    off = replace(
        WHOLE, unjudged={"VIL-01": why}, unjudged_before=frozenset({"VIL-01"}), switched_off=frozenset({"VIL-01"})
    )
    delta = LedgerDelta(opened=(made_finding("B", made_row("9")),), untouched=findings_of(3))
    known = {"VIL-01": made_rule(), "B": made_rule("B")}
    text = notice_of(delta, night=off, recipient=MANAGER, rules=known).text
    assert "Rules switched off: 1" in text
    assert "it is switched off until 2025-06-01: new assay; findings left open: 3" in text
    assert "Rules that could not be judged" not in text
    assert "4 open in the study, 1 yours." in text
    assert "3 of them are of rules that are switched off" in text
    assert "Rules switched off" not in notice_of(delta, night=off).text


def test_a_member_of_a_group_sees_that_group_only() -> None:
    """Counts, lists and the other rows of a group of rows: nothing of another group's record is in the mail."""
    groups = {"1001": "site_a", "1002": "site_b"}
    places = replace(PLACES, groups=groups, group_labels={"site_a": "North", "site_b": "South"})
    member = replace(COORDINATOR, groups=frozenset({"site_a"}))
    shared = replace(made_finding("DUP", made_row("1002")), others=(made_row("1001"),))
    delta = LedgerDelta(
        opened=(made_finding(), made_finding(row=made_row("1002")), made_finding(row=made_row("1003")), shared),
        persisting=(made_finding("C", made_row("1002"), severity=Severity.CRITICAL),),
    )
    notice = notice_of(delta, places=places, recipient=member)
    assert "2 open in your group, all yours." in notice.text
    assert "Record 1001 · North" in notice.text
    for other in ("1002", "1003", "South"):
        assert other not in notice.text + notice.html
    unknown = replace(COORDINATOR, groups=frozenset())
    trouble = (Message.of("digest.groups.not_exported", role="coordinator"),)
    closed = notice_of(delta, places=places, recipient=unknown, night=replace(WHOLE, group_trouble=trouble), now=MONDAY)
    assert "The token may not export data access groups" in closed.text
    assert "Record" not in closed.text.replace("records", "")


def test_a_mail_says_what_to_look_at_in_which_arm() -> None:
    """Every field that may be the wrong one is named by its label, and the visit with its arm."""
    rule = replace(made_rule(), involved=("ulcer",))
    places = replace(
        PLACES,
        events={"month_6_arm_1": "Month 6"},
        arms={"month_6_arm_1": "Balloon"},
        fields={"villalta_total": "Villalta 总分 Villalta total", "ulcer": "溃疡 Ulcer"},
    )
    text = notice_of(NEW, places=places, rules={"VIL-01": rule}).text
    assert "Look at: Villalta total, Ulcer" in text
    assert "Balloon · Month 6" in text


def test_the_list_beside_a_mail_that_names_no_record_has_record_and_page() -> None:
    """The mail has the finding's number and says where the list is; the list has the rest, of this reader alone."""
    hidden = replace(PLACES, record_id_allowed=False)
    other = made_finding("X", made_row("88"), owner="data_manager")
    agreed = Agreed(private_list="runs/00012/list_2_coordinator.csv")
    facts: dict[str, Any] = {"places": hidden, "agreed": agreed}
    notice = notice_of(replace(NEW, persisting=(other,)), **facts)
    assert "list_2_coordinator.csv" in notice.text
    text = private_list(
        replace(NEW, persisting=(other,)),
        night=WHOLE,
        rules={"VIL-01": made_rule()},
        recipient=COORDINATOR,
        templates=TEMPLATES,
        now=TUESDAY,
        **facts,
    )
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert row["finding"].startswith(made_finding().id)
    assert "Record 1001" in row["where"]
    assert "id=1001" in row["link"]


def flood(*opened: Any, held: bool, **other: Any) -> FloodSince:
    """A flood of rule VIL-01."""
    return FloodSince("VIL-01", held, LedgerDelta(opened=opened, **other))


def test_a_flood_is_shown_to_the_data_manager_alone_until_it_is_released() -> None:
    """Of 40 new findings of one rule a coordinator hears a number and the critical ones; after the release all."""
    worst = made_finding(row=made_row("9999"), severity=Severity.CRITICAL)
    many = findings_of(40)
    delta = LedgerDelta(opened=(*many, worst, made_finding("B", made_row("5"))))
    held = [flood(*many, worst, held=True)]
    text = notice_of(delta, floods=held).text
    assert "42 open in the study (1 critical), 2 yours (1 critical)." in text
    assert "40 more of yours come from a rule that suddenly found very many" in text
    assert PLACES.link(worst, None) in text.split()
    assert "Record 1000" not in text
    night = replace(WHOLE, floods=(FloodSeen("VIL-01", 41, 90),))
    manager = notice_of(
        LedgerDelta(persisting=many), night=night, recipient=replace(MANAGER, owns=("data_manager",))
    ).text
    assert "41 new findings held back; nothing new" in manager
    assert "41 new findings in 90 rows. To release them: nightround notify STUDY --release VIL-01 --by WHO" in manager
    released = notice_of(LedgerDelta(persisting=many), floods=[flood(*many, held=False)])
    assert released.counts["opened"] == 40


def test_what_a_flood_opened_and_closed_unseen_is_no_news() -> None:
    """Who never heard of it is not told that it was closed; what was known before is."""
    done = [
        made_finding(row=made_row(str(n)), state=FindingState.RESOLVED, resolution=Resolution.FIXED) for n in (1, 2)
    ]
    ended = [flood(held=False, resolved=(done[0],))]
    assert notice_of(LedgerDelta(resolved=tuple(done)), floods=ended).counts["resolved"] == 1
