"""A message as a chat takes it: the plain text, cut at a sentence where the service takes no more of it."""

from __future__ import annotations

import re
from collections.abc import Callable

SENTENCE_ENDS = re.compile(r"(?<=[。！？；\n])|(?<=[.!?])(?= )")
"""After what a text may be cut. No address is, since no blank follows its dots."""
BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
ONE_LINE_END = "\n"
SIGNATURE = "Nightround"
"""The last line of each text. A robot of DingTalk or Feishu may demand a keyword: this one is always there."""


def chat_text(subject: str, text: str, *, longest: int, rest: Callable[[], str]) -> str:
    """Subject and text in at most `longest` bytes of UTF-8.

    Where that is not all, it ends at a sentence, and `rest`, which is asked only then, says where the whole of it is.
    """
    said = f"{subject}\n\n{BLANK_LINES.sub(ONE_LINE_END, text).strip()}"
    whole = f"{said}\n\n{SIGNATURE}"
    if _bytes(whole) <= longest:
        return whole
    end = f"\n\n{rest()}\n\n{SIGNATURE}"
    return _cut(said, longest - _bytes(end)) + end


def _cut(text: str, room: int) -> str:
    """As many whole sentences as there is room for; where not even one fits, as many characters."""
    kept, used = [], 0
    for sentence in SENTENCE_ENDS.split(text):
        used += _bytes(sentence)
        if used > room:
            break
        kept.append(sentence)
    return "".join(kept).rstrip() or text.encode()[: max(room, 0)].decode("utf-8", "ignore")


def _bytes(text: str) -> int:
    return len(text.encode())
