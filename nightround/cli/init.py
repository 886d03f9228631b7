"""`nightround init`: the folder of a new study, from its REDCap project, a project XML or a data dictionary."""

from __future__ import annotations

import os
import shlex
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.init_answers import SECURITY, USUAL_SECURITY, MailOptions
from nightround.cli.options import data_option, existing_file, found_content, json_option
from nightround.cli.printing import language as terminal
from nightround.cli.printing import log_to_stderr, print_json, say, text
from nightround.cli.study_job import now

if TYPE_CHECKING:
    from nightround.model.language import Language
    from nightround.night.examination import Examination
    from nightround.study.first_folder.first_files import FirstAnswers, FirstStructure
    from nightround.study.folder import Study
    from redcap_sync.dictionary import Dictionary

TOKEN_VARIABLE = "REDCAP_TOKEN"  # noqa: S105 - the name of a variable, not a token


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--url", default="", help="Address of REDCap's API.")
@click.option("--token-file", type=existing_file, help="File with the token; else REDCAP_TOKEN has it.")
@click.option("--from", "source", type=existing_file, metavar="FILE", help="A project XML or dictionary CSV instead.")
@click.option("--language", type=click.Choice(["zh", "en", "both"]), help="Of all that is written for people.")
@click.option("--mail", default="", metavar="ADDRESS", help="Where the data manager gets mails.")
@click.option("--person", "people", multiple=True, metavar="ROLE=ADDRESS", help="Another person, such as coordinator.")
@click.option(
    "--smtp", default="", metavar="HOST[:PORT]", help="The mail server; without it mails are kept in a folder."
)
@click.option("--smtp-security", type=click.Choice(SECURITY), default=USUAL_SECURITY, help="Its encryption.")
@click.option("--smtp-user-env", default="", metavar="VARIABLE", help="The variable with its user, if it asks for one.")
@click.option("--smtp-password-file", type=existing_file, help="The file with its password.")
@click.option("--sender", default="", metavar="ADDRESS", help="Of the mails; the data manager's unless given.")
@click.option("--time-zone", default="", metavar="ZONE", help="Of the hospital, such as Asia/Shanghai.")
@click.option("--yes", is_flag=True, help="Ask nothing: take what is given and defaults.")
@data_option
@json_option
def init(
    folder: Path,
    *,
    url: str,
    token_file: Path | None,
    source: Path | None,
    language: str | None,
    mail: str,
    people: tuple[str, ...],
    smtp: str,
    smtp_security: str,
    smtp_user_env: str,
    smtp_password_file: Path | None,
    sender: str,
    time_zone: str,
    yes: bool,
    data: Path,
    as_json: bool,
) -> None:
    """Make the FOLDER of a new study.

    It contains the settings, a drafted analysis plan, the data dictionary, and a README that says what to do next. Only
    the structure of the project is read, no record. Nothing that exists is replaced. What it needs is tried at the end.
    """
    from nightround.cli import init_answers as asking
    from nightround.model.errors import UsageWrong
    from nightround.model.language import LANGUAGES
    from nightround.study.first_folder.first_files import EXAMPLE_ADDRESS, MANAGER, FirstAnswers

    log_to_stderr()
    asks = not (yes or as_json)
    if not url and source is None:
        if not asks:
            raise UsageWrong("first_folder.no_source")
        url = click.prompt(text("first_folder.ask_url"))
    if url and token_file is None and asks and not os.environ.get(TOKEN_VARIABLE):
        token_file = click.prompt(text("first_folder.ask_token_file"), type=existing_file)
    chosen = language or (asking.asked_languages() if asks else terminal())
    languages: tuple[Language, ...] = tuple(one for one in LANGUAGES if chosen in (one, "both"))
    known = asking.people_of(people)
    roles = asking.asked_people(mail, known) if asks else {MANAGER: mail or EXAMPLE_ADDRESS, **known}
    options = MailOptions(smtp, smtp_security, sender, smtp_user_env, smtp_password_file)
    server = asking.asked_mail(roles[MANAGER]) if asks and not smtp else options.keys(roles[MANAGER])
    answers = FirstAnswers(
        languages=languages,
        time_zone=time_zone or local_zone(Path("/etc/localtime")),
        url=url,
        token_file=str(token_file.resolve()) if token_file else "",
        token_env=TOKEN_VARIABLE if url and token_file is None else "",
        people=roles,
        mail_server=server,
        data="" if _is_usual() else str(data),
    )
    _write(folder, _structure(answers, source), answers, data, as_json=as_json)


