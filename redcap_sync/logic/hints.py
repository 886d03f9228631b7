"""What is wrong with logic that does not follow the grammar, and what its author probably meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from lark import Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from redcap_sync.logic.trouble import Trouble

_OPERANDS = frozenset({"NUMBER", "STRING", "BRACKETS", "_CLOSE", "WORD"})
_STARTS = frozenset({"NUMBER", "STRING", "BRACKETS", "_OPEN", "NAME", "WORD", "_NOT", "_BANG"})
_OPERATORS = frozenset({"COMPARISON", "SIGN", "TIMES", "_CARET", "_AND", "_OR", "_NOT", "_BANG"})

_CHARACTERS = {
    "'": ("logic.open_text", "hint.close_quote"),
    '"': ("logic.open_text", "hint.close_quote"),
    "[": ("logic.open_bracket", "hint.close_bracket"),
    "]": ("logic.stray_bracket", "hint.open_bracket"),
    "&": ("logic.not_operator", "hint.write_and"),
    "|": ("logic.not_operator", "hint.write_or"),
    "%": ("logic.not_operator", "hint.write_mod"),
    ";": ("logic.semicolon", "hint.write_comma"),
}
_SIGNS = {"\u2265": ">=", "\u2264": "<=", "\u2260": "<>"}
_CURLY = "\u2018\u2019\u201c\u201d"
_FULL_WIDTH = "\uff08\uff09\uff0c\uff1d\uff1c\uff1e\uff3b\uff3d\uff1b\uff1a"
_PAIRS = {
    "=<": "<=",
    "=>": ">=",
    "=!": "<>",
    "><": "<>",
}


def explain(text: str, error: UnexpectedInput, read_before: Callable[[int], Sequence[Token]]) -> Trouble:
    """Say in the user's words what the parser stumbled over.

    `read_before` gives the tokens in front of a position.
    """
    if isinstance(error, UnexpectedCharacters):
        return _character(text, error.pos_in_stream or 0)
    if isinstance(error, UnexpectedToken):
        at_end = error.token.type == "$END"
        before = read_before(len(text) if at_end else error.token.start_pos or 0)
        return _token(text, error.token, before[-1] if before else None)
    return Trouble("logic.unreadable", 0, "hint.compare")


def _character(text: str, position: int) -> Trouble:
    character = text[position]
    if text.startswith(("&lt;", "&gt;", "&amp;", "&#"), position):
        return Trouble("logic.entity", position, "hint.entity")
    if character in _CHARACTERS:
        code, hint = _CHARACTERS[character]
        return Trouble(code, position, hint, sign=character)
    if character in _SIGNS:
        return Trouble("logic.sign", position, "hint.write_sign", sign=character, right=_SIGNS[character])
    if character in _CURLY:
        return Trouble("logic.curly", position, "hint.straight_quotes")
    if character in _FULL_WIDTH:
        half = chr(ord(character) - 0xFEE0)
        return Trouble("logic.full_width", position, "hint.half_width", sign=character, half=half)
    return Trouble("logic.sign", position, "hint.remove", sign=_visible(character))


def _visible(character: str) -> str:
    """A character that can be seen as it is; any other one by its code and its name in Unicode."""
    if unicodedata.category(character)[0] not in "CZ" and not unicodedata.combining(character):
        return character
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'control').lower()})"


def _token(text: str, token: Token, previous: Token | None) -> Trouble:  # noqa: PLR0911 - one return a mistake
    if token.type == "$END":
        return _too_early(text, previous)
    position = token.start_pos or 0
    if previous is not None and previous.type == "NAME":
        return _bare_name(previous)
    if token.type == "WORD":
        return Trouble("logic.word", position, "hint.quote_word", word=str(token), lower=token.lower())
    if previous is not None and previous.type == token.type == "COMPARISON":
        return _doubled(text, token, previous)
    if token.type == "_CLOSE":
        return _close(position, previous)
    if token.type == "_COMMA":
        return _comma(position, previous)
    if previous is not None and previous.type in _OPERANDS and token.type in _STARTS:
        return _missing_operator(position, token, previous)
    return _misplaced(position, token, previous)


def _too_early(text: str, previous: Token | None) -> Trouble:
    if previous is not None and previous.type == "NAME":
        return _bare_name(previous)
    end = len(text.rstrip())
    if previous is not None and previous.type in _OPERANDS:
        return Trouble("logic.open_parenthesis", end, "hint.close_parenthesis")
    return Trouble("logic.too_early", end, "hint.something_follows")


def _bare_name(name: Token) -> Trouble:
    return Trouble("logic.name", name.start_pos or 0, "hint.name", word=str(name), lower=name.lower())


def _doubled(text: str, token: Token, previous: Token) -> Trouble:
    start = previous.start_pos or 0
    pair = text[start : start + 2]
    sign = f"{previous}{token}"
    if right := _PAIRS.get(pair):
        return Trouble("logic.not_operator", start, "hint.write_sign", sign=sign, right=right)
    hint = "hint.write_equal" if pair == "==" else "hint.write_comparison"
    return Trouble("logic.not_operator", start, hint, sign=sign)


def _close(position: int, previous: Token | None) -> Trouble:
    if previous is not None and previous.type in _OPERANDS:
        return Trouble("logic.stray_parenthesis", position, "hint.open_parenthesis")
    return Trouble("logic.nothing_before_parenthesis", position, "hint.operand")


def _comma(position: int, previous: Token | None) -> Trouble:
    if previous is not None and previous.type == "NUMBER":
        return Trouble("logic.comma", position, "hint.decimal_point")
    if previous is not None and previous.type in _OPERANDS:
        return Trouble("logic.comma", position, "hint.commas")
    return Trouble("logic.argument", position, "hint.argument")


def _missing_operator(position: int, token: Token, previous: Token) -> Trouble:
    if previous.type == "BRACKETS" and token.type == "_OPEN":
        return Trouble("logic.operator", position, "hint.checkbox_code")
    if previous.type == token.type == "BRACKETS":
        return Trouble("logic.operator", position, "hint.between_fields")
    return Trouble("logic.operator", position, "hint.between")


def _misplaced(position: int, token: Token, previous: Token | None) -> Trouble:
    if token.type == "COMPARISON" and previous is not None and previous.type in _OPERANDS:
        return Trouble("logic.chained", position, "hint.join_comparisons")
    if token.type == "_CARET" and previous is not None and previous.type in _OPERANDS:
        return Trouble("logic.chained_powers", position, "hint.group_powers")
    if token.type in _OPERATORS and (previous is None or previous.type not in _OPERANDS):
        return Trouble("logic.nothing_before", position, "hint.operand", sign=str(token))
    return Trouble("logic.misplaced", position, "hint.compare", word=str(token))
