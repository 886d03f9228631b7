"""`nightround twin`: a synthetic study from a dictionary alone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.options import json_option, language_option
from nightround.cli.printing import ListColumn, head, log_to_stderr, number, print_json, print_table, say, words
from nightround.cli.study_job import now
from nightround.texts.catalogue import wording

if TYPE_CHECKING:
    from nightround.model.language import Language
    from nightround.simulation.twin.make_twin import Twin

MOST_RECORDS = 1_000_000
path_argument = click.Path(path_type=Path)


@click.command()
@click.argument("source", type=path_argument, metavar="DICTIONARY.csv|PROJECT.xml|STUDY")
@click.option("--records", type=click.IntRange(1, MOST_RECORDS), default=100, show_default=True, help="How many.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Another seed, other people.")
@click.option("--out", type=path_argument, required=True, help="Folder of the twin; an earlier twin is replaced.")
@click.option("--messy", is_flag=True, help="Late visits, missing data codes, unfilled forms, early withdrawals.")
@click.option("--rules", "rules_file", type=click.Path(exists=True, path_type=Path), help="Rules the twin keeps.")
@click.option("--summary", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Means and shares.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="What `today` stands for, unless it is today.")
@language_option
@json_option
def twin(
    source: Path,
    *,
    records: int,
    seed: int,
    out: Path,
    messy: bool,
    rules_file: Path | None,
    summary: Path | None,
    day: datetime | None,
    language: Language,
    as_json: bool,
) -> None:
    """Make a synthetic study from a dictionary alone.

    The source is a data dictionary, a project XML, a project folder or a study, whose rules the twin keeps.
    The sandbox loads the folder that is written. Nothing in it comes from a patient.
    """
    from nightround.simulation.twin.make_twin import Wish, make_twin
    from nightround.simulation.twin.source_project import read_source
    from nightround.simulation.twin.summary_file import read_summary
    from nightround.simulation.twin.twin_files import write_twin

    log_to_stderr()
    moment = day or now().astimezone().replace(tzinfo=None, microsecond=0)
    read = read_source(_found(source), rules_file, clock=lambda: moment)
    wish = Wish(records, seed, moment, messy=messy, summary=read_summary(summary) if summary else None)
    made = make_twin(read, wish)
    files = write_twin(made, out)
    if as_json:
        print_json(_document(made, files))
        return
    say(wording(language)("terminal.twin.made", count=len(made.people.ids), folder=str(out)))
    _print_unavoidable(made, language)


def _found(source: Path) -> Path:
    """The file or folder; a name that is neither is that of a study next to the others."""
    if source.exists():
        return source
    from nightround.cli.options import found_content

    return found_content().study_folder(str(source))


def _print_unavoidable(made: Twin, language: Language) -> None:
    said = wording(language)
    if not made.unavoidable:
        say(said("terminal.twin.nothing"))
        return
    on_purpose = [one for one in made.unavoidable if one.reason.code == "twin.reason.messy"]
    if on_purpose:
        say(said("terminal.twin.messy", count=sum(one.found for one in on_purpose)))
    rows = [
        (one.rule, one.field, str(one.found), said.say(one.reason)) for one in made.unavoidable if one not in on_purpose
    ]
    if not rows:
        return
    say(said("terminal.twin.unavoidable"))
    rule, field, found, reason = (head(name, language) for name in ("rule", "field", "found", "reason"))
    print_table((ListColumn(rule), ListColumn(field), number(found), words(reason)), rows)


def _document(made: Twin, files: tuple[Path, ...]) -> dict[str, object]:
    from nightround.model.language import LANGUAGES
    from nightround.texts.catalogue import in_language

    return {
        "records": len(made.people.ids),
        "files": [str(path) for path in files],
        "unavoidable": [
            {
                "rule": one.rule,
                "field": one.field,
                "found": one.found,
                "reason": {language: in_language(one.reason, language) for language in LANGUAGES},
            }
            for one in made.unavoidable
        ],
    }
