"""How a run says that it failed: what is written down of the error, and the mail, which needs little more than it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from nightround.digests.failed_round import FailedRound
from nightround.digests.notifying import DirectDelivery, notify_of_failure
from nightround.digests.post_office import log_sent
from nightround.model.errors import RoundCrashed, RoundInterrupted
from nightround.night.disk_errors import disk_errors_explained
from nightround.night.outbox_step import OutboxFacts
from nightround.store.message_rows import MessageKind
from nightround.texts.text_gate import traceback_text
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message
from redcap_sync.private_files import write_private

log = logging.getLogger(__name__)


def explained(error: BaseException, traceback: Path, study: str) -> ExplainedError:
    """The error as it is mailed; of one that nobody foresaw only its kind, because its text may contain a value.

    The traceback of such a one goes into a private file, which the mail names.
    """
    if isinstance(error, ExplainedError):
        return error
    kind = type(error).__name__
    if not isinstance(error, Exception):
        return RoundInterrupted("night.interrupted", signal=kind, study=study)
    return RoundCrashed("night.crashed", error=kind, where=_kept_traceback(error, traceback))


def _kept_traceback(error: Exception, path: Path) -> Message:
    try:
        write_private(path, traceback_text(error).encode())
    except OSError:
        return Message.of("night.traceback.log")
    return Message.of("night.traceback.file", file=str(path))


def send_failure_notice(outgoing: OutboxFacts, failed: FailedRound, now: datetime) -> tuple[DirectDelivery, ...]:
    """Send that a round failed: to whom the settings name, by each channel of theirs, or by the next that works.

    It needs no data, rule or template, and no database.
    """
    study = outgoing.settings.study
    deliveries = notify_of_failure(
        study.title.words(),
        failed,
        recipients=outgoing.settings.recipients(),
        channels=outgoing.channels,
        now=now.astimezone(outgoing.zone),
        sleep=outgoing.sleep,
        synthetic=study.synthetic,
        short=study.short_name,
    )
    if not deliveries:
        log.error("nobody was notified: the study names nobody in [[people]]")
    for one in deliveries:
        log_sent(one.message(study=study.id, run_id=0, kind=MessageKind.FAILURE, now=now))
    return deliveries


def without_hiding_the_error(said: Callable[[], object]) -> None:
    """Say or write something of a failure; trouble with that must not hide the trouble that it is about."""
    try:
        with disk_errors_explained():
            said()
    except ExplainedError as second:
        log.error("the failure could not be written down or mailed: %s", second)  # noqa: TRY400 - no bug, no traceback
    except Exception:
        log.exception("the failure could not be written down or mailed, because of a bug")
