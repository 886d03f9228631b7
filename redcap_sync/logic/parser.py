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
from redcap_sync.logic.language import CALCDATE, FUNCTIONS, WORD_FUNCTIONS
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
    """`today`, `now`, `true` or `false` without quotes, until the function around it is known."""


def parse(text: str) -> Expression:
    """Read REDCap logic, such as `[villalta_total] >= 15 and [pts_grade] <> '3'`.

    Raise `LogicError`, with the place and a hint, for what cannot be read or represented.
    """
    if not text.strip():
        raise LogicError("logic.empty", text=text, position=0, hint="hint.write_logic")
    try:
        tree: Expression = _parser().parse(text)  # type: ignore[assignment]  # the embedded builder returns our nodes
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
        return _Word(token.lower())

    def signed(self, sign: Token, operand: Expression) -> Expression:
        return signed(str(sign), operand)

    def power(self, base: Expression, exponent: Expression) -> Expression:
        return Power(base, exponent)

    def product(self, *parts: Expression | Token) -> Expression:
        return _chain(parts)

    def sum(self, *parts: Expression | Token) -> Expression:
        return _chain(parts)

    def comparison(self, left: Expression, operator: Token, right: Expression) -> Expression:
        return Comparison("<>" if operator == "!=" else str(operator), left, right)

    def negated(self, operand: Expression) -> Expression:
        return Not(operand)

    def conjunction(self, *operands: Expression) -> Expression:
        return And(operands)

    def disjunction(self, *operands: Expression) -> Expression:
        return Or(operands)

    def call(self, name: Token, *arguments: Expression) -> Expression:
        function = name.lower()
        position = name.start_pos or 0
        _check_call(function, len(arguments), position)
        word = next((argument for argument in arguments if isinstance(argument, _Word)), None)
        if word is not None and function not in WORD_FUNCTIONS:
            raise Trouble("logic.bare_word", position, "hint.bare_word", word=word.value, function=function)
        return Call(function, tuple(Text(a.value) if isinstance(a, _Word) else a for a in arguments))


def _chain(parts: tuple[Expression | Token, ...]) -> Expression:
    operands = tuple(part for part in parts if isinstance(part, Expression))
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
