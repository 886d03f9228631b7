"""Forgets a patient who withdrew: in snapshots, lists, mails, reports, and last in the database."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nightround.digests.channels.mail import attached_texts, is_encrypted
from nightround.findings.findings_list import BETWEEN_ROWS, OTHER_ROWS
from nightround.model.errors import RoundAlreadyRunning, UsageWrong
from nightround.night.private_details import COPIES
from nightround.night.retention_step import STAYS
from nightround.night.round import Round
from nightround.night.saved_queries_step import file_naming
from nightround.night.study_database import BACKUPS, DATABASE
from nightround.night.study_locks import FINDINGS, PULL, ROUND
from nightround.snapshots.forget_record import forget_record, has_record, names_of
from nightround.snapshots.vault import Vault
from nightround.store.database import Store
from nightround.texts.csv_text import csv_text
from redcap_sync.private_files import write_private

SHOWN_ID = 8
"""Digits of a finding's id in a mail."""
WITH_VALUES = "failures"
WITHOUT_RECORDS = (STAYS, "lists", "great_expectations")
"""How the names of those lists of a run begin that name no record."""


@dataclass(frozen=True)
class Forgotten:
    """What was removed, and what is out of reach. No record is named in it."""

    counts: dict[str, int]
    past_reports: tuple[str, ...]
    """Reports that can no longer be made again, byte for byte."""
    removed_reports: tuple[str, ...]
    given: tuple[str, ...]
    """Who was given a report that names the record."""
    still_has: tuple[str, ...]
    """Copies in the data folder, and the study's `queries.csv`, that were not changed and may have the record."""
    still_in_redcap: bool

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "removed": self.counts,
            "reports_not_rebuildable": list(self.past_reports),
            "reports_removed": list(self.removed_reports),
            "reports_given": list(self.given),
            "still_has": list(self.still_has),
            "still_in_redcap": self.still_in_redcap,
        }


def forget(facts: Round, store: Store, record: str, *, by: str, though_in_redcap: bool) -> Forgotten:
    """Forget a record of the study.

    Raises UsageWrong where the last snapshot still has it, which the next pull would bring back, and where nothing
    knows it. A record that was renamed is forgotten under each name that it had. Broken off at any moment, the same
    call does the rest: the database, which knows its findings, is last.
    """
    from nightround.report.forget_in_reports import forget_in_reports

    with ExitStack() as opened:
        for lock in (ROUND, PULL, FINDINGS):
            opened.enter_context(facts.only_one(lock))
        still = has_record(facts.snapshots, record)
        if still and not though_in_redcap:
            raise UsageWrong("forget.still_in_redcap")
        findings = store.finding_ids(facts.study.id, record)
        if not opened.enter_context(facts.snapshots.removing()):
            raise RoundAlreadyRunning("night.locked", folder=str(facts.folder))
        number, broken_off = store.begin_forgetting(facts.study.id, record, by=by, now=facts.started_at)
        names = frozenset({record, *names_of(facts.snapshots, record).values()})
        lists = list(_forget_in_lists(facts.folder / "runs", names, findings, facts.vault))
        facts.judged_file.path.unlink(missing_ok=True)
        named = names if facts.study.settings.study.record_id_in_messages else ()
        naming = _naming(named, findings)
        mails = list(_forget_mails(facts.folder / "outbox", naming, sealed=bool(findings)))
        unsent = store.forget_in_messages(facts.study.id, naming, facts.started_at)
        snapshots = forget_record(facts.snapshots, record)
        reports = forget_in_reports(facts.folder / "reports", names, facts.snapshots.renamed_ids.read())
        counts = {
            "snapshots": len(snapshots.renamed),
            "lists": len(lists),
            "mails": len(mails) + unsent,
            "editions": reports.editions,
            "reports": len(reports.removed),
        }
        if not findings and not broken_off and not any(counts.values()):
            store.take_back_forgetting(number)
            before = store.was_forgotten(facts.study.id, record)
            raise UsageWrong("forget.already" if before else "forget.unknown")
        done = store.forget(facts.study.id, record, number=number, counts=counts)
    return Forgotten(
        counts=done,
        past_reports=tuple(reports.past),
        removed_reports=tuple(str(path) for path in reports.removed),
        given=tuple(reports.given),
        still_has=(
            *snapshots.left,
            *map(str, _databases_besides(facts.folder, store)),
            *map(str, file_naming(facts, names)),
        ),
        still_in_redcap=still,
    )


