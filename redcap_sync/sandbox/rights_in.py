"""Rights as an import of users or roles names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redcap_sync.project.rights import NO_ACCESS, RANDOMIZATION_RIGHTS, RIGHTS, Rights
from redcap_sync.sandbox.call_error import not_valid
from redcap_sync.whole_numbers import whole_number


def changed_rights(rights: Rights, row: Mapping[str, Any], instruments: tuple[str, ...]) -> Rights:
    """Return the rights with those replaced that a row of an import names; a blank `forms_export` is no export."""
    known = (*RIGHTS, *RANDOMIZATION_RIGHTS)
    named = {right: _level(right, row[right]) for right in known if str(row.get(right, "")).strip()}
    return Rights(
        levels={**rights.levels, **named},
        forms={**rights.forms, **_levels(row.get("forms"))},
        forms_export={**_exports_before(rights, row, instruments), **_levels(row.get("forms_export"))},
        unnamed=rights.unnamed,
    )


def _exports_before(rights: Rights, row: Mapping[str, Any], instruments: tuple[str, ...]) -> Mapping[str, int]:
    if "forms_export" not in row or row["forms_export"]:
        return rights.forms_export
    return dict.fromkeys(instruments, NO_ACCESS)


def _levels(written: Any) -> dict[str, int]:
    """Read `{form: level}` or `form:1,form2:3`."""
    if isinstance(written, Mapping):
        return {str(name): _level(str(name), level) for name, level in written.items()}
    pairs = (part.partition(":") for part in str(written or "").split(",") if ":" in part)
    return {name.strip(): _level(name, level) for name, _, level in pairs}


def _level(name: str, written: Any) -> int:
    level = whole_number(str(written).strip() or str(NO_ACCESS))
    if level is None:
        raise not_valid(name.strip())
    return level
