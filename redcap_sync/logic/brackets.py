"""What stands in square brackets: fields, options of a checkbox, events, instances, smart variables."""

from __future__ import annotations

import re
from difflib import get_close_matches

from redcap_sync.column_name import ColumnName
from redcap_sync.logic.language import INSTANCE_SELECTORS, NEW_INSTANCE, RELATIVE_EVENTS, SMART_VARIABLES
from redcap_sync.logic.syntax import Reference
from redcap_sync.logic.trouble import Trouble

_PART = re.compile(r"(?P<name>[^():]*)(?:\((?P<code>[^()]+)\))?(?::(?P<modifier>[^():]+(?::[^():]+)*))?")
_FIELD_NAME = re.compile(r"[a-z](?:_?[a-z0-9])*")
_EVENT_NAME = re.compile(r"[a-z0-9_]+")
_INSTANCE = re.compile(r"[1-9][0-9]*|" + "|".join(INSTANCE_SELECTORS))


def read_brackets(written: str, position: int) -> Reference:
    """Read adjacent brackets that begin at `position` of the logic.

    Raise `Trouble` for what is no reference or cannot be represented.
    """
    parts = [(match[1], position + match.start(1)) for match in re.finditer(r"\[([^\[\]]*)\]", written)]
    texts = [text for text, _ in parts]
    if NEW_INSTANCE in texts:
        raise Trouble(
            "[new-instance] has no value.",
            parts[texts.index(NEW_INSTANCE)][1],
            "it stands for an instance that does not exist yet; use last-instance for the newest one",
        )
    has_instance = len(parts) > 1 and _INSTANCE.fullmatch(texts[-1]) is not None
    instance = texts[-1] if has_instance else ""
    named = parts[:-1] if has_instance else parts
    if len(named) > 2:  # noqa: PLR2004 - an event and a field
        raise Trouble("Too many brackets in a row.", named[2][1], "write [event][field][instance] at most")
    event = _event(*named[0]) if len(named) > 1 else ""
    return _field(*named[-1], event=event, instance=instance)


def _event(name: str, position: int) -> str:
    if name in RELATIVE_EVENTS or _EVENT_NAME.fullmatch(name):
        return name
    raise Trouble(
        f"[{name}] is not an event.",
        position,
        _nearest(name, RELATIVE_EVENTS)
        or "in front of a field stands a unique event name such as [baseline_arm_1], or [previous-event-name]",
    )


def _field(written: str, position: int, *, event: str, instance: str) -> Reference:
    match = _PART.fullmatch(written)
    if match is None:
        raise Trouble(f"[{written}] cannot be read.", position, "write [field], or [field(code)] for a checkbox")
    name, code, modifier = match["name"], match["code"] or "", match["modifier"] or ""
    if "-" in name:
        return _smart(name, position, bare=not (event or instance or code or modifier))
    if _FIELD_NAME.fullmatch(name) is None:
        raise Trouble(f"[{name}] is not a field name.", position, _field_hint(name))
    return Reference(name, event, code, instance, modifier)


def _smart(name: str, position: int, *, bare: bool) -> Reference:
    if name not in SMART_VARIABLES:
        hint = (
            _nearest(name, SMART_VARIABLES) or "a field name has no hyphen; a smart variable must be one REDCap knows"
        )
        raise Trouble(f"[{name}] is no smart variable that can be evaluated.", position, hint)
    if not bare:
        hint = "write it alone; only event names may stand in front of a field and instances behind it"
        raise Trouble(f"[{name}] cannot be combined with other brackets here.", position, hint)
    return Reference(name)


def _field_hint(name: str) -> str:
    if not name.strip():
        return "put the name of a field between the brackets"
    if name != name.strip():
        return f"no space inside the brackets: [{name.strip()}]"
    option = ColumnName.parse(name)
    if option.code:
        return f"logic names an option of a checkbox as [{option.field}({option.code})], not by its export column"
    if _FIELD_NAME.fullmatch(name.lower()):
        return f"field names are in lower case: [{name.lower()}]"
    return "a field name has lower-case letters, digits and single underscores, and begins with a letter"


def _nearest(name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.75)
    return f"did you mean [{near[0]}]?" if near else ""
