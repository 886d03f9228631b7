"""`nightround drill`: known errors planted in a copy of a study's data, and which of them its rules find."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.options import (
    data_option,
    existing_file,
    folder_of,
    found_content,
    json_option,
    language_option,
    study_argument,
)
from nightround.cli.printing import ListColumn, log_to_stderr, number, print_json, print_table, say, words
from nightround.cli.study_job import now

if TYPE_CHECKING:
    from nightround.model.language import Language
    from nightround.simulation.drill.drill_page import DrillPage
    from nightround.simulation.drill.drill_run import Drill

MOST_ERRORS = 100_000


@click.command()
@study_argument
@click.option("--errors", type=click.IntRange(1, MOST_ERRORS), default=200, show_default=True, help="How many.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Another seed, other errors.")
@click.option("--kinds", "kinds_file", type=existing_file, metavar="FILE", help="Kinds of errors of your own (TOML).")
@click.option("--out", type=click.Path(path_type=Path), help="A folder for the whole page: all tables, figure, JSON.")
@data_option
@language_option
@json_option
def drill(
    study: str,
    *,
    errors: int,
    seed: int,
    kinds_file: Path | None,
    out: Path | None,
    data: Path,
    language: Language,
    as_json: bool,
) -> None:
    """Plant known errors in a copy of STUDY.

    It counts which of them the study's rules find.

    The data are those of the last snapshot, else the study's synthetic cohort, else a twin. Nothing is changed or kept.
    """
    from nightround.simulation.drill.drill_page import DrillPage, write_page
    from nightround.texts.catalogue import in_language

    log_to_stderr()
    done = _done(study, errors=errors, seed=seed, kinds_file=kinds_file, data=data, language=language)
    written = write_page(done, out, found_content().templates, language) if out else ()
    if as_json:
        print_json(done.document(lambda message: in_language(message, "en")))
        return
    _print(DrillPage(done, language))
    if written:
        from nightround.texts.catalogue import wording

        say(wording(language)("drill.note.written", files=", ".join(str(path) for path in written)))


def _done(study: str, *, errors: int, seed: int, kinds_file: Path | None, data: Path, language: Language) -> Drill:
    from nightround.night.run_job import snapshots_at
    from nightround.simulation.drill.clean_data import clean_data
    from nightround.simulation.drill.drill_run import drill as run_drill
    from nightround.simulation.drill.error_kinds import read_kinds
    from nightround.study.folder import load_study
    from nightround.texts.catalogue import in_language

    kinds = read_kinds(kinds_file)
    folder = folder_of(study)
    loaded = load_study(folder)
    moment = now().astimezone().replace(tzinfo=None, microsecond=0)
    clean = clean_data(loaded, snapshots_at(folder, data, os.environ), seed=seed, moment=moment)
    return run_drill(
        loaded.id,
        clean,
        kinds,
        errors=errors,
        seed=seed,
        note=lambda message: say(in_language(message, language), err=True),
    )


def _print(page: DrillPage) -> None:
    say(page.title)
    for sentence in page.sentences():
        say(sentence)
    kinds, unseen = page.kinds(), page.unseen()
    say("")
    print_table((words(kinds.heads[0]), *map(number, kinds.heads[1:])), kinds.rows)
    say(f"\n{unseen.title}")
    if unseen.note:
        say(unseen.note)
    name, place, planted, reason = unseen.heads
    if unseen.rows:
        print_table((words(name), ListColumn(place), number(planted), words(reason)), unseen.rows, stub=2)
