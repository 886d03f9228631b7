"""Text that was typed into REDCap, made harmless for a page: nothing hidden, nothing reversed, nothing endless."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from nightround.report.printing.metrics import printable

LONGEST_FIELD = 2000
"""Characters; 100 kB of unbroken text was measured to keep a layout busy for a minute."""

HARMFUL = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"  # invisible, and those that turn the writing direction
    "\ud800-\udfff"  # half characters, which cannot be encoded
    "\ufdd0-\ufdef\ufeff\ufff9-\uffff"
    "]"
)
HAN = "\u3400-\u4dbf\u4e00-\u9fff"
BETWEEN_SCRIPTS = re.compile(f"(?<=[{HAN}])(?=[A-Za-z0-9<>≤≥±χ])|(?<=[A-Za-z0-9%²³*])(?=[{HAN}])")
"""Where Chinese script meets Latin letters or figures; typesetters leave a quarter of an em there."""
COUNTED = re.compile(r"(?<=[0-9]) ?(?=[例项条行次夜天页个岁级年])")
"""Between a figure and the word it counts, which no line may end between."""
BLANK = frozenset("\t\n\r")


def clean(text: str) -> str:
    """`text` without control, invisible, direction and half characters, cut after LONGEST_FIELD characters."""
    kept = HARMFUL.sub("", text)
    return kept if len(kept) <= LONGEST_FIELD else f"{kept[: LONGEST_FIELD - 1]}…"


def spaced(text: str) -> str:
    """`text` with a narrow room between Chinese script and Latin letters or figures. Twice is as good as once."""
    return BETWEEN_SCRIPTS.sub(" ", COUNTED.sub("\u00a0", text))


def missing_characters(texts: Iterable[str], fonts: Path) -> tuple[str, ...]:
    """The characters the fonts in the folder cannot print; each would appear as an empty box."""
    used = {character for text in texts for character in text} - BLANK
    return tuple(sorted(character for character in used if ord(character) not in printable(fonts)))
