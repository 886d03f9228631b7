"""What a night removes: snapshots, lists of runs and copies of mails that are old, and what a broken run left behind.

All follow one rule, that of the snapshots (`[snapshots] keep_days`, `keep_weeks`), and none is removed on the word of
a clock that may be wrong, or where a report needs it.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nightround.night.round import Round
from nightround.report.reported import reported_snapshots
from nightround.snapshots.retention import kept_of, prune
from nightround.store.database import Store
from nightround.study.settings import SnapshotsTable
from nightround.validation.checkpoint_document import REPEATS
from redcap_sync.messages import Message

log = logging.getLogger(__name__)

CLOCKS_AGREE = timedelta(days=2)
"""A zone that is set wrongly makes less than a day."""
PAUSE = timedelta(days=45)
"""A study of which nothing was kept for longer was paused, or the clock is wrong."""
NIGHTS_AFTER_PAUSE = 7
"""So many nights after a pause nothing is removed: time for a person to see that the clock is wrong."""
STAYS = "coverage"
"""How the name of a run's certificate begins, which stays as long as the run is in the database."""
MAIL = re.compile(r"(\d{4}-\d\d-\d\d)_.*\.(?:eml|html)")
"""How the outbox names its files."""


def remove_old(facts: Round, store: Store, server_time: datetime | None) -> None:
    """Remove what is no longer kept. `server_time` is what REDCap's own clock said, in UTC; None where it said nothing.

    The caller has the lock of pulls.
    """
    settings, now = facts.study.settings.snapshots, facts.started_at
    manifests, _ = facts.snapshots.readable_manifests()
    server = server_time.replace(tzinfo=UTC) if server_time else None
    trouble = clock_trouble([one.taken_at for one in manifests], now, server)
    if trouble:
        log.warning("%s", trouble)
        return
    try:
        reported = reported_snapshots(facts.folder / "reports")
    except (OSError, ValueError) as error:
        log.warning("%s", Message.of("retention.register", error=type(error).__name__))
        return
    renamed = facts.snapshots.renamed_ids.read()
    prune(facts.snapshots, settings, now, needed={renamed.get(one, one) for one in reported})
    zone = ZoneInfo(facts.study.settings.study.time_zone)
    kept = kept_runs(store.run_times(facts.study.id), settings, now)
    kept_days = {moment.astimezone(zone).date() for moment in kept.values()}
    for path in (
        *old_lists(facts.folder / "runs", {*kept, facts.run_id}),
        *old_mails(facts.folder / "outbox", kept_days, facts.hospital_time.date() - timedelta(days=settings.keep_days)),
    ):
        path.unlink(missing_ok=True)


def clock_trouble(nights: Iterable[datetime], now: datetime, server_time: datetime | None) -> Message | None:
    """Why this machine's clock is not to be trusted with removing anything; None where nothing speaks against it."""
    if server_time is not None and abs(now - server_time) > CLOCKS_AGREE:
        return Message.of("retention.clocks", days=abs(now - server_time).days)
    moments = sorted(one for one in nights if one < now)
    ends = [*moments[1:], now]
    pauses = [place for place, begun in enumerate(moments) if ends[place] - begun > PAUSE]
    since = len(moments) - pauses[-1] - 1 if pauses else NIGHTS_AFTER_PAUSE
    if since >= NIGHTS_AFTER_PAUSE:
        return None
    last = pauses[-1]
    return Message.of("retention.pause", days=(ends[last] - moments[last]).days, nights=NIGHTS_AFTER_PAUSE)


def kept_runs(started: Mapping[int, datetime], settings: SnapshotsTable, now: datetime) -> dict[int, datetime]:
    """The runs whose lists are kept, by the rule of the snapshots, and always the newest."""
    days, weeks = settings.keep_days, settings.keep_weeks
    kept = kept_of([(at, run) for run, at in started.items()], now=now, days=days, weeks=weeks)
    return {run: started[run] for run in {*kept, *([max(started)] if started else [])}}


def old_lists(runs: Path, kept: Collection[int]) -> Iterator[Path]:
    """The files of runs that are not kept and that no kept run refers to, but their certificates."""
    folders = {int(path.name): path for path in runs.glob("*") if path.name.isdigit()}
    needed = set(kept)
    for run in sorted(folders, reverse=True):  # a list refers to an earlier run alone
        if run in needed:
            needed |= set(_referred(folders[run]))
    for run, folder in folders.items():
        if run not in needed:
            yield from (path for path in folder.iterdir() if path.is_file() and not path.name.startswith(STAYS))


def _referred(folder: Path) -> Iterator[int]:
    """The runs that have lists in the name of this one."""
    for path in (*folder.glob("lists*.json"), *folder.glob("great_expectations*.json")):
        try:
            document = json.loads(path.read_bytes())
            named = [document[REPEATS]] if REPEATS in document else [one["run"] for one in _lists(document)]
            yield from (int(run) for run in named)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):  # damaged: it refers to nothing
            continue


def _lists(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [one for one in document.values() if isinstance(one, dict) and "run" in one]


def old_mails(outbox: Path, kept_days: Collection[date], since: date) -> Iterator[Path]:
    """Copies of mails of a day that is too old and has no kept run."""
    for path in outbox.glob("*"):
        if named := MAIL.fullmatch(path.name):
            day = date.fromisoformat(named[1])
            if day < since and day not in kept_days:
                yield path
