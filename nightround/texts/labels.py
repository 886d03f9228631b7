"""Labels of REDCap projects that carry two languages in one text, such as `球囊扩张手术 Balloon session`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nightround.model.language import Language, Words
from nightround.texts.catalogue import wording

_TWO_LANGUAGES = re.compile(r"(?P<zh>\S.*[\u3400-\u9fff）][^\sA-Za-z]*)\s+(?P<en>[A-Za-z][^\u3400-\u9fff]*)")


def words_of_label(label: str) -> Words:
    """Take a label apart into Chinese and English; a label in one language stands for both."""
    both = _TWO_LANGUAGES.fullmatch(label.strip())
    return Words(both["zh"], both["en"]) if both else Words(label, label)


def at_visits(label: str, visits: Sequence[str], language: Language) -> str:
    """A field with the visits at which it is to be looked up; the label alone where it is that of the finding."""
    say = wording(language)
    return say("worklist.at_visits", label=label, visits=say.listed(visits)) if visits else label
