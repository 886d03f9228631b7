"""How a plan names a field and writes a text: the two things every part of it is made of."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator

from nightround.model.language import LANGUAGES, Words
from nightround.study.study_model import wrong_value
from redcap_sync.column_name import ColumnName


class FieldRef(NamedTuple):
    """A field at an event: `[event][field]`, `[event][field(code)]` for a checkbox option, or `[field]`."""

    event: str
    field: str

    @property
    def column(self) -> str:
        """The name of its column in a frame of patients."""
        return str(ColumnName(self.field, event=self.event)) if self.event else self.field

    @property
    def dictionary_field(self) -> str:
        """The field as the dictionary names it, for an option of a checkbox too."""
        return ColumnName.parse(self.field).field


_REFERENCE = re.compile(r"(?:\[(?P<event>[a-z0-9_]+)\])?\[(?P<field>\w+)(?:\((?P<code>[\w-]+)\))?\]|(?P<bare>[^\[\]]+)")


def _reference(written: Any) -> Any:
    if not isinstance(written, str):
        return written
    found = _REFERENCE.fullmatch(written.strip())
    if found is None:
        raise wrong_value("reference", written=written)
    if found["bare"]:
        return FieldRef("", found["bare"].strip())
    return FieldRef(found["event"] or "", ColumnName(found["field"], found["code"] or "").exported)


def _both(written: Any) -> Any:
    """One string stands for both languages, and a language that is left out says what the other says."""
    if isinstance(written, str):
        return {"zh": written, "en": written}
    if isinstance(written, dict) and len(written) == 1 and next(iter(written)) in LANGUAGES:
        return dict.fromkeys(LANGUAGES, next(iter(written.values())))
    return written


Reference = Annotated[FieldRef, BeforeValidator(_reference)]
Text = Annotated[Words, BeforeValidator(_both)]
"""A text in both languages; one string stands for both, as for the name of a device."""
