"""`nightround init`: the folder of a new study, from its REDCap project, a project XML or a data dictionary."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.options import existing_file, json_option
from nightround.cli.printing import language as terminal
from nightround.cli.printing import log_to_stderr, print_json, say, text

if TYPE_CHECKING:
    from nightround.model.language import Language
    from nightround.study.first_folder.first_files import FirstAnswers
    from redcap_sync.dictionary import Dictionary

TOKEN_VARIABLE = "REDCAP_TOKEN"  # noqa: S105 - the name of a variable, not a token


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--url", default="", help="Address of REDCap's API.")
@click.option("--token-file", type=existing_file, help="File with the token; else REDCAP_TOKEN has it.")
@click.option("--from", "source", type=existing_file, metavar="FILE", help="A project XML or dictionary CSV instead.")
@click.option("--language", type=click.Choice(["zh", "en", "both"]), help="Of all that is written for people.")
@click.option("--mail", default="", metavar="ADDRESS", help="Where the data manager gets mails.")
@click.option("--time-zone", default="", metavar="ZONE", help="Of the hospital, such as Asia/Shanghai.")
@click.option("--yes", is_flag=True, help="Ask nothing: take what is given and defaults.")
@json_option
def init(
    folder: Path,
    *,
    url: str,
    token_file: Path | None,
    source: Path | None,
    language: str | None,
    mail: str,
    time_zone: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Make the FOLDER of a new study.

    It holds the settings, a drafted analysis plan, and a README that says what to do next.
    Only the structure of the project is read, no record. Nothing that exists is replaced.
    """
    from nightround.model.errors import UsageWrong
    from nightround.model.language import LANGUAGES
    from nightround.study.first_folder.first_files import EXAMPLE_ADDRESS, FirstAnswers

    log_to_stderr()
    asks = not (yes or as_json)
    if not url and source is None:
        if not asks:
            raise UsageWrong("first_folder.no_source")
        url = click.prompt(text("first_folder.ask_url"))
    if url and token_file is None and asks and not os.environ.get(TOKEN_VARIABLE):
        token_file = click.prompt(text("first_folder.ask_token_file"), type=existing_file)
    chosen = language or (_asked("ask_language", terminal(), ["zh", "en", "both"]) if asks else terminal())
    languages: tuple[Language, ...] = tuple(one for one in LANGUAGES if chosen in (one, "both"))
    address = mail or (click.prompt(text("first_folder.ask_mail"), default=EXAMPLE_ADDRESS) if asks else "")
    answers = FirstAnswers(
        languages=languages,
        time_zone=time_zone or local_zone(Path("/etc/localtime")),
        url=url,
        token_file=str(token_file.resolve()) if token_file else "",
        mail=address or EXAMPLE_ADDRESS,
    )
    _write(folder, _dictionary(answers, source), answers, as_json=as_json)


def _asked(code: str, default: str, allowed: list[str]) -> str:
    return str(click.prompt(text(f"first_folder.{code}"), default=default, type=click.Choice(allowed)))


def _write(folder: Path, dictionary: Dictionary, answers: FirstAnswers, *, as_json: bool) -> None:
    """Write the folder, prove that it reads back, and say what is next."""
    from nightround.study.first_folder.first_files import first_files, write_first_folder
    from nightround.study.folder import load_study

    paths = write_first_folder(folder, first_files(dictionary, answers))
    study = load_study(folder)
    if as_json:
        print_json({"study": study.id, "folder": str(folder), "files": [str(path) for path in paths]})
        return
    say(text("first_folder.written", study=study.id, folder=str(folder)))
    say(text("first_folder.next", folder=str(folder)))


def _dictionary(answers: FirstAnswers, source: Path | None) -> Dictionary:
    """The structure of the project, from the file that is named or from the server."""
    if source is not None:
        from redcap_sync.odm.project_file import read_project_file
        from redcap_sync.project.dictionary_csv import dictionary_from_csv

        is_csv = source.suffix.lower() == ".csv"
        return dictionary_from_csv(source) if is_csv else read_project_file(source).dictionary
    from redcap_sync.api.client import RedcapClient
    from redcap_sync.api.token import find_token
    from redcap_sync.pulling.raw_structure import pull_structure

    file = Path(answers.token_file) if answers.token_file else None
    environ = {} if file else os.environ  # the file that is named goes before a token of another project
    token = find_token(environ, variable=TOKEN_VARIABLE, file=file)
    return pull_structure(RedcapClient(answers.url, token, sleep=time.sleep)).dictionary


def local_zone(link: Path) -> str:
    """The time zone of this machine by the link that names it; UTC where there is none."""
    from zoneinfo import available_timezones

    try:
        found = str(link.readlink()).partition("zoneinfo/")[2]
    except OSError:
        return "UTC"
    return found if found in available_timezones() else "UTC"
