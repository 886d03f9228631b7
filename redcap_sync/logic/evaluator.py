"""Logic worked out over whole columns, with everything that rules have in common done once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from threading import RLock
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from redcap_sync.column_name import ColumnName
from redcap_sync.errors import LogicError
from redcap_sync.logic.calculating import chained, choose_values, power, signed
from redcap_sync.logic.coded_values import without_codes
from redcap_sync.logic.columns import Column, load
from redcap_sync.logic.comparing import compare
from redcap_sync.logic.functions import BY_DISTINCT_TEXTS, OF_VALUES, Setting, call
from redcap_sync.logic.literal_dates import with_stored_dates
from redcap_sync.logic.switches import DEFAULT_SWITCHES, Switches
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
from redcap_sync.logic.vectors import (
    Booleans,
    Floats,
    Mask,
    Numbers,
    Vector,
    as_texts,
    constant_number,
    constant_text,
)
from redcap_sync.missing_codes import MissingCodes

Uses: TypeAlias = "Counter[Expression | str]"
AnyColumn: TypeAlias = "Column | pd.Series[Any] | npt.NDArray[Any]"


class Evaluator:
    """Evaluates any number of expressions on one batch of rows.

    `columns` gives a column for a canonical name (`Reference.column`); what it gives is loaded once.
    `length` is the number of rows, `now` the moment that `today` and `now` stand for.
    `missing_codes` are the project's missing data codes.

    Every subtree that was worked out is kept. One of its `parts` keeps a subtree only while expressions
    that were announced still need it.
    """

    def __init__(
        self,
        columns: Callable[[str], AnyColumn] | Mapping[str, AnyColumn],
        *,
        length: int,
        now: datetime,
        switches: Switches = DEFAULT_SWITCHES,
        missing_codes: Collection[str] = (),
    ) -> None:
        self._columns = columns.__getitem__ if isinstance(columns, Mapping) else columns
        self._length = length
        self._setting = Setting(now, switches, MissingCodes.of(missing_codes))
        self._memo: dict[Expression | str, Vector] = {}
        self._constants: dict[float | str, Vector] = {}
        self._uses: Uses | None = None
        self._one_at_a_time = RLock()

    @property
    def missing_codes(self) -> MissingCodes:
        """The project's missing data codes."""
        return self._setting.missing_codes

    def truth(self, expression: Expression) -> Mask:
        """Where the expression is true: one plain bool a row, read-only."""
        return self._rows(self._vector(expression).truth)

    def numbers(self, expression: Expression) -> Floats:
        """The expression as float64, one a row; NaN where it is blank or no number."""
        return self._rows(self._vector(expression).numbers)

    def values(self, expression: Expression, *, text: bool = False) -> pd.Series[str]:
        """What REDCap would store, as texts; blanks are ''.

        A calc field contains numbers only, so anything else is blank; with `text`, as for @CALCTEXT and
        @CALCDATE, it stays.
        """
        found = self._vector(expression)
        if not text and not isinstance(found, Numbers | Booleans):
            found = Numbers(found.numbers)
        texts = as_texts(found, self._setting.switches.printed_digits)
        return pd.Series(self._rows(texts.spread(texts.uniques, "")), dtype="str")

    def filled(self, column: str) -> Mask:
        """Where a column contains a value that is no missing data code, read-only."""
        return self._rows(~self._without_codes(self._column(column), ColumnName.parse(column).field).blank)

    def parts(
        self,
        parts: Iterable[slice],
        expressions: Iterable[Expression],
        *,
        filled: Iterable[str] = (),
        run: Callable[..., Iterable[Any]] = map,
    ) -> list[Evaluator]:
        """An evaluator for each of some parts of the rows, `start` to `stop`; all of this is announced to each.

        Each part may belong to another thread: columns, and what goes by distinct texts, are worked out
        here for all rows, once, and nothing else is shared. The columns are taken up by now, with `run`
        for `map`, such as that of a pool of threads; one that is missing is left to the expression that asks for it.
        """
        uses = _uses_of(expressions, filled)
        columns = [key for key in uses if isinstance(key, str)]
        found = zip(columns, run(self._load_quietly, columns), strict=True)
        self._memo.update((name, vector) for name, vector in found if vector is not None)
        return [_Part(self, rows, uses.copy()) for rows in parts]

    def of_all_rows(self, key: Expression | str) -> Vector:
        """A column or the value of an expression, for the parts; every one waits until it is there."""
        found = self._memo.get(key)
        if found is None:
            with self._one_at_a_time:
                found = self._column(key) if isinstance(key, str) else self._vector(key)
        return found

    @property
    def kept(self) -> int:
        """How many columns and results are kept at the moment."""
        return len(self._memo)

    def _rows(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        rows = array.view() if len(array) == self._length else np.broadcast_to(array, (self._length,))
        rows.flags.writeable = False
        return rows

    def _vector(self, node: Expression) -> Vector:
        if isinstance(node, Reference):
            return self._column(node.column)
        if isinstance(node, Number | Text):
            return self._constant(node.value)
        found = self._memo.get(node)
        if found is None:
            found = self._memo[node] = self._work_out(node)
        self._release(node)
        return found

    def _constant(self, value: float | str) -> Vector:
        found = self._constants.get(value)
        if found is None:
            found = constant_text(value) if isinstance(value, str) else constant_number(value)
            self._constants[value] = found
        return found

    def _column(self, name: str) -> Vector:
        found = self._memo.get(name)
        if found is None:
            found = self._memo[name] = self._load(name)
        self._release(name)
        return found

    def _release(self, key: Expression | str) -> None:
        """Let go of what nobody who announced himself will ask for again."""
        if self._uses is not None:
            self._uses[key] -= 1
            if self._uses[key] <= 0:
                del self._memo[key]

    def _load_quietly(self, name: str) -> Vector | None:
        try:
            return self._load(name)
        except Exception:  # noqa: BLE001 - raised again by the rule that needs it, which then is the one to fail
            return None

    def _load(self, name: str) -> Vector:
        try:
            return load(self._columns(name))
        except KeyError:
            raise LogicError("logic.column", text=name, position=0, hint="hint.column", name=name) from None

    def _work_out(self, node: Expression) -> Vector:
        match node:
            case Comparison() | And() | Or() | Not():
                return Booleans(self._judged(node))
            case Call("if", (condition, first, second)):
                return self._if(condition, first, second)
            case Call(name, arguments):
                read = with_stored_dates(name, arguments)
                take = self._value if name in OF_VALUES else self._vector
                return call(name, [take(argument) for argument in read], self._setting)
        return Numbers(self._calculated(node))

    def _judged(self, node: Comparison | And | Or | Not) -> Mask:
        match node:
            case Comparison(operator, left, right):
                values = operator not in ("=", "<>")
                one, other = (self._literal(side, values=values) for side in (left, right))
                return compare(operator, one, other, self._setting.switches)
            case And(operands):
                return self._joined(operands, np.logical_and)
            case Or(operands):
                return self._joined(operands, np.logical_or)
            case Not(operand):
                return ~self._vector(operand).truth

    def _joined(self, operands: tuple[Expression, ...], join: np.ufunc) -> Mask:
        joined = self._vector(operands[0]).truth
        for operand in operands[1:]:
            joined = join(joined, self._vector(operand).truth)
        return joined

    def _if(self, condition: Expression, first: Expression, second: Expression, *, values: bool = False) -> Vector:
        chosen = self._vector(condition).truth
        one, other = (self._literal(branch, words=False, values=values) for branch in (first, second))
        return choose_values(chosen, one, other, self._setting.switches.printed_digits)

    def _literal(self, node: Expression, *, words: bool = True, values: bool = False) -> Vector:
        """The value of a node whose text may stand for something: NaN for a blank, today and now for this moment.

        With `values`, a missing data code is a blank.
        """
        if isinstance(node, Text):
            return self._constant(self._setting.meaning(node.value, words=words))
        return self._value(node) if values else self._vector(node)

    def _value(self, node: Expression) -> Vector:
        """The value of a node, a blank where a column contains a missing data code."""
        if not self._setting.missing_codes:
            return self._vector(node)
        if isinstance(node, Call) and node.name == "if":
            return self._if(*node.arguments, values=True)
        found = self._vector(node)
        return self._without_codes(found, node.field) if isinstance(node, Reference) else found

    def _without_codes(self, vector: Vector, field: str) -> Vector:
        codes = self._setting.codes_without_value(field)
        return without_codes(vector, codes, self._setting.switches.printed_digits) if codes else vector

    def _calculated(self, node: Expression) -> Floats:
        numbers = [self._value(child).numbers for child in node.children]
        match node:
            case Sign(sign):
                return signed(sign, numbers[0])
            case Power():
                return power(numbers[0], numbers[1])
            case Chain(operators):
                return chained(operators, numbers)
        raise TypeError(type(node))


class _Part(Evaluator):
    """Some rows of another evaluator, which is asked for whatever all rows have in common."""

    def __init__(self, whole: Evaluator, rows: slice, uses: Uses) -> None:
        self._whole = whole
        self._part = rows
        self._length = rows.stop - rows.start
        self._setting = whole._setting  # noqa: SLF001 - of its own kind
        self._constants = whole._constants  # noqa: SLF001
        self._memo = {}
        self._uses = uses

    def _load(self, name: str) -> Vector:
        return self._whole.of_all_rows(name).part(self._part)

    def _work_out(self, node: Expression) -> Vector:
        if isinstance(node, Call) and node.name in BY_DISTINCT_TEXTS:
            return self._whole.of_all_rows(node).part(self._part)
        return super()._work_out(node)


def _uses_of(expressions: Iterable[Expression], filled: Iterable[str]) -> Uses:
    """Count how often each subtree and column will be asked for, but for arguments that go by distinct texts."""
    uses: Uses = Counter(filled)
    waiting = list(expressions)
    while waiting:
        node = waiting.pop()
        key = _key(node)
        before = uses.get(key, 0)
        uses[key] = before + 1
        if not before and not (isinstance(node, Call) and node.name in BY_DISTINCT_TEXTS):
            waiting.extend(node.children)
    return uses


def _key(node: Expression) -> Expression | str:
    return node.column if isinstance(node, Reference) else node
