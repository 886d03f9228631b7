"""The digests of a run: what changed, for each person."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from nightround.digests.notice import RunSummary, unjudged_of
from nightround.digests.notifying import ListFolder, Notifier
from nightround.digests.reader_news import Agreed
from nightround.digests.templates import load_digest_templates
from nightround.findings.lineage import final_names
from nightround.model.attached_file import AttachedFile
from nightround.model.errors import StudyFilesWrong
from nightround.model.language import Language
from nightround.model.snapshot import Snapshot
from nightround.night.digest_worklists import worklists_of
from nightround.night.flood_step import end_empty_floods, held_floods
from nightround.night.member_groups import members
from nightround.night.night_doubts import doubts_said
from nightround.night.outbox_step import Sending, send_messages
from nightround.night.recorder import Recorder
from nightround.night.removed_visits import visits_removed_since_last
from nightround.night.renamed_records import renamed_since_last
from nightround.night.round import NIGHTLY, Round
from nightround.store.run_rows import Ended
from nightround.validation.run import Validation
from redcap_sync.messages import Message

log = logging.getLogger(__name__)


def send_digests(
    facts: Round,
    recorder: Recorder,
    snapshot: Snapshot,
    validation: Validation,
    *,
    complete: bool,
    overview: Mapping[Language, AttachedFile],
) -> Sending:
    """Write for each person what changed since their last digest, and send it with whatever still waits."""
    settings, templates, store = facts.study.settings, facts.content.templates, recorder.store
    last = store.last_complete(facts.study.id, NIGHTLY)
    readers = members(settings, snapshot, lambda: facts.connect().users())
    pages = settings.links.base_url
    floods = end_empty_floods(facts, store)
    rules = {rule.id: rule for rule in validation.rules}
    places = facts.places(snapshot.dictionary, snapshot.redcap_version, snapshot.groups)
    teller = Notifier(
        study=facts.study.id,
        title=settings.study.title.words(),
        rules=rules,
        recipients=[one.recipient for one in readers],
        channels=facts.outgoing.channels,
        places=places,
        templates=load_digest_templates(templates / "digest", templates / facts.study.id / "digest"),
        agreed=Agreed(
            short=settings.study.short_name,
            due=settings.due,
            list_page=f"{pages}/studies/{facts.study.id}/findings" if pages else "",
            back_since=store.back_since(facts.study.id),
        ),
        lists=ListFolder(facts.run_folder, facts.folder),
        group_trouble={one.recipient.address: one.trouble for one in readers if one.trouble},
        floods=floods,
        synthetic=settings.study.synthetic,
        overview=overview,
        worklists=worklists_of(facts, store, rules, places),
    )
    night = RunSummary.of(
        validation.outcomes,
        validation.coverage,
        complete=complete,
        doubtful=bool(validation.doubts),
        trouble=tuple(doubts_said(validation.doubts, log_read=snapshot.log_read)),
        notes=() if snapshot.log_read else (Message.of("doubts.no_log"),),
        renamed=len(final_names(renamed_since_last(facts, store, snapshot))),
        visits_removed=visits_removed_since_last(facts, store, snapshot),
        unjudged_before=unjudged_of(store.outcomes_before(facts.study.id, NIGHTLY, facts.run_id)),
        done=[one.name for one in recorder.steps if one.ended is Ended.DONE],
        failed={one.step: one.reason.part("what") for one in recorder.failures},
        lost=tuple(one.started_at for one in store.lost_runs(facts.study.id, facts.job)),
        last_complete=last.started_at if last else None,
        judgements=recorder.unjudged,
        floods=held_floods(floods, facts.run_id),
    )
    if store.count_runs(facts.study.id, NIGHTLY, up_to=facts.run_id) == 1:
        _say_mode(names_records=settings.study.record_id_in_messages)
    teller.write(store, facts.run_id, night, facts.hospital_time)
    return send_messages(facts.outgoing, store, facts.run_id)


def _say_mode(*, names_records: bool) -> None:
    """Say once, in the first round, whether mails name records."""
    if names_records:
        log.info("mails and links of this study name records: record_id_in_messages = true")
    else:
        log.info(
            "mails of this study name no record: record_id_in_messages = false; "
            "for who may read its data folder: nightround finding STUDY ID"
        )


def require_some_delivered(sending: Sending) -> None:
    """Raise StudyFilesWrong where no message got through and nobody could be informed: such a night reached nobody."""
    if sending.reached_nobody:
        last = sending.sent[-1].message
        raise StudyFilesWrong("digest.none_delivered", count=len(sending.sent), reason=last.said)
