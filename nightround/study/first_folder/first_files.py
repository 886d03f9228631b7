"""Writes the first folder of a study: settings of ten lines, a drafted plan, a place for rules, and what to do next."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nightround.model.errors import UsageWrong
from nightround.model.language import Language
from nightround.study.first_folder.draft_plan import drafted_plan
from nightround.study.first_folder.field_words import label_words
from nightround.study.first_folder.toml_text import Value, comment, document, table
from nightround.study.settings import StudySettings, checked
from nightround.texts.catalogue import in_language, words
from redcap_sync.dictionary import Dictionary
from redcap_sync.messages import Message
from redcap_sync.private_files import write_private
from redcap_sync.project.dictionary_csv import dictionary_csv

LONGEST_NAME = 24
"""Letters of the project's title in the id."""
MARK = 6
"""Digits of the hash in the id: one project in 16 million has that of another."""
EXAMPLE_ADDRESS = "data.manager@example.org"
"""Of a domain that nobody has (RFC 2606): until it is replaced mails lie in the outbox."""


MANAGER, COORDINATOR = "data_manager", "coordinator"


@dataclass(frozen=True)
class FirstStructure:
    """What a project says of itself: its structure, and the rows of its data dictionary as REDCap has them."""

    dictionary: Dictionary
    metadata: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class FirstAnswers:
    """What a study folder is written from, apart from the project's structure."""

    languages: tuple[Language, ...]
    time_zone: str = "UTC"
    url: str = ""
    token_file: str = ""
    token_env: str = ""
    """The variable that has the token; one named after the study unless given."""
    people: Mapping[str, str] = field(default_factory=lambda: {MANAGER: EXAMPLE_ADDRESS})
    """Mail addresses by role."""
    mail_server: Mapping[str, Value] = field(default_factory=dict)
    """The keys of a channel of kind smtp; without any, mails are kept in the outbox folder."""
    data: str = ""
    """The data folder, where it is not the usual one."""


def study_id(dictionary: Dictionary, url: str = "") -> str:
    """The id of a project: its title in letters, and a hash of what it is.

    The same project has the same id each time; one with another server, number, title or first fields has another.
    """
    slug = re.sub(r"[^a-z0-9]+", "_", dictionary.title.lower()).strip("_")[:LONGEST_NAME].strip("_")
    names = [field.name for field in dictionary.fields]
    identity = json.dumps([url, dictionary.project_id, dictionary.title, names], ensure_ascii=False)
    return f"{slug or 'study'}_{hashlib.sha256(identity.encode()).hexdigest()[:MARK]}"


def first_files(structure: FirstStructure, answers: FirstAnswers, folder: Path) -> Mapping[str, bytes]:
    """The files of a first folder by name; raises StudyFilesWrong where an answer is none that settings can have."""
    name = study_id(structure.dictionary, answers.url)
    settings = document(_settings(structure.dictionary, answers, name))
    checked(StudySettings, tomllib.loads(settings.decode()), file=folder / "study.toml")
    return {
        "study.toml": settings,
        "plan.toml": drafted_plan(structure.dictionary, answers.languages),
        "dictionary.csv": dictionary_csv(structure.metadata).encode("utf-8-sig"),
        "README.md": document(_readme(answers, folder)),
    }


def write_first_folder(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write the files into a folder that has none of them; raises UsageWrong rather than replace one."""
    taken = [name for name in files if (folder / name).exists() or (folder / name).is_symlink()]
    if taken:
        raise UsageWrong("first_folder.taken", folder=str(folder), file=taken[0])
    return [write_private(folder / name, content) for name, content in files.items()]


def _settings(dictionary: Dictionary, answers: FirstAnswers, name: str) -> Iterator[str]:
    languages = answers.languages
    yield from _said("settings_head", languages)
    study: dict[str, Value] = {
        "id": name,
        "title": label_words(dictionary.title, name, languages),
        "language": languages[0] if len(languages) == 1 else "both",
        "time_zone": answers.time_zone,
    }
    yield from table("[study]", study)
    place: dict[str, Value] = {"url": answers.url} if answers.url else {"url_env": "REDCAP_URL"}
    place["token_env"] = answers.token_env or f"REDCAP_TOKEN_{name.upper()}"
    if answers.token_file:
        place["token_file"] = answers.token_file
    yield from table("[redcap]", place)
    yield from _people(answers)


def _people(answers: FirstAnswers) -> Iterator[str]:
    """Who gets mails, and by which server."""
    if answers.mail_server:
        yield ""
        yield from _said("settings_mail", answers.languages)
        yield from table("[[channels]]", {"id": "mail", "kind": "smtp", **answers.mail_server})
    yield ""
    yield from _said("settings_people" if answers.mail_server else "settings_people_outbox", answers.languages)
    for role, address in answers.people.items():
        yield from table("[[people]]", _person(role, address, answers))


def _person(role: str, address: str, answers: FirstAnswers) -> dict[str, Value]:
    """A person; the findings of a coordinator that nobody is go to the data manager."""
    owned = {
        MANAGER: (MANAGER, *(() if COORDINATOR in answers.people else (COORDINATOR,))),
        COORDINATOR: (COORDINATOR,),
    }
    keys: dict[str, Value] = {"role": role, "address": address, "language": answers.languages[-1]}
    keys |= {"owns": owned[role]} if role in owned else {}
    return keys if role == COORDINATOR else {**keys, "reports": "closed"}


def _readme(answers: FirstAnswers, folder: Path) -> Iterator[str]:
    """What to do next, with the commands as they are typed."""
    study = shlex.quote(str(folder))
    data = f" --data {shlex.quote(answers.data)}" if answers.data else ""
    mails = "readme_mail" if answers.mail_server else "readme_outbox"
    for language in answers.languages:
        sent = words(f"first_folder.{mails}").in_(language)
        yield words("first_folder.readme", study=study, data=data, mails=sent).in_(language)
        yield ""


def rules_readme(reasons: Mapping[str, Message], languages: tuple[Language, ...], folder: Path) -> bytes:
    """What the folder of rules is for, and the suggested rules by id with their reasons."""
    study = shlex.quote(str(folder))

    def parts() -> Iterator[str]:
        for language in languages:
            yield words("first_folder.rules_readme", study=study).in_(language)
            for name, reason in reasons.items():
                yield words("first_folder.rules_suggested", name=name, reason=in_language(reason, language)).in_(
                    language
                )
            yield ""

    return document(parts())


def _said(code: str, languages: tuple[Language, ...]) -> Iterator[str]:
    for language in languages:
        yield from comment(words(f"first_folder.{code}").in_(language))
