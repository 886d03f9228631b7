"""Writes the first folder of a study: settings of ten lines, a drafted plan, a place for rules, and what to do next."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nightround.model.errors import UsageWrong
from nightround.model.language import Language
from nightround.study.first_folder.draft_plan import drafted_plan
from nightround.study.first_folder.field_words import label_words
from nightround.study.first_folder.toml_text import Value, comment, document, table
from nightround.texts.catalogue import words
from redcap_sync.dictionary import Dictionary
from redcap_sync.private_files import write_private

LONGEST_NAME = 24
"""Letters of the project's title in the id."""
MARK = 6
"""Digits of the hash in the id: one project in 16 million has that of another."""
EXAMPLE_ADDRESS = "data.manager@example.org"
"""Of a domain that nobody has (RFC 2606): until it is replaced mails lie in the outbox."""


@dataclass(frozen=True)
class FirstAnswers:
    """What a study folder is written from beside the dictionary."""

    languages: tuple[Language, ...]
    time_zone: str = "UTC"
    url: str = ""
    token_file: str = ""
    mail: str = EXAMPLE_ADDRESS


def study_id(dictionary: Dictionary, url: str = "") -> str:
    """The id of a project: its title in letters, and a hash of what it is.

    The same project has the same id each time; one with another server, number, title or first fields has another.
    """
    slug = re.sub(r"[^a-z0-9]+", "_", dictionary.title.lower()).strip("_")[:LONGEST_NAME].strip("_")
    names = [field.name for field in dictionary.fields]
    identity = json.dumps([url, dictionary.project_id, dictionary.title, names], ensure_ascii=False)
    return f"{slug or 'study'}_{hashlib.sha256(identity.encode()).hexdigest()[:MARK]}"


def first_files(dictionary: Dictionary, answers: FirstAnswers) -> Mapping[str, bytes]:
    """The files of a first folder by name."""
    name = study_id(dictionary, answers.url)
    return {
        "study.toml": document(_settings(dictionary, answers, name)),
        "plan.toml": drafted_plan(dictionary, answers.languages),
        "README.md": document(_readme(answers)),
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
    variable = f"REDCAP_TOKEN_{name.upper()}"
    place: dict[str, Value] = {"url": answers.url} if answers.url else {"url_env": "REDCAP_URL"}
    place["token_env"] = variable
    if answers.token_file:
        place["token_file"] = answers.token_file
    yield from table("[redcap]", place)
    yield ""
    yield from _said("settings_people", languages)
    person: dict[str, Value] = {
        "role": "data_manager",
        "address": answers.mail,
        "language": languages[-1],
        "owns": ("data_manager", "coordinator"),
        "reports": "closed",
    }
    yield from table("[[people]]", person)


def _readme(answers: FirstAnswers) -> Iterator[str]:
    yield from _paragraphs("readme", answers.languages)


def _said(code: str, languages: tuple[Language, ...]) -> Iterator[str]:
    for language in languages:
        yield from comment(words(f"first_folder.{code}").in_(language))


def _paragraphs(code: str, languages: tuple[Language, ...]) -> Iterator[str]:
    for language in languages:
        yield words(f"first_folder.{code}").in_(language)
        yield ""
