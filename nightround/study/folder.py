"""A study is a folder: study.toml, rules/, plan.toml, and for a synthetic study its project and cohort."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from nightround.model.errors import StudyFilesWrong
from nightround.model.rule import Rule
from nightround.study.plan import Plan, read_plan
from nightround.study.rules.of_project import rules_of_project
from nightround.study.rules.rule_files import read_rules, require_own_ids
from nightround.study.settings import StudySettings, read_settings
from redcap_sync.messages import Message
from redcap_sync.project.custom_rules import read_custom_rules

PROJECT_RULES = "project_rules.csv"
"""The project's own rules, as REDCap's Data Quality page saves them."""


LONGEST_NAME_SHOWN = 100
"""So much of a study's name that is none is repeated in a message."""


@dataclass(frozen=True)
class Content:
    """Where the content lies: the checkout's own folders, or the copy inside the wheel."""

    home: Path

    @property
    def templates(self) -> Path:
        """Jinja templates, CSS, fonts, translations."""
        return self.home / "report_templates"

    @property
    def jobs(self) -> Path:
        """One short file a scheduled job."""
        return self.home / "jobs"

    @property
    def studies(self) -> tuple[str, ...]:
        """The names of the studies that are next to one another."""
        return tuple(sorted(path.parent.name for path in (self.home / "expectations").glob("*/study.toml")))

    def study_folder(self, name: str) -> Path:
        """The folder of a study, by its name or by its path."""
        for folder in (Path(name), self.home / "expectations" / name):
            if _has_settings(folder):
                return folder
        known = ", ".join(self.studies) or Message.of("study.nothing.known")
        raise StudyFilesWrong("study.unknown", name=name[:LONGEST_NAME_SHOWN], known=known)


def _has_settings(folder: Path) -> bool:
    """Whether a folder is that of a study. What is there and no ordinary file is refused where it is read."""
    try:
        return is_there(folder / "study.toml")
    except (OSError, ValueError):  # a name too long for any file, or with a NUL
        return False


def find_content(environ: Mapping[str, str]) -> Content:
    """Find the content: NIGHTROUND_HOME, else the checkout this runs from, else the copy in the wheel."""
    named = environ.get("NIGHTROUND_HOME")
    package = Path(__file__).resolve().parents[1]
    candidates = [Path(named)] if named else [package.parent, package / "_content"]
    for home in candidates:
        if (home / "expectations").is_dir() and (home / "report_templates").is_dir():
            return Content(home)
    raise StudyFilesWrong("study.no_content", folder=str(candidates[0]))


@dataclass(frozen=True)
class Study:
    """Everything a study team has written down, checked."""

    folder: Path
    settings: StudySettings
    rules: tuple[Rule, ...]
    plan: Plan | None
    project_rules: tuple[Rule, ...] = ()
    """REDCap's own custom rules of the project, out of `project_rules.csv` as REDCap's Data Quality page saves it."""

    @property
    def id(self) -> str:
        """The short name used in paths, finding identities and the store."""
        return self.settings.study.id


def load_study(folder: Path, *, strict: bool = True) -> Study:
    """Read and check every file of a study folder. A study without a plan has no report, but its rules run.

    With `strict` off a rule whose logic cannot be read is kept: it stops no night, and never passes.
    """
    settings = read_settings(folder)
    plan_file = folder / "plan.toml"
    plan = read_plan(plan_file) if is_there(plan_file) else None
    rules, of_project = read_rules(folder / "rules", strict=strict), project_rules(folder)
    require_own_ids((*rules, *of_project), folder)
    shown = settings if plan is None or plan.grouping else with_whole_reports(settings)
    return Study(folder=folder, settings=shown, rules=rules, plan=plan, project_rules=of_project)


def with_whole_reports(settings: StudySettings) -> StudySettings:
    """The settings of a study that compares no groups: nothing is closed, and who gets a report gets the whole one."""
    people = [one.model_copy(update={"reports": "closed"}) if one.reports else one for one in settings.people]
    return settings.model_copy(update={"people": tuple(people)})


def is_there(file: Path) -> bool:
    """Whether there is a file, a link that leads nowhere among them: that is a mistake, and not a file left out."""
    return file.exists() or file.is_symlink()


def project_rules(folder: Path) -> tuple[Rule, ...]:
    """REDCap's own custom rules that lie in a study's folder; none where there is no such file."""
    file = folder / PROJECT_RULES
    return rules_of_project(read_custom_rules(file)) if is_there(file) else ()


def load_content_module(path: Path, name: str) -> ModuleType:
    """Load a Python file of the content under a private module name, so that no generic name is imported."""
    spec = importlib.util.spec_from_file_location(f"_nightround_content_{name}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise StudyFilesWrong("study.module", file=path.name, path=str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