def _databases_besides(folder: Path, store: Store) -> Iterator[Path]:
    """Copies and backups of the database, and the file whose place a server took."""
    for pattern in (*COPIES, f"{BACKUPS}/*", DATABASE):
        yield from (path for path in sorted(folder.glob(pattern)) if str(path) != store.engine.url.database)


def _write_list(path: Path, content: bytes, vault: Vault) -> None:
    """Write a list as it was: the one with values sealed where there is a key, the others to be read by a person."""
    if path.name.startswith(WITH_VALUES):
        vault.write(path, content)
    else:
        write_private(path, content)


def _forget_in_lists(runs: Path, names: Collection[str], findings: Collection[str], vault: Vault) -> Iterator[Path]:
    """Change the lists of runs that name a record, and remove what else a run left that may name it."""
    for path in sorted(runs.glob("*/*")):
        if path.name.startswith(WITHOUT_RECORDS):
            continue
        if path.name.startswith("findings"):
            changed = _findings_without(path.read_bytes(), names, findings)
        elif path.name.startswith(WITH_VALUES):
            changed = _failures_without(vault.read(path), names)
        else:
            path.unlink()
            yield path
            continue
        if changed is not None:
            _write_list(path, changed, vault)
            yield path


def _findings_without(content: bytes, names: Collection[str], findings: Collection[str]) -> bytes | None:
    """The list of findings without a record; None where it does not name it."""
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    rows = list(reader)
    kept = [row for row in rows if row["record"] not in names and row["finding"] not in set(findings)]
    changed = [_without_others(row, names) for row in kept]
    return csv_text(tuple(reader.fieldnames or ()), changed).encode() if changed != rows else None


def _without_others(row: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """A line of the list, whose finding names no row of these records any more."""
    if not row.get(OTHER_ROWS):
        return dict(row)
    others = row[OTHER_ROWS].split(BETWEEN_ROWS)
    left = [one for one in others if not any(one == name or one.startswith(f"{name} ") for name in names)]
    return {**row, OTHER_ROWS: BETWEEN_ROWS.join(left)}


def _failures_without(content: bytes, names: Collection[str]) -> bytes | None:
    """The table of failing rows without a record; None where it does not name it."""
    table = pd.read_parquet(io.BytesIO(content))
    kept = table[~table["record"].isin(list(names))].reset_index(drop=True)
    return kept.to_parquet() if len(kept) < len(table) else None


def _naming(records: Collection[str], findings: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text names a record, or one of its findings."""
    names = [re.escape(name) for name in (*records, *(one[:SHOWN_ID] for one in findings))]
    naming = re.compile(rf"(?<![\w-])(?:{'|'.join(names)})(?![\w-])")
    return lambda text: bool(names) and naming.search(text) is not None


def _forget_mails(outbox: Path, naming: Callable[[str], bool], *, sealed: bool) -> Iterator[Path]:
    """Remove the copies of mails that name the record, in themselves or in a list that is attached.

    Where a record had findings, `sealed` mails go too: an encrypted worklist in them may name it.
    """
    for page in sorted(outbox.glob("*.html")):
        mail = page.with_suffix(".eml")
        content = mail.read_bytes() if mail.exists() else b""
        named = any(map(naming, (page.read_text(encoding="utf-8"), *attached_texts(content))))
        if named or (sealed and is_encrypted(content)):
            for path in (page, mail):
                path.unlink(missing_ok=True)
                yield path
