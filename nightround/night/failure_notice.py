"""The notice of a round that failed: it needs the settings of the study and the error, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from nightround.digests.notify import Delivery
from nightround.model.errors import RoundCrashed
from nightround.night.alert_step import delivered, send_failure_notice
from nightround.night.recorder import Recorder
from nightround.night.round import Round
from nightround.store.digest_rows import SentDigest
from redcap_sync.errors import ExplainedError

log = logging.getLogger(__name__)


def explained(error: Exception) -> ExplainedError:
    """The error as it is mailed; of one that nobody foresaw only its kind, because its text may hold a value."""
    if isinstance(error, ExplainedError):
        return error
    return RoundCrashed("night.crashed", error=type(error).__name__)


def notify_of_failed_run(facts: Round, recorder: Recorder, error: Exception) -> None:
    """Mail that a run failed, as its last step, and remember to whom it was said."""

    def notify() -> None:
        with recorder.step("alert") as note:
            deliveries = send_failure_notice(
                facts.study.settings, facts.content, facts.channels, explained(error), facts.hospital_time
            )
            note(delivered(deliveries))
        _record(facts, recorder, deliveries)

    without_hiding_the_error(notify)


def without_hiding_the_error(notify: Callable[[], object]) -> None:
    """Notify people; trouble with the mail must not hide the trouble that it is about."""
    try:
        notify()
    except ExplainedError as second:
        log.error("nobody could be notified: %s", second)  # noqa: TRY400 - a user's mistake has no traceback
    except Exception:
        log.exception("nobody could be notified, because of a bug")


def _record(facts: Round, recorder: Recorder, deliveries: Sequence[Delivery]) -> None:
    """Remember the notices. They said nothing of findings, so that the next digest begins where the last one ended."""
    for one in deliveries:
        address = one.notice.recipient.address
        position = recorder.store.last_told(facts.study.id, address, one.channel)
        recorder.store.record_digest(
            SentDigest(
                study=facts.study.id,
                run_id=facts.run_id,
                recipient=address,
                channel=one.channel,
                since=position,
                upto=position,
                at=facts.hospital_time,
                delivered=not one.trouble,
                subject=one.notice.subject,
                message_id=one.message_id,
                trouble=one.trouble,
            )
        )
