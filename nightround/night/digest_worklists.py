"""Worklists that go with digests: of what waits for their reader, with records, and so only where records may go."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from nightround.digests.reader_worklist import ReaderWorklist, Worklists
from nightround.findings.worklist_lines import lines_for
from nightround.findings.worklist_sheet import MOST_WRITTEN, write_sheet
from nightround.model.attached_file import XLSX, AttachedFile
from nightround.model.finding import Finding
from nightround.model.links import Places
from nightround.model.recipient import Recipient
from nightround.model.rule import Rule
from nightround.night.report_delivery import takes_attachments
from nightround.night.round import Round
from nightround.night.worklist_step import due_dates_of
from nightround.store.database import Store

log = logging.getLogger(__name__)

FILE = "worklist.xlsx"


def worklists_of(facts: Round, store: Store, rules: Mapping[str, Rule], places: Places) -> Worklists:
    """What makes the worklists of a night. A line names its record and leads to its page, whatever mails may name."""
    named = replace(places, record_id_allowed=True)

    def made(reader: Recipient, channel: str, waiting: Sequence[Finding]) -> ReaderWorklist | None:
        versions, due = store.versions(facts.study.id), due_dates_of(facts, store)
        if unread := sum(one.id not in versions for one in waiting):
            log.warning("no worklist for %s: the values of %d findings are sealed", reader.role, unread)
            return None
        lines = lines_for(waiting, versions, rules, named, {one.id: due.due_on(one) for one in waiting})
        if not lines:
            return None
        content = write_sheet(facts.study.id, lines[:MOST_WRITTEN], named, reader.language, whom=reader.role)
        return ReaderWorklist(AttachedFile(FILE, XLSX, content), attached=_may_go(facts, reader, channel))

    return made


def _may_go(facts: Round, reader: Recipient, channel: str) -> bool:
    """Whether a file that names records may go with a message: in a mail, of a study that allows it or encrypted."""
    allowed = facts.study.settings.study.record_id_in_messages or reader.certificate is not None
    return allowed and takes_attachments(facts.outgoing, channel)
