"""The rules of a study together with those of its data dictionary, read from the study's folder."""

from __future__ import annotations

from pathlib import Path

from nightround.model.errors import StudyFilesWrong
from nightround.model.rule import Rule
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.folder import Study
from nightround.study.rules.of_dictionary import rules_from_dictionary
from redcap_sync.dictionary import Dictionary
from redcap_sync.missing_codes import MissingCodes
from redcap_sync.project.dictionary_csv import dictionary_from_csv
from redcap_sync.project.project_folder import dictionary_from_folder
from redcap_sync.write_back.query_instrument import without_queries

PROJECT_FOLDER = "project"
DICTIONARY_FILE = "dictionary.csv"
"""What REDCap's Data Dictionary page downloads, saved under this name."""


def project_dictionary(study_folder: Path) -> Dictionary:
    """The data dictionary that is in a study's folder: the project folder, or the file that REDCap downloads.

    The instrument that questions are written to is no part of what a study sees.
    """
    folder, file = study_folder / PROJECT_FOLDER, study_folder / DICTIONARY_FILE
    if folder.is_dir():
        return without_queries(dictionary_from_folder(folder))
    if file.exists():
        return without_queries(dictionary_from_csv(file))
    raise StudyFilesWrong("study.no_dictionary", folder=str(folder), file=DICTIONARY_FILE)


def newest_dictionary(study_folder: Path, snapshots: SnapshotStore) -> Dictionary:
    """The structure of the last good snapshot with its groups; before the first one, that of the study's folder."""
    manifest = snapshots.latest_manifest()
    return snapshots.dictionary(manifest) if manifest else project_dictionary(study_folder)


def missing_codes(study: Study) -> MissingCodes:
    """The missing data codes of the dictionary in a study's folder; none where there is no dictionary."""
    if not (study.folder / PROJECT_FOLDER).is_dir() and not (study.folder / DICTIONARY_FILE).exists():
        return MissingCodes()
    return project_dictionary(study.folder).missing_codes


def all_rules(study: Study, snapshots: SnapshotStore | None = None) -> tuple[tuple[Rule, ...], Dictionary]:
    """The rules of the study, of its project and of its dictionary, in the order of a night, with the dictionary.

    The dictionary is that of the last snapshot, which knows events too; without `snapshots` that of the study's folder.
    """
    dictionary = newest_dictionary(study.folder, snapshots) if snapshots else project_dictionary(study.folder)
    made = rules_from_dictionary(dictionary, study.settings.dictionary_rules)
    return (*study.rules, *study.project_rules, *made), dictionary
