"""What a rule across rows looks for, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nightround.model.language import LANGUAGES, Language, Words
from nightround.model.rule import Check
from nightround.study.rules.across import NO_LIMIT, SECONDS
from nightround.texts.catalogue import SEPARATORS, words
from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import Reference, in_words


def words_of_check(check: Check, dictionary: Dictionary) -> Words:
    """When a rule across rows flags one, in both languages."""
    if check.kind == "cohort":
        return _of_cohort(check, dictionary)
    return _counted(check.settings, dictionary) if check.kind == "count" else _alike(check, dictionary)


def _of_cohort(check: Check, dictionary: Dictionary) -> Words:
    settings = check.settings
    names = {name: _label(settings[name], dictionary) for name in ("date", "examiner") if settings[name]}
    fields = _listed([_label(column, dictionary) for column in check.columns])
    whom = words("across.each_group" if settings["each_group"] else "across.all_rows")
    what = words(f"across.{settings['check']}", fields=fields, **names)
    return words("across.cohort", what=what, whom=whom, alpha=f"{settings['alpha']:g}")


def _alike(check: Check, dictionary: Dictionary) -> Words:
    said = []
    if check.columns:
        names = _listed([_label(column, dictionary) for column in check.columns])
        said.append(words("across.equal", names=names))
    for column, measure, largest in check.settings["near"]:
        distance = _span(largest) if measure == "moment" else f"{largest:g}"
        said.append(words("across.near", name=_label(column, dictionary), distance=distance))
    return words(f"across.{check.settings['between']}", what=_listed(said))


def _span(seconds: float) -> str:
    """Seconds in the largest unit that leaves a whole number."""
    unit = next((unit for unit, size in SECONDS.items() if seconds % size == 0), "min")
    return f"{seconds / SECONDS[unit]:g} {unit}"


def _counted(settings: Mapping[str, Any], dictionary: Dictionary) -> Words:
    events = {event.unique_name: event.in_both for event in dictionary.events}
    labels = {one.name: one.label for one in dictionary.instruments}
    instrument = settings["counted"][0][1]
    names = [Words(text, text) for text in (events.get(event, event) for event, _ in settings["counted"]) if text]
    where = _listed(names) if names else words("across.everywhere")
    facts = {"instrument": labels.get(instrument, instrument), "where": where}
    what = words("across.rows_of" if instrument else "across.events", **facts)
    at_least, at_most = settings["at_least"], settings["at_most"]
    limits = [words("across.fewer", n=at_least)] if at_least else []
    limits += [words("across.more", n=at_most)] if at_most < NO_LIMIT else []
    return words("across.count", what=what, limits=_listed(limits, "across.or"))


def _label(column: str, dictionary: Dictionary) -> Words:
    return Words(*(in_words(Reference.of_column(column), dictionary, language) for language in LANGUAGES))


def _listed(said: Iterable[Words], joint: str = "") -> Words:
    said = tuple(said)

    def in_one(language: Language) -> str:
        between = words(joint).in_(language) if joint else SEPARATORS[language]
        return between.join(one.in_(language) for one in said)

    return Words(*(in_one(language) for language in LANGUAGES))
