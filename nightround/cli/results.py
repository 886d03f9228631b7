"""`nightround results`: files of results compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nightround.cli.options import existing_file, json_option, language_option
from nightround.cli.printing import print_json, say
from nightround.model.language import Language
from nightround.texts.catalogue import in_language
from redcap_sync.messages import Message

if TYPE_CHECKING:
    from nightround.model.result import ResultKey
    from nightround.statistics.result_files import FiledResult, ResultComparison


@click.group()
def results() -> None:
    """Compare files of results."""


@results.command()
@click.argument("first", type=existing_file, metavar="A")
@click.argument("second", type=existing_file, metavar="B")
@click.option(
    "--digits",
    type=click.IntRange(1, 15),
    default=10,
    show_default=True,
    help="Significant digits to which numbers must agree.",
)
@language_option
@json_option
def compare(first: Path, second: Path, digits: int, language: Language, *, as_json: bool) -> None:
    """Name what differs between two files of results.

    A and B are JSON or CSV files with one statistic a row, of a report, of `nightround table --json`, or of another
    program: with columns such as variable, statistic, group, level, value and text.
    """
    from nightround.statistics.result_files import compare_files

    found = compare_files(first, second, digits)
    if as_json:
        print_json(_document(found))
    else:
        _print(found, language)


def _document(found: ResultComparison) -> dict[str, Any]:
    return {
        "compared": found.compared,
        "same": found.same,
        "different": [
            {**one.key._asdict(), "a": _plain(one.first), "b": _plain(one.second)} for one in found.different
        ],
        "only_a": [key._asdict() for key in found.only_first],
        "only_b": [key._asdict() for key in found.only_second],
    }


def _plain(result: FiledResult) -> dict[str, float | str | None]:
    return {"value": result.value, "text": result.text}


def _print(found: ResultComparison, language: Language) -> None:
    """Each difference on a line, then how many statistics were compared."""

    def words(code: str, **facts: object) -> str:
        return in_language(Message.of(f"results.{code}", **facts), language)

    for one in found.different:
        say(words("different", key=_place(one.key), first=_shown(one.first), second=_shown(one.second)))
    for code, keys in (("only_a", found.only_first), ("only_b", found.only_second)):
        for key in keys:
            say(words(code, key=_place(key)))
    counts = {"different": len(found.different), "only": len(found.only_first) + len(found.only_second)}
    say(words("summary", compared=found.compared, **counts))


def _place(key: ResultKey) -> str:
    return " | ".join(part for part in key if part)


def _shown(result: FiledResult) -> str:
    """A number as it is printed, and unrounded where both are there."""
    value = "" if result.value is None else f"{result.value:.10g}"
    return f"{result.text} ({value})" if result.text and value and result.text != value else result.text or value or "–"
