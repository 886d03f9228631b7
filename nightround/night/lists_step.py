"""The lists of a run: certificate, Great Expectations' results, failing rows and findings, as files of its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightround.findings.findings_list import findings_list
from nightround.model.finding import Finding
from nightround.model.snapshot import Snapshot
from nightround.night.round import Round
from nightround.validation.coverage import certificate
from nightround.validation.failures import failure_table
from nightround.validation.run import Validation
from redcap_sync.private_files import write_private

INCOMPLETE = "INCOMPLETE"
"""Stands in the name of every file of a run that could not account for all it knows."""


def lists_of(
    facts: Round, snapshot: Snapshot, validation: Validation, findings: tuple[Finding, ...], *, complete: bool
) -> Mapping[str, bytes]:
    """The content of each list by its file name.

    The failure table alone holds values; it is for the data manager's own machine, like the snapshot.
    """
    mark = "" if complete else f"_{INCOMPLETE}"
    document = certificate(validation.coverage, validation.outcomes, run_id=str(facts.run_id), snapshot_id=snapshot.id)
    rules = {rule.id: rule for rule in validation.rules}
    listing = findings_list(findings, rules, facts.places(snapshot.dictionary, snapshot.redcap_version))
    return {
        f"coverage{mark}.json": _json(document),
        f"great_expectations{mark}.json": _json(validation.checkpoint_document(_earlier_results(facts))),
        f"failures{mark}.parquet": failure_table(validation.violations).to_parquet(),
        f"findings{mark}.csv": listing.encode(),
    }


def write_lists(facts: Round, lists: Mapping[str, bytes]) -> list[Path]:
    """Write the lists into the folder of the run."""
    folder = facts.folder / "runs" / f"{facts.run_id:05d}"
    return [write_private(folder / name, content) for name, content in lists.items()]


def _earlier_results(facts: Round) -> Mapping[str, Mapping[str, Any]]:
    """Great Expectations' results of the last run that kept any, and of the run whose verdicts that one repeats."""
    files = sorted((facts.folder / "runs").glob("*/great_expectations*.json"), reverse=True)
    found: dict[str, Mapping[str, Any]] = {}
    for path in files:
        run = str(int(path.parent.name))
        found[run] = json.loads(path.read_bytes())
        if "validation_results" in found[run]:
            break
    return found


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
