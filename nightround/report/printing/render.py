"""One Jinja environment: everything is escaped, nothing may be undefined, a study's template goes before ours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import jinja2

from nightround.report.printing.cleaning import clean, spaced
from nightround.report.printing.context import ReportContext
from nightround.report.tables.views import bodies_of
from nightround.texts.catalogue import read_wording

REPORT = "report.html.j2"
ORIGINAL = "original"
"""Prefix under which an overriding template still reaches the one it overrides."""


SYMBOLS = re.compile(r"(?<![A-Za-z\-])([PtZFHU])(?=\s?[<>=≤≥]|\s?(?:值|检验)|\s(?:values?|tests?)\b)")
"""Statistical symbols in a sentence, which are set in italics."""
COMPARISON = re.compile(r" ([<>=≤≥]) ")
"""A sign between two numbers, which no line may end at."""


HYPHENATED = re.compile(r"([^\W\d_]{1,20}(?:-[^\W\d_]{1,20}){1,3})(?![\w-])")
"""A word of letters with hyphens, short enough to be on one line."""


def clean_value(value: object) -> object:
    """Clean what a template prints; what a macro made is clean already."""
    return spaced(clean(value)) if type(value) is str else value


def split_symbols(text: str) -> list[str]:
    """A sentence in pieces: every second one is a statistical symbol."""
    return SYMBOLS.split(COMPARISON.sub("\u00a0\\1\u00a0", spaced(text)))


def split_hyphenated(text: str) -> list[str]:
    """A text in pieces: every second one is a word with a hyphen."""
    return HYPHENATED.split(spaced(clean(text)))


@cache
def environment(templates: Path, study: Path | None) -> jinja2.Environment:
    """The environment over a template folder and a study's own."""
    folders = [str(folder) for folder in (study, templates) if folder is not None]
    original = jinja2.PrefixLoader({ORIGINAL: jinja2.FileSystemLoader(templates)})
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(folders), original]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=clean_value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["symbols"] = split_symbols
    made.filters["hyphenated"] = split_hyphenated
    made.filters["bodies"] = bodies_of
    return made


def template_folders(templates: Path, study: str) -> Sequence[Path]:
    """The folders texts and pictures are read from: ours, then the study's own where there is one."""
    return [folder for folder in (templates, templates / study) if folder.is_dir()]


def html(context: ReportContext, templates: Path) -> str:
    """The report as one HTML page, for the screen and for print.

    `templates` is the template folder; templates/<study>/ goes before it, file by file.
    """
    folders = template_folders(templates, context.study)
    say = read_wording(folders, context.language)
    study = folders[1] if len(folders) > 1 else None
    template = environment(templates, study).get_template(REPORT)
    return template.render(report=context, say=say)
