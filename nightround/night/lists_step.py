"""The lists of a run: certificate, Great Expectations' results, failing rows and findings, as files of its folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from nightround.findings.findings_list import findings_list
from nightround.model.finding import Finding
from nightround.model.language import Language
from nightround.model.snapshot import Snapshot
from nightround.night.round import Round
from nightround.snapshots.vault import Vault
from nightround.validation.coverage import certificate
from nightround.validation.failures import failure_table
from nightround.validation.run import Validation
from redcap_sync.private_files import write_private

INCOMPLETE = "INCOMPLETE"
"""Stands in the name of every file of a run that could not account for all it knows."""
CLOSED_DAYS = 30
"""So long a closed finding is listed."""
TONIGHT = datetime.min.replace(tzinfo=UTC)


def write_lists(
    facts: Round, snapshot: Snapshot, validation: Validation, findings: Iterable[Finding], *, complete: bool
) -> list[Path]:
    """Write the lists that say something new into the folder of the run; returns where each list is.

    A list that says what it said in an earlier run is not written again: `lists.json` names the run that has it. The
    certificate is written for every run; where the rules came out as before it names the run that lists them.
    The failure table alone contains values; it is for the data manager's own machine, like the snapshot.
    """
    mark = "" if complete else f"_{INCOMPLETE}"
    files = _RunFiles(facts.folder / "runs", facts.run_id, f"lists{mark}.json", facts.vault)
    files.write(f"great_expectations{mark}.json", _json(validation.checkpoint_document(earlier_results(facts.folder))))
    _write_certificate(files, f"coverage{mark}.json", snapshot, validation, facts.study.settings.study.languages)
    failures = failure_table(validation.violations).to_parquet()
    files.write_sealed(f"failures{mark}.parquet", failures)
    listed = _recent(findings, facts.started_at)
    text = partial(
        findings_list,
        rules={rule.id: rule for rule in validation.rules},
        off=facts.switched_off,
        languages=facts.study.settings.study.languages,
        places=replace(facts.places(snapshot.dictionary, snapshot.redcap_version), record_id_allowed=True),
    )
    says = text(_seen_tonight(listed, facts.started_at)).encode()
    files.write_new(f"findings{mark}.csv", says, lambda: text(listed).encode())
    files.write_names()
    return files.paths


@dataclass
class _RunFiles:
    """The files of a run, and which lists of earlier runs stand for what they say."""

    runs: Path
    run_id: int
    names_file: str
    vault: Vault
    paths: list[Path] = field(default_factory=list)
    names: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, name: str, content: bytes) -> None:
        """Write a file of this run."""
        self.paths.append(write_private(self._folder(self.run_id) / name, content))

    def write_new(self, name: str, says: bytes, content: Callable[[], bytes]) -> None:
        """Write a list, unless the run before had, or named, one that says the same."""
        run = self.note(name, says)
        if run == self.run_id:
            self.write(name, content())
        else:
            self.paths.append(self._folder(run) / name)

    def write_sealed(self, name: str, content: bytes) -> None:
        """Write a list with values as `write_new` does, sealed where the study has a key."""
        run = self.note(name, content)
        path = self._folder(run) / name
        if run == self.run_id:
            self.vault.write(path, content)
        self.paths.append(path)

    def note(self, name: str, says: bytes) -> int:
        """The run whose list says the same; this one where none does."""
        digest = hashlib.sha256(says).hexdigest()
        before = self._before.get(name)
        same = before and before["sha256"] == digest and (self._folder(before["run"]) / name).exists()
        run = before["run"] if before and same else self.run_id
        self.names[name] = {"run": run, "sha256": digest}
        return int(run)

    def write_names(self) -> None:
        """Write which run has each list of this one."""
        write_private(self._folder(self.run_id) / self.names_file, _json(self.names))

    @cached_property
    def _before(self) -> Mapping[str, Any]:
        """Where the lists of the last run are that has any."""
        earlier = (path for path in self.runs.glob("*/lists*.json") if int(path.parent.name) < self.run_id)
        newest = max(earlier, default=None)
        return dict(json.loads(newest.read_bytes())) if newest else {}

    def _folder(self, run_id: int) -> Path:
        return self.runs / f"{run_id:05d}"


def _write_certificate(
    files: _RunFiles, name: str, snapshot: Snapshot, validation: Validation, languages: Sequence[Language]
) -> None:
    document = certificate(
        validation.coverage, validation.outcomes, run_id=str(files.run_id), snapshot_id=snapshot.id, languages=languages
    )
    run = files.note(name, _json(document["rules"]))
    if run != files.run_id:
        del document["rules"]
        document["rules_of_run"] = str(run)
    files.write(name, _json(document))


def _recent(findings: Iterable[Finding], now: datetime) -> tuple[Finding, ...]:
    """The open findings, and those that were closed not long ago; the database and earlier lists have the others."""
    since = now - timedelta(days=CLOSED_DAYS)
    return tuple(one for one in findings if one.resolved_at is None or one.resolved_at >= since)


def _seen_tonight(findings: Iterable[Finding], now: datetime) -> tuple[Finding, ...]:
    """Findings with one mark in place of tonight's hour: to be seen again is nothing new."""
    return tuple(one.seen_again(TONIGHT) if one.last_seen_at == now else one for one in findings)


def earlier_results(data: Path) -> Mapping[str, Mapping[str, Any]]:
    """Great Expectations' results of the last run that kept any, and of the run whose verdicts that one repeats."""
    files = sorted((data / "runs").glob("*/great_expectations*.json"), reverse=True)
    found: dict[str, Mapping[str, Any]] = {}
    for path in files:
        run = str(int(path.parent.name))
        try:
            found[run] = dict(json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):  # a damaged list of an old run stops no night: it repeats nothing
            continue
        if "validation_results" in found[run]:
            break
    return found


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
