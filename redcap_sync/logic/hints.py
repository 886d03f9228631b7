"""What is wrong with logic that does not follow the grammar, and what its author probably meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lark import Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from redcap_sync.logic.trouble import Trouble

_OPERANDS = frozenset({"NUMBER", "STRING", "BRACKETS", "_CLOSE", "WORD"})
_STARTS = frozenset({"NUMBER", "STRING", "BRACKETS", "_OPEN", "NAME", "WORD", "_NOT"})
_OPERATORS = frozenset({"COMPARISON", "SIGN", "TIMES", "_CARET", "_AND", "_OR", "_NOT"})

_CHARACTERS = {
    "'": ("A text is not closed.", "put the missing ' at its end"),
    '"': ("A text is not closed.", 'put the missing " at its end'),
    "[": ("A bracket is not closed.", "put the missing ] behind the field name"),
    "]": ("A bracket closes that was never opened.", "put the missing [ in front of the field name"),
    "&": ("& is no operator.", "write and"),
    "|": ("| is no operator.", "write or"),
    "!": ("! is no operator.", "write not, or <> for unequal"),
    "%": ("% is no operator.", "write mod(a, b) for the remainder"),
    ";": ("; does not separate arguments.", "write a comma"),
    "\u2265": ("The sign \u2265 is not part of logic.", "write >="),
    "\u2264": ("The sign \u2264 is not part of logic.", "write <="),
    "\u2260": ("The sign \u2260 is not part of logic.", "write <>"),
}
_CURLY = "\u2018\u2019\u201c\u201d"
_FULL_WIDTH = "\uff08\uff09\uff0c\uff1d\uff1c\uff1e\uff3b\uff3d\uff1b\uff1a"
_PAIRS = {
    "==": "write one = for equality",
    "=<": "write <=",
    "=>": "write >=",
    "=!": "write <>",
    "><": "write <>",
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
    return Trouble("The logic cannot be read.", 0, "compare it with a rule that works")


def _character(text: str, position: int) -> Trouble:
    character = text[position]
    if text.startswith(("&lt;", "&gt;", "&amp;", "&#"), position):
        return Trouble("An HTML entity stands here.", position, "write the sign itself: < for &lt; and > for &gt;")
    if character in _CHARACTERS:
        message, hint = _CHARACTERS[character]
        return Trouble(message, position, hint)
    if character in _CURLY:
        return Trouble("A curly quotation mark stands here.", position, "type straight quotes: ' or \"")
    if character in _FULL_WIDTH:
        half = chr(ord(character) - 0xFEE0)
        return Trouble(f"The full-width {character} stands here.", position, f"type the half-width {half}")
    return Trouble(f"The character {character} is not part of logic.", position, "remove it, or put the text in quotes")


def _token(text: str, token: Token, previous: Token | None) -> Trouble:  # noqa: PLR0911 - one return a mistake
    if token.type == "$END":
        return _too_early(text, previous)
    position = token.start_pos or 0
    if previous is not None and previous.type == "NAME":
        return _bare_name(previous)
    if token.type == "WORD":
        return Trouble(f"{token} stands without quotes.", position, f"write '{token.lower()}' in quotes")
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
        return Trouble("A parenthesis is not closed.", end, "put the missing ) where it belongs")
    return Trouble("The logic ends too early.", end, "something must follow the last sign")


def _bare_name(name: Token) -> Trouble:
    return Trouble(
        f"{name} stands without brackets or quotes.",
        name.start_pos or 0,
        f"write [{name.lower()}] for a field, '{name}' for a text, {name.lower()}( ) for a function",
    )


def _doubled(text: str, token: Token, previous: Token) -> Trouble:
    start = previous.start_pos or 0
    pair = text[start : start + 2]
    hint = _PAIRS.get(pair, "write one of = <> < > <= >=")
    return Trouble(f"{previous}{token} is no operator.", start, hint)


def _close(position: int, previous: Token | None) -> Trouble:
    if previous is not None and previous.type in _OPERANDS:
        return Trouble(
            "A parenthesis closes that was never opened.", position, "remove it, or put the missing ( in front"
        )
    return Trouble("Something is missing in front of the parenthesis.", position, "give a field, number or text")


def _comma(position: int, previous: Token | None) -> Trouble:
    if previous is not None and previous.type == "NUMBER":
        hint = "write a decimal point, not a comma; commas only separate the arguments of a function"
        return Trouble("A comma stands outside a function.", position, hint)
    if previous is not None and previous.type in _OPERANDS:
        return Trouble(
            "A comma stands outside a function.", position, "commas only separate the arguments of a function"
        )
    return Trouble("An argument is missing.", position, "give a value in front of the comma; '' is the blank")


def _missing_operator(position: int, token: Token, previous: Token) -> Trouble:
    if previous.type == "BRACKETS" and token.type == "_OPEN":
        return Trouble("An operator is missing.", position, "the code of a checkbox stands inside: [field(code)]")
    if previous.type == token.type == "BRACKETS":
        return Trouble(
            "An operator is missing.",
            position,
            "write and, or, = ... between two fields; [event][field] takes no space",
        )
    return Trouble("An operator is missing.", position, "write and, or, =, <>, + ... between the two")


def _misplaced(position: int, token: Token, previous: Token | None) -> Trouble:
    if token.type == "COMPARISON" and previous is not None and previous.type in _OPERANDS:
        hint = "join two comparisons with and: 1 < [f] and [f] < 5"
        return Trouble("Comparisons cannot be chained.", position, hint)
    if token.type == "_CARET" and previous is not None and previous.type in _OPERANDS:
        return Trouble("Powers cannot be chained.", position, "put one of them in parentheses: ((a)^(b))^(c)")
    if token.type in _OPERATORS and (previous is None or previous.type not in _OPERANDS):
        return Trouble(f"Something is missing in front of {token}.", position, "give a field, number or text")
    return Trouble(f"{token} cannot stand here.", position, "compare it with a rule that works")
