"""How a plan names a field and writes a text: the two things every part of it is made of."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator

from nightround.model.language import Words


class FieldRef(NamedTuple):
    """A field at an event: `[event][field]`, `[event][field(code)]` for a checkbox option, or `[field]`."""

    event: str
    field: str

    @property
    def column(self) -> str:
        """The name of its column in a frame of patients."""
        return f"[{self.event}][{self.field}]" if self.event else self.field


_REFERENCE = re.compile(r"(?:\[(?P<event>[a-z0-9_]+)\])?\[(?P<field>\w+)(?:\((?P<code>[\w-]+)\))?\]|(?P<bare>[^\[\]]+)")


def _reference(written: Any) -> Any:
    if not isinstance(written, str):
        return written
    found = _REFERENCE.fullmatch(written.strip())
    if found is None:
        raise ValueError(f"{written!r} is no field reference such as [event][field] or field")
    if found["bare"]:
        return FieldRef("", found["bare"].strip())
    code = f"___{re.sub(r'[^a-z0-9_]', '_', found['code'].lower())}" if found["code"] else ""
    return FieldRef(found["event"] or "", found["field"] + code)


def _both(written: Any) -> Any:
    return {"zh": written, "en": written} if isinstance(written, str) else written


Reference = Annotated[FieldRef, BeforeValidator(_reference)]
Text = Annotated[Words, BeforeValidator(_both)]
"""A text in both languages; one string stands for both, as for the name of a device."""
