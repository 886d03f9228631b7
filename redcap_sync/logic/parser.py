"""Logic as text, turned into a syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from math import isfinite
from typing import NoReturn

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from redcap_sync.errors import LogicError
from redcap_sync.logic.brackets import read_brackets
from redcap_sync.logic.grammar import GRAMMAR
from redcap_sync.logic.hints import explain
from redcap_sync.logic.language import CALCDATE, FUNCTIONS, TRUTH, WORD_FUNCTIONS
from redcap_sync.logic.literal_dates import format_of, impossible_dates, impossible_format, impossible_unit
from redcap_sync.logic.syntax import (
    MAX_DEPTH,
    And,
    Call,
    Chain,
    Comparison,
    Expression,
    Not,
    Number,
    Or,
    Power,
    Reference,
    Text,
    signed,
)
from redcap_sync.logic.trouble import Trouble


class _Word(Text):
    """`today`, `now`, `true` or `false` without quotes, until it is known what is around it."""

    position: int = 0

    @classmethod
    def at(cls, position: int, written: str) -> _Word:
        """A word that begins at `position` of the logic."""
        made = cls(written.lower())
        made.__dict__["position"] = position
        return made


def parse(text: str) -> Expression:
    """Read REDCap logic, such as `[villalta_total] >= 15 and [pts_grade] <> '3'`.

    Raise `LogicError`, with the place and a hint, for what cannot be read or represented.
    """
    if not text.strip():
        raise LogicError("logic.empty", text=text, position=0, hint="hint.write_logic")
    try:
        tree: Expression = _value(_parser().parse(text))  # type: ignore[arg-type]  # the builder returns our nodes
    except UnexpectedInput as error:
        _refuse(text, explain(text, error, lambda end: list(_parser().lex(text[:end]))))
    except Trouble as trouble:
        _refuse(text, trouble)
    _check_whole(text, tree)
    return tree


def _refuse(text: str, trouble: Trouble) -> NoReturn:
    raise LogicError(trouble.code, text=text, position=trouble.position, hint=trouble.hint, **trouble.facts) from None


def _check_whole(text: str, tree: Expression) -> None:
    if tree.depth > MAX_DEPTH:
        _refuse(text, Trouble("logic.too_deep", 0, "hint.split", depth=MAX_DEPTH))
    piped = next(_piped_in_functions(tree), None)
    if piped is not None:
        position = max(text.find(f":{piped.modifier}"), 0)
        _refuse(text, Trouble("logic.modifier", position, "hint.modifier", modifier=piped.modifier))


def _piped_in_functions(tree: Expression) -> Iterator[Reference]:
    waiting: list[tuple[Expression, bool]] = [(tree, False)]
    while waiting:
        node, inside = waiting.pop()
        if inside and isinstance(node, Reference) and node.modifier:
            yield node
        waiting.extend((child, inside or isinstance(node, Call)) for child in node.children)


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer="basic", transformer=_Builder())


@v_args(inline=True)
class _Builder(Transformer[Token, Expression]):
    """Builds our nodes while the text is being read, from the leaves up; no recursion, however deep the text."""

    def number(self, token: Token) -> Expression:
        value = float(token)
        if not isfinite(value):
            raise Trouble("logic.large_number", token.start_pos or 0, "hint.digits")
        return Number(value)

    def text(self, token: Token) -> Expression:
        return Text(token[1:-1])

    def reference(self, token: Token) -> Expression:
        return read_brackets(token, token.start_pos or 0)

    def word(self, token: Token) -> Expression:
        return _Word.at(token.start_pos or 0, token)

    def signed(self, sign: Token, operand: Expression) -> Expression:
        return signed(str(sign), _value(operand))

    def power(self, base: Expression, exponent: Expression) -> Expression:
        return Power(_value(base), _value(exponent))

    def product(self, *parts: Expression | Token) -> Expression:
        return _chain(parts)

    def sum(self, *parts: Expression | Token) -> Expression:
        return _chain(parts)

    def comparison(self, left: Expression, operator: Token, right: Expression) -> Expression:
        return Comparison("<>" if operator == "!=" else str(operator), _value(left), _value(right))

    def negated(self, operand: Expression) -> Expression:
        return Not(_value(operand))

    def conjunction(self, *operands: Expression) -> Expression:
        return And(tuple(map(_value, operands)))

    def disjunction(self, *operands: Expression) -> Expression:
        return Or(tuple(map(_value, operands)))

    def call(self, name: Token, *arguments: Expression) -> Expression:
        function = name.lower()
        position = name.start_pos or 0
        _check_call(function, len(arguments), position)
        if function not in WORD_FUNCTIONS:
            return Call(function, tuple(map(_value, arguments)))
        read = tuple(Text(one.value) if isinstance(one, _Word) else one for one in arguments)
        _check_written(function, read, position)
        return Call(function, read)


def _value(node: Expression) -> Expression:
    """A node where a value is expected: bare `true` and `false` are 1 and 0, bare `today` and `now` are none."""
    if not isinstance(node, _Word):
        return node
    if node.value in TRUTH:
        return Number(TRUTH[node.value])
    raise Trouble("logic.bare_word", node.position, "hint.bare_word", word=node.value)


def _check_written(function: str, arguments: tuple[Expression, ...], position: int) -> None:
    """Refuse a unit, a date format or a date that can never be one: with it the rule would be silent for ever."""
    unit = impossible_unit(function, arguments)
    if unit is not None:
        raise Trouble("logic.unit", position, "hint.units", unit=unit, function=function)
    form = impossible_format(function, arguments)
    if form is not None:
        raise Trouble("logic.date_format", position, "hint.date_formats", format=form)
    for written in impossible_dates(function, arguments):
        raise Trouble("logic.date", position, f"hint.date_{format_of(function, arguments)}", date=written)


def _chain(parts: tuple[Expression | Token, ...]) -> Expression:
    operands = tuple(_value(part) for part in parts if isinstance(part, Expression))
    return Chain(tuple(str(part) for part in parts if isinstance(part, Token)), operands)


def _check_call(function: str, count: int, position: int) -> None:
    if function == CALCDATE:
        raise Trouble("logic.calcdate", position, "hint.calcdate")
    arity = FUNCTIONS.get(function)
    if arity is None:
        near = next(iter(get_close_matches(function, FUNCTIONS, n=1, cutoff=0.7)), "")
        hint = "hint.near_function" if near else "hint.no_function"
        raise Trouble("logic.unknown_function", position, hint, function=function, near=near)
    if not arity.accepts(count):
        raise Trouble(
            "logic.arguments",
            position,
            arity.hint(),
            function=function,
            count=count,
            least=arity.least,
            most=arity.most,
        )
