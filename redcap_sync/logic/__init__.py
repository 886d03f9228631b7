"""REDCap's logic language: text to tree, tree to values, JSON and words.

`parse` reads it, `Evaluator` works it out over whole columns, `interpret` over one row.
"""

from redcap_sync.logic.annotations import ActionTag, action_tags
from redcap_sync.logic.columns import Column, texts_of
from redcap_sync.logic.evaluator import Evaluator
from redcap_sync.logic.events import resolve
from redcap_sync.logic.interpreter import holds, interpret
from redcap_sync.logic.json_form import from_json, to_json
from redcap_sync.logic.parser import parse
from redcap_sync.logic.printer import to_logic
from redcap_sync.logic.switches import DEFAULT_SWITCHES, Switches
from redcap_sync.logic.syntax import Expression, Reference, references
from redcap_sync.logic.vectors import Texts
from redcap_sync.logic.wording import in_words

__all__ = [
    "DEFAULT_SWITCHES",
    "ActionTag",
    "Column",
    "Evaluator",
    "Expression",
    "Reference",
    "Switches",
    "Texts",
    "action_tags",
    "from_json",
    "holds",
    "in_words",
    "interpret",
    "parse",
    "references",
    "resolve",
    "texts_of",
    "to_json",
    "to_logic",
]
