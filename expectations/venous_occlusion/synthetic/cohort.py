"""The synthetic cohort: 72 patients made up by a program. No real patient is in it.

`records(seed)` gives the rows of a flat REDCap import. The 62 who completed three sessions reproduce
the counts, means, SDs, medians and quartiles of the published Tables 1-3 (doi:10.7659/j.issn.1005-6947.250621)
for every seed, where they can be right; README.md says where they cannot. Days of visits are working days of China,
by the engine's calendar; `entries(seed)` says who typed the rows when.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

PACKAGE = "venous_occlusion_synthetic_patients"
"""A private name, because this folder is loaded by its path and never imported as a package of its own."""

CLEAN = "@clean"
"""In nights.toml: put back what the clean cohort holds."""


TYPISTS = 1
"""Typists draw from a stream of their own, so that the patients of a seed stay who they are."""


def records(seed: int) -> list[dict[str, str]]:
    """Rows of record, event and repeated instance, in REDCap's order. The same seed gives the same rows."""
    people, visits = _part("people"), _part("visits")
    rng = np.random.default_rng(seed)
    patients = people.everyone(rng)
    (more,) = rng.spawn(1)
    return [row for number, person in enumerate(patients, start=1) for row in visits.rows_of(number, person, rng, more)]


def entries(seed: int) -> list[Any]:
    """The same rows as somebody typed them, oldest first: each has `moment` (the hospital's clock), `username`, `row`.

    A row here is one instrument of a visit, without blanks. The same seed gives the same entries.
    """
    made: list[Any] = _part("typists").entries_of(records(seed), np.random.default_rng([seed, TYPISTS]))
    return made


def as_of(entered: Iterable[Any], moment: datetime) -> list[dict[str, str]]:
    """What REDCap holds at a moment, the entries of that very moment included: rows of an import without blanks."""
    rows: list[dict[str, str]] = _part("typists").rows_at(entered, moment)
    return rows


def edit_rows(edits: Iterable[Mapping[str, Any]], clean: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Turn `[[night.edits]]` of nights.toml into rows for an import with overwrite, in their order.

    `clean` are the rows of `records`; a value "@clean" is taken from there. KeyError if it is not there.
    """
    known = {(row["record_id"], row["redcap_event_name"], row["redcap_repeat_instance"]): row for row in clean}
    rows = []
    for edit in edits:
        key = (edit["record"], edit["event"], str(edit.get("instance", "")))
        identity = dict(zip(("record_id", "redcap_event_name", "redcap_repeat_instance"), key, strict=True))
        values = {field: known[key][field] if value == CLEAN else value for field, value in edit["values"].items()}
        rows.append(identity | {"redcap_repeat_instrument": edit.get("repeat_instrument", "")} | values)
    return rows


def _part(name: str) -> ModuleType:
    """Load one module of the folder `patients` beside this file."""
    if PACKAGE not in sys.modules:
        folder = Path(__file__).with_name("patients")
        spec = importlib.util.spec_from_file_location(
            PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"no package in {folder}")
        package = importlib.util.module_from_spec(spec)
        sys.modules[PACKAGE] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f"{PACKAGE}.{name}")