def _is_usual() -> bool:
    """Whether the data folder is found without being named again."""
    context = click.get_current_context()
    return context.get_parameter_source("data") is not click.core.ParameterSource.COMMANDLINE


def _write(folder: Path, structure: FirstStructure, answers: FirstAnswers, data: Path, *, as_json: bool) -> None:
    """Write the folder, prove that it reads back, try what it needs, and say what is next."""
    from nightround.night.examination import examine
    from nightround.study.first_folder.first_files import first_files, write_first_folder
    from nightround.study.folder import load_study
    from redcap_sync.private_files import write_private
    from redcap_sync.write_back.query_instrument import without_queries

    studied = replace(structure, dictionary=without_queries(structure.dictionary))
    paths = write_first_folder(folder, first_files(studied, answers, folder))
    study = load_study(folder)
    paths.append(write_private(folder / "rules" / "README.md", _of_rules(study, studied.dictionary, folder)))
    found = examine(str(folder), data=data, content=found_content(), environ=os.environ, clock=now)
    if as_json:
        files = [str(path) for path in paths]
        print_json({"study": study.id, "folder": str(folder), "files": files, "doctor": found.document()})
        return
    _say_what_is_next(folder, study.id, found)


def _of_rules(study: Study, dictionary: Dictionary, folder: Path) -> bytes:
    """How rules are added, with those that the dictionary alone suggests; none of them is judged yet."""
    from zoneinfo import ZoneInfo

    from nightround.rule_desk.suggest.suggesting import suggestions, without_rows
    from nightround.study.first_folder.first_files import rules_readme

    moment = now()
    naive = moment.astimezone(ZoneInfo(study.settings.study.time_zone)).replace(tzinfo=None)
    found = suggestions(study, without_rows(dictionary, study.id, moment), naive)
    reasons = {one.suggestion.id: one.suggestion.reason for one in found}
    return rules_readme(reasons, study.settings.study.languages, folder)


def _say_what_is_next(folder: Path, study: str, found: Examination) -> None:
    say(text("first_folder.written", study=study, folder=str(folder)))
    say(text("first_folder.tried"))
    for line in found.lines(terminal()):
        say(line)
    say(text("first_folder.next", folder=shlex.quote(str(folder)), readme=str(folder / "README.md")))


def _structure(answers: FirstAnswers, source: Path | None) -> FirstStructure:
    """The structure of the project, from the file that is named or from the server."""
    from nightround.study.first_folder.first_files import FirstStructure

    if source is not None:
        from redcap_sync.odm.project_file import read_project_file
        from redcap_sync.project.dictionary_csv import dictionary_from_csv, metadata_from_csv

        if source.suffix.lower() == ".csv":
            return FirstStructure(dictionary_from_csv(source), tuple(metadata_from_csv(source)))
        project = read_project_file(source)
        return FirstStructure(project.dictionary, project.metadata)
    from redcap_sync.api.client import RedcapClient
    from redcap_sync.api.token import find_token
    from redcap_sync.pulling.raw_structure import pull_structure

    file = Path(answers.token_file) if answers.token_file else None
    environ = {} if file else os.environ  # the file that is named goes before a token of another project
    token = find_token(environ, variable=TOKEN_VARIABLE, file=file)
    pulled = pull_structure(RedcapClient(answers.url, token, sleep=time.sleep))
    return FirstStructure(pulled.dictionary, tuple(pulled.metadata))


def local_zone(link: Path) -> str:
    """The time zone of this machine by the link that names it; UTC where there is none."""
    from zoneinfo import available_timezones

    try:
        found = str(link.readlink()).partition("zoneinfo/")[2]
    except OSError:
        return "UTC"
    return found if found in available_timezones() else "UTC"
