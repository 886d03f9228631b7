"""What is in square brackets: fields, options of a checkbox, events, instances, smart variables."""

from __future__ import annotations

import re
from difflib import get_close_matches

from redcap_sync.column_name import FIELD_NAME, ColumnName
from redcap_sync.logic.language import (
    INSTANCE_SELECTORS,
    NEW_INSTANCE,
    RELATIVE_EVENTS,
    SMART_VARIABLES,
    UNKNOWN_VARIABLES,
)
from redcap_sync.logic.syntax import Reference
from redcap_sync.logic.trouble import Trouble

_PART = re.compile(r"(?P<name>[^():]*)(?:\((?P<code>[^()]+)\))?(?::(?P<modifier>[^():]+(?::[^():]+)*))?")
_EVENT_NAME = re.compile(r"[a-z0-9_]+")
_INSTANCE = re.compile(r"[1-9][0-9]*|" + "|".join(INSTANCE_SELECTORS))


def read_brackets(written: str, position: int) -> Reference:
    """Read adjacent brackets that begin at `position` of the logic.

    Raise `Trouble` for what is no reference or cannot be represented.
    """
    parts = [(match[1], position + match.start(1)) for match in re.finditer(r"\[([^\[\]]*)\]", written)]
    texts = [text for text, _ in parts]
    if NEW_INSTANCE in texts:
        raise Trouble("logic.new_instance", parts[texts.index(NEW_INSTANCE)][1], "hint.new_instance")
    has_instance = len(parts) > 1 and _INSTANCE.fullmatch(texts[-1]) is not None
    instance = texts[-1] if has_instance else ""
    named = parts[:-1] if has_instance else parts
    if len(named) > 2:  # noqa: PLR2004 - an event and a field
        raise Trouble("logic.too_many_brackets", named[2][1], "hint.brackets_in_a_row")
    event = _event(*named[0]) if len(named) > 1 else ""
    return _field(*named[-1], event=event, instance=instance)


def _event(name: str, position: int) -> str:
    if name in RELATIVE_EVENTS or _EVENT_NAME.fullmatch(name):
        return name
    hint, near = _nearest(name, RELATIVE_EVENTS, otherwise="hint.event_name")
    raise Trouble("logic.not_event", position, hint, name=name, near=near)


def _field(written: str, position: int, *, event: str, instance: str) -> Reference:
    if (known := written.partition(":")[0]) in UNKNOWN_VARIABLES:
        raise Trouble("logic.unknown_at_night", position, "hint.unknown_at_night", name=known)
    match = _PART.fullmatch(written)
    if match is None:
        raise Trouble("logic.brackets", position, "hint.write_field", name=written)
    name, code, modifier = match["name"], match["code"] or "", match["modifier"] or ""
    if "-" in name:
        return _smart(name, position, bare=not (event or instance or code or modifier))
    if FIELD_NAME.fullmatch(name) is None:
        raise _not_field(name, position)
    return Reference(name, event, code, instance, modifier)


def _smart(name: str, position: int, *, bare: bool) -> Reference:
    if name not in SMART_VARIABLES:
        hint, near = _nearest(name, SMART_VARIABLES, otherwise="hint.smart")
        raise Trouble("logic.not_smart", position, hint, name=name, near=near)
    if not bare:
        raise Trouble("logic.not_combined", position, "hint.smart_alone", name=name)
    return Reference(name)


def _not_field(name: str, position: int) -> Trouble:
    if not name.strip():
        return Trouble("logic.not_field", position, "hint.field_between", name=name)
    if name != name.strip():
        return Trouble("logic.not_field", position, "hint.no_space", name=name, right=name.strip())
    option = ColumnName.parse(name)
    if option.code:
        return Trouble("logic.not_field", position, "hint.option", name=name, field=option.field, option=option.code)
    if FIELD_NAME.fullmatch(name.lower()):
        return Trouble("logic.not_field", position, "hint.lower_case", name=name, right=name.lower())
    return Trouble("logic.not_field", position, "hint.field_name", name=name)


def _nearest(name: str, known: tuple[str, ...], *, otherwise: str) -> tuple[str, str]:
    """The code of the hint, and the name that is near."""
    near = get_close_matches(name, known, n=1, cutoff=0.75)
    return ("hint.near_brackets", near[0]) if near else (otherwise, "")
