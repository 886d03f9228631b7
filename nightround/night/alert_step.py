"""The mails of a run: what changed, for each person, and the notice of a round that failed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from nightround.digests.channels.channel import Channel
from nightround.digests.notice import NightState, RunSummary, unjudged_of
from nightround.digests.notify import Delivery, Teller, tell_of_failure
from nightround.digests.templates import load_digest_templates
from nightround.findings.lineage import final_names
from nightround.model.snapshot import Snapshot
from nightround.night.pull_step import gone_unlogged
from nightround.night.renamed_records import renamed_since_last
from nightround.night.round import NIGHTLY, Round
from nightround.store.database import Store
from nightround.study.folder import Content
from nightround.study.settings import StudySettings
from nightround.validation.run import Validation
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message

log = logging.getLogger(__name__)


def send_digests(
    facts: Round, store: Store, snapshot: Snapshot, validation: Validation, *, complete: bool
) -> tuple[Delivery, ...]:
    """Mail each person what changed since their last digest."""
    settings, templates = facts.study.settings, facts.content.templates
    teller = Teller(
        study=facts.study.id,
        title=settings.study.title.words(),
        rules={rule.id: rule for rule in validation.rules},
        recipients=[person.recipient() for person in settings.people],
        channels=facts.channels,
        places=facts.places(snapshot.dictionary, snapshot.redcap_version),
        templates=load_digest_templates(templates / "digest", templates / facts.study.id / "digest"),
        synthetic=settings.study.synthetic,
    )
    night = RunSummary.of(
        validation.outcomes,
        validation.coverage,
        complete=complete,
        trouble=gone_unlogged(snapshot.unlogged),
        renamed=len(final_names(renamed_since_last(facts, store, snapshot))),
        unjudged_before=unjudged_of(store.outcomes_before(facts.study.id, NIGHTLY, facts.run_id)),
    )
    if store.count_runs(facts.study.id, NIGHTLY, up_to=facts.run_id) == 1:
        _say_mode(names_records=settings.study.record_id_in_messages)
    return _logged(teller.tell(store, facts.run_id, night, facts.hospital_time))


def _say_mode(*, names_records: bool) -> None:
    """Say once, in the first round, whether mails name records."""
    if names_records:
        log.info("mails and links of this study name records: record_id_in_messages = true")
    else:
        log.info(
            "mails of this study name no record: record_id_in_messages = false; "
            "for who may read its data folder: nightround finding STUDY ID"
        )


def send_failure_notice(
    settings: StudySettings, content: Content, channels: Sequence[Channel], error: ExplainedError, now: datetime
) -> tuple[Delivery, ...]:
    """Mail that a round did not come to its end. This needs nothing that may be what failed: no data and no rules."""
    night = RunSummary(state=NightState.FAILED, trouble=(error.part("what"), error.part("remedy")))
    return _logged(
        tell_of_failure(
            settings.study.title.words(),
            night,
            recipients=[person.recipient() for person in settings.people],
            channels=channels,
            templates=load_digest_templates(content.templates / "digest"),
            now=now,
            synthetic=settings.study.synthetic,
        )
    )


def delivered(deliveries: Sequence[Delivery]) -> Message:
    """How many digests were delivered, for the note of the step."""
    return Message.of("step.alert", delivered=sum(not one.trouble for one in deliveries), all=len(deliveries))


def _logged(deliveries: tuple[Delivery, ...]) -> tuple[Delivery, ...]:
    for delivery in deliveries:
        if delivery.trouble:
            log.error("the digest for %s: %s", delivery.notice.recipient.role, delivery.trouble)
    return deliveries
