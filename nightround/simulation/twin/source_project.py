"""What a twin is made of: the structure of a project, and the rules that its data must keep."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightround.model.rule import Rule
from nightround.rule_desk.study_rules import DICTIONARY_FILE, PROJECT_FOLDER
from nightround.study.folder import load_study
from nightround.study.rules.of_dictionary import rules_from_dictionary
from nightround.study.rules.of_project import rules_of_project
from nightround.study.rules.rule_files import read_rule_file, read_rules
from nightround.texts.catalogue import words
from redcap_sync.dictionary import Instrument
from redcap_sync.errors import ProjectFileWrong
from redcap_sync.project.custom_rules import read_custom_rules
from redcap_sync.project.dictionary_csv import NAMES, dictionary_from_csv
from redcap_sync.project.state import Clock, ProjectStructure, StoredProject
from redcap_sync.project.structure import METADATA_KEYS
from redcap_sync.regular_files import read_text_file
from redcap_sync.sandbox.project_sources import project_from_folder, project_from_xml


@dataclass(frozen=True)
class TwinSource:
    """A project without data, and the rules that the data of its twin are to keep."""

    project: StoredProject
    rules: tuple[Rule, ...] = ()


def read_source(path: Path, rules: Path | None, *, clock: Clock) -> TwinSource:
    """Read a dictionary (CSV), a project XML, a project folder, or a study folder with its rules.

    Raises ProjectFileWrong or StudyFilesWrong for what is none of them. Nothing of the data of a project is kept.
    """
    is_study = (path / "study.toml").exists()
    project = _marked(_project(_structure_of(path) if is_study else path, clock))
    found = _study_rules(path, project) if is_study else ()
    return TwinSource(project, (*found, *(_given_rules(rules) if rules else ())))


def _structure_of(study: Path) -> Path:
    folder = study / PROJECT_FOLDER
    return folder if folder.is_dir() else study / DICTIONARY_FILE


def _project(path: Path, clock: Clock) -> StoredProject:
    if path.is_dir():
        project = project_from_folder(path, clock=clock)
    elif path.suffix.lower() == ".csv":
        project = StoredProject(_structure_of_csv(path), clock=clock)
    else:
        project = project_from_xml(path, clock=clock)
    if not project.structure.metadata:
        raise ProjectFileWrong("file.dictionary", file=path.name, error="ValueError")
    bare = StoredProject(project.structure, clock=clock)
    bare.restructure()
    return bare


def _structure_of_csv(path: Path) -> ProjectStructure:
    """The structure of a classic project whose instruments are those of the dictionary."""
    dictionary = dictionary_from_csv(path)
    rows = csv.DictReader(io.StringIO(read_text_file(path), newline=""), strict=True)
    named = ({NAMES.get(title, title): cell or "" for title, cell in row.items() if title} for row in rows)
    structure = ProjectStructure(metadata=[{key: row.get(key, "") for key in METADATA_KEYS} for row in named])
    structure.instruments = [Instrument(one.name, one.label) for one in dictionary.instruments]
    structure.mapping = [(structure.events[0].event_id, one.name) for one in dictionary.instruments]
    structure.settings["project_title"] = path.stem
    return structure


def _marked(project: StoredProject) -> StoredProject:
    """Say in title and notes that nothing of it is real."""
    settings: dict[str, Any] = dict(project.structure.settings)
    mark, notes = words("twin.project.mark"), words("twin.project.notes")
    title = str(settings["project_title"])
    settings["project_title"] = title if title.startswith(mark.en) else f"{mark.en} {mark.zh} {title}".strip()
    settings["project_notes"] = f"{notes.en} {notes.zh}"
    project.restructure(settings=settings)
    return project


def _study_rules(folder: Path, project: StoredProject) -> tuple[Rule, ...]:
    study = load_study(folder)
    made = rules_from_dictionary(project.dictionary, study.settings.dictionary_rules)
    return (*study.rules, *study.project_rules, *made)


def _given_rules(path: Path) -> tuple[Rule, ...]:
    """Rules as files of a study (TOML, or a folder of them), or as REDCap's Data Quality page downloads them (CSV)."""
    if path.suffix.lower() == ".csv":
        return rules_of_project(read_custom_rules(path))
    return read_rules(path) if path.is_dir() else read_rule_file(path)
