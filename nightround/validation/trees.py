"""A rule's `logic` object as it is in a suite, read into syntax trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from redcap_sync.logic import Expression, from_json

ScopeKey = tuple[tuple[str, tuple[str, ...]], ...]
"""The rows a rule looks at: instruments, each with events, none of which means all."""


class Trees(NamedTuple):
    """What a rule is evaluated by."""

    rows: ScopeKey
    applies: Expression | None
    needs: Sequence[str]
    discrepancy: Expression | None
    check: Mapping[str, Any] | None

    @property
    def asked(self) -> list[Expression]:
        """The trees that are evaluated for it."""
        return [tree for tree in (self.applies, self.discrepancy) if tree is not None]


def read_trees(logic: Mapping[str, Any]) -> Trees:
    """Read the object that `compile_rule` wrote; raises LogicError or KeyError for any other."""
    applies = None if logic["applies"] is None else from_json(logic["applies"])
    check = logic.get("check")
    discrepancy = from_json(logic["discrepancy"]) if check is None else None
    return Trees(scope_key(logic["rows"]), applies, logic["needs"], discrepancy, check)


def scope_key(rows: Mapping[str, Sequence[str]]) -> ScopeKey:
    """The rows of a `logic` object as a key, for many rules look at the same."""
    return tuple((instrument, tuple(events)) for instrument, events in rows.items())
