"""Labels of REDCap projects that carry two languages in one text, such as `球囊扩张手术 Balloon session`."""

from __future__ import annotations

import re

from nightround.model.language import Words

_TWO_LANGUAGES = re.compile(r"(?P<zh>\S.*[\u3400-\u9fff）][^\sA-Za-z]*)\s+(?P<en>[A-Za-z][^\u3400-\u9fff]*)")


def words_of_label(label: str) -> Words:
    """Take a label apart into Chinese and English; a label in one language stands for both."""
    both = _TWO_LANGUAGES.fullmatch(label.strip())
    return Words(both["zh"], both["en"]) if both else Words(label, label)
