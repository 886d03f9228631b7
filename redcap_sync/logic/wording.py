"""Logic said in words, for the catalogue of rules and for those who have to fix the data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from redcap_sync.dictionary import Dictionary
from redcap_sync.logic.labels import Labels
from redcap_sync.logic.printer import number_as_logic
from redcap_sync.logic.syntax import (
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
    Sign,
    Text,
)
from redcap_sync.logic.wording_phrases import NEGATIVE_FUNCTIONS, Language, is_statement, phrase_of, phrases

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*")
_DATE_FUNCTIONS = ("calcdate",)
_SIGNED = ("true", "1")
_MIRRORED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_SIGNS = {"+": " + ", "-": " \u2212 ", "*": " × ", "/": " ÷ "}
_AND, _OR = "joining.and", "joining.or"


def in_words(expression: Expression, dictionary: Dictionary, language: Language) -> str:
    """Say an expression in Chinese or English, with the labels of fields, options and events.

    Of `[total] >= 15 and [grade] <> '3'` the English is: PTS grade is not ‘Severe’ although Villalta total
    is 15 or more.
    """
    speaker = _Speaker(Labels(dictionary, language), language)
    is_condition = isinstance(expression, Comparison | And | Or | Not) or _statement(expression)
    said = speaker.sentence(expression) if is_condition else speaker.value(expression)
    return said[:1].upper() + said[1:] if language == "en" else said


def _statement(node: Expression) -> bool:
    return isinstance(node, Call) and is_statement(node.name)


class _Clause(NamedTuple):
    """A subject and what is said of it; `negative` when it says that something is not so."""

    subject: str
    predicate: str
    negative: bool


@dataclass(frozen=True)
class _Speaker:
    labels: Labels
    language: Language

    def sentence(self, node: Expression) -> str:
        """A condition; the one thing that is not so is set against all the rest."""
        if not isinstance(node, And):
            return self._joined([self.clause(node)], _AND)
        clauses = [self.clause(operand, nested=True) for operand in node.operands]
        negative = [clause for clause in clauses if clause.negative]
        if len(negative) != 1:
            return self._joined(clauses, _AND)
        rest = self._joined([clause for clause in clauses if not clause.negative], _AND)
        return self._say("condition.although", rest, self._joined(negative, _AND))

    def clause(self, node: Expression, *, nested: bool = False) -> _Clause:
        """A condition as subject and predicate."""
        match node:
            case Comparison():
                return self._comparison(node)
            case And(operands) | Or(operands):
                word = _AND if isinstance(node, And) else _OR
                said = self._joined([self.clause(operand, nested=True) for operand in operands], word)
                return _Clause("", self._say("joining.bracketed", said) if nested else said, negative=False)
            case Not(operand):
                return self._negation(operand)
            case Call(name, arguments) if is_statement(name):
                return self._statement(name, arguments, holds=True)
            case Reference(code=code) if code:
                return self._tick(node, ticked=True)
        return _Clause(self.value(node), self._say("condition.counts_as_true"), negative=False)

    def value(self, node: Expression) -> str:  # noqa: PLR0911 - one return for each kind of node
        """A value as a noun."""
        match node:
            case Number(number):
                return number_as_logic(number).replace("-", "\u2212")
            case Text(text):
                return self._text(text)
            case Reference():
                return self._reference(node)
            case Sign(sign, operand):
                return f"{sign.replace('-', chr(0x2212))}{self._operand(operand)}"
            case Chain(operators, operands):
                signs = ("", *(_SIGNS[operator] for operator in operators))
                return "".join(f"{sign}{self._operand(part)}" for sign, part in zip(signs, operands, strict=True))
            case Power(base, exponent):
                return self._say("value.power", self._operand(base), self._operand(exponent))
            case Call(name, arguments) if not is_statement(name):
                return self._call(name, arguments)
        return self._say("condition.one_if", self._joined([self.clause(node)], _AND))

    def _say(self, code: str, /, *parts: str, **named: str) -> str:
        return phrase_of(code, self.language, *parts, **named)

    def _joined(self, clauses: Sequence[_Clause], word: str) -> str:
        """Clauses in a row; a subject that stays the same is said once."""
        said, last = [], ""
        for clause in clauses:
            space = " " if self.language == "en" and clause.subject else ""
            repeated = clause.subject != "" and clause.subject == last
            said.append(clause.predicate if repeated else f"{clause.subject}{space}{clause.predicate}")
            last = clause.subject
        return self._say(word).join(said)

    def _comparison(self, node: Comparison) -> _Clause:
        operator, left, right = node.operator, node.left, node.right
        if isinstance(left, Number | Text) and not isinstance(right, Number | Text):
            operator, left, right = _MIRRORED[operator], right, left
        negative = operator == "<>"
        if right == Text(""):
            blank = operator == "="
            if operator in ("=", "<>"):
                return _Clause(
                    self.value(left), self._say("condition.blank" if blank else "condition.filled"), negative=blank
                )
        if isinstance(left, Reference) and left.code and operator in ("=", "<>") and _tick_of(right) is not None:
            return self._tick(left, ticked=_tick_of(right) != negative)
        if f"difference.{operator}" in phrases() and (pair := _difference(left)) is not None:
            subject = self._items([self.value(part) for part in pair])
            return _Clause(subject, self._say(f"difference.{operator}", self.value(right)), negative=False)
        return _Clause(
            self.value(left),
            self._say(_relation(operator, self._is_date(left, right), right), self._other_side(left, right)),
            negative,
        )

    def _other_side(self, left: Expression, right: Expression) -> str:
        """The right side; a code is said as the option it stands for."""
        if isinstance(left, Reference) and isinstance(right, Number | Text):
            code = right.value if isinstance(right, Text) else number_as_logic(right.value)
            option = self.labels.option(left, code)
            if option is not None:
                return option
        return self.value(right)

    def _is_date(self, *sides: Expression) -> bool:
        for side in sides:
            field = self.labels.known(side) if isinstance(side, Reference) else None
            if field is not None and field.kind in ("date", "datetime"):
                return True
            if isinstance(side, Call) and side.name in _DATE_FUNCTIONS:
                return True
            if isinstance(side, Text) and (_DATE.fullmatch(side.value) or f"today.{side.value}" in phrases()):
                return True
        return False

    def _tick(self, reference: Reference, *, ticked: bool) -> _Clause:
        option = self.labels.option(reference, reference.code) or self.labels.quoted(reference.code)
        said = "condition.ticked" if ticked else "condition.unticked"
        return _Clause(self.labels.field(reference), self._say(said, option), negative=not ticked)

    def _negation(self, operand: Expression) -> _Clause:
        match operand:
            case Comparison("=" | "<>" as operator, left, right):
                return self._comparison(Comparison("<>" if operator == "=" else "=", left, right))
            case Call(name, arguments) if is_statement(name):
                return self._statement(name, arguments, holds=False)
            case Reference(code=code) if code:
                return self._tick(operand, ticked=False)
            case Comparison() | And() | Or() | Not():
                said = self._joined([self.clause(operand)], _AND)
                return _Clause("", self._say("condition.not_the_case", said), negative=True)
        return _Clause(self.value(operand), self._say("condition.counts_as_false"), negative=True)

    def _statement(self, name: str, arguments: Sequence[Expression], *, holds: bool) -> _Clause:
        parts = [self.value(argument) for argument in arguments]
        said = self._say(f"statement.{name}.{'holds' if holds else 'fails'}", *parts)
        return _Clause(parts[0], said, negative=(name in NEGATIVE_FUNCTIONS) == holds)

    def _text(self, text: str) -> str:
        if text == "":
            return self._say("value.blank")
        if f"today.{text}" in phrases():
            return self._say(f"today.{text}")
        is_plain = _DATE.fullmatch(text) or re.fullmatch(r"-?[0-9.]+", text)
        return text if is_plain else self.labels.quoted(text)

    def _reference(self, reference: Reference) -> str:
        label = self.labels.field(reference)
        if reference.code:
            option = self.labels.option(reference, reference.code) or self.labels.quoted(reference.code)
            return self._say("value.option_of", option, label)
        return self._say("value.shown_as", label) if reference.modifier not in ("", "value") else label

    def _operand(self, node: Expression) -> str:
        said = self.value(node)
        return self._say("joining.bracketed", said) if isinstance(node, Chain | Power | Sign) else said

    def _items(self, items: Sequence[str]) -> str:
        if len(items) == 1:
            return items[0]
        first = self._say("joining.between_items").join(items[:-1])
        return f"{first}{self._say('joining.last_item')}{items[-1]}"

    def _call(self, name: str, arguments: Sequence[Expression]) -> str:
        if name == "if":
            condition = self._joined([self.clause(arguments[0])], _AND)
            return self._say("condition.if", condition, *(self.value(argument) for argument in arguments[1:]))
        parts = [self.value(argument) for argument in arguments]
        if name == "datediff":
            return self._datediff(arguments, parts)
        code = f"function.{name}/{len(parts)}"
        code = code if code in phrases() else f"function.{name}"
        return self._say(code, *parts, all=self._items(parts), rest=self._items(parts[1:] or parts))

    def _datediff(self, arguments: Sequence[Expression], parts: Sequence[str]) -> str:
        unit = arguments[2]
        code = f"unit.{unit.value}" if isinstance(unit, Text) else ""
        signed = any(_is_word(argument, _SIGNED) for argument in arguments[3:])
        said = "datediff.from_to" if signed else "datediff.between"
        return self._say(said, parts[0], parts[1], self._say(code) if code in phrases() else parts[2])


def _relation(operator: str, of_dates: bool, right: Expression) -> str:  # noqa: FBT001 - what _is_date found
    literal = isinstance(right, Number | Text)
    kind = "equal_to" if operator in ("=", "<>") else "order"
    other = "date" if of_dates and kind == "order" else "literal" if literal else "value"
    return f"{kind}.{other}.{operator}"


def _tick_of(node: Expression) -> bool | None:
    """What 1 and 0 say of an option of a checkbox."""
    if _is_word(node, ("1",)):
        return True
    return False if _is_word(node, ("0",)) else None


def _is_word(node: Expression, words: tuple[str, ...]) -> bool:
    if isinstance(node, Number):
        return number_as_logic(node.value) in words
    return isinstance(node, Text) and node.value.lower() in words


def _difference(node: Expression) -> tuple[Expression, Expression] | None:
    """The two sides of `abs(a - b)`."""
    match node:
        case Call("abs", (Chain(("-",), (first, second)),)):
            return first, second
    return None
