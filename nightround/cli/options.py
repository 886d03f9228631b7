"""The arguments and options that commands share, each declared once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.texts.terminal import terminal_language

if TYPE_CHECKING:
    from nightround.study.folder import Content

JSON = "--json"

study_argument = click.argument("study")
json_option = click.option(JSON, "as_json", is_flag=True, help="Print one JSON document on stdout, nothing else.")
language_option = click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    default=lambda: terminal_language(os.environ),
    show_default="NIGHTROUND_LANGUAGE",
    help="Of what is printed.",
)
wait_option = click.option(
    "--wait",
    type=click.FloatRange(min=0, max=86_400),
    metavar="SECONDS",
    help="How long to wait for another run of the study: 60 by hand, 1800 by the clock, unless given.",
)
existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)
data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="NIGHTROUND_DATA",
    default=Path("nightround-data"),
    show_default=True,
    help="Folder for database, snapshots, reports and mails (or NIGHTROUND_DATA).",
)
unread_data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    expose_value=False,
    help="As for every command that names a STUDY; this one reads the study's folder alone.",
)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a call asks for JSON. Needed before its options are parsed, because parsing them can fail too."""
    words = list(arguments)
    return JSON in (words[: words.index("--")] if "--" in words else words)


def found_content() -> Content:
    """The folders of studies, jobs and templates."""
    from nightround.study.folder import find_content

    return find_content(os.environ)


def folder_of(study: str | None) -> Path:
    """The folder of the study that is named, by its name or its path, or of the only one there is."""
    content = found_content()
    known = content.studies
    if study is None and len(known) != 1:
        from nightround.cli.printing import text

        code = "terminal.usage.name_the_study" if known else "terminal.usage.no_study"
        raise click.UsageError(text(code, known=", ".join(known)))
    return content.study_folder(study or known[0])
