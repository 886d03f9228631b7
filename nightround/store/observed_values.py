"""The values that findings and their history keep, sealed where the study has a key, each for its own finding."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Text, bindparam, cast, select, update

from nightround.model.sealing import WrongKeyError, opened, sealed
from nightround.store.schema import finding_history, findings

OPTION = "nightround_values"
PREFIX = "NRS1:"
"""How what is stored of sealed values begins."""


class UnreadableValues(dict[str, str]):
    """Values that are sealed and whose key is not at hand. It looks empty; `kept` is what is stored of them."""

    def __init__(self, kept: str) -> None:
        super().__init__()
        self.kept = kept


@dataclass(frozen=True)
class ValueSealer:
    """Seals and opens the values of findings; without a key they are stored as they are."""

    key: bytes | None = field(default=None, repr=False)

    def stored(self, finding_id: str, values: Mapping[str, str]) -> dict[str, str] | str:
        """What is stored of a finding's values. Where there is none there is nothing to seal."""
        if isinstance(values, UnreadableValues):
            return values.kept
        if self.key is None or not values:
            return dict(values)
        text = json.dumps(dict(values), ensure_ascii=False, separators=(",", ":")).encode()
        return PREFIX + base64.b64encode(sealed(self.key, finding_id, text)).decode()

    def read(self, finding_id: str, kept: Any) -> Mapping[str, str]:
        """A finding's values out of what is stored; `UnreadableValues` where the key is missing or another one."""
        if not isinstance(kept, str):
            return kept or {}
        if self.key is None:
            return UnreadableValues(kept)
        try:
            content = base64.b64decode(kept.removeprefix(PREFIX), validate=True)
            values: Mapping[str, str] = json.loads(opened(self.key, finding_id, content))
        except (binascii.Error, WrongKeyError):
            return UnreadableValues(kept)
        return values


def sealer_of(connection: Connection) -> ValueSealer:
    """How the values of this database are sealed."""
    sealer: ValueSealer = connection.get_execution_options().get(OPTION, ValueSealer())
    return sealer


def seal_plain(connection: Connection) -> int:
    """Seal every value that is stored as it is; returns how many findings and lines had one."""
    sealer = sealer_of(connection)
    done = 0
    for table, key, owner, column in (
        (findings, findings.c.id, findings.c.id, findings.c.observed),
        (findings, findings.c.id, findings.c.id, findings.c.comment),
        (finding_history, finding_history.c.position, finding_history.c.finding_id, finding_history.c.observed),
        (finding_history, finding_history.c.position, finding_history.c.finding_id, finding_history.c.comment),
    ):
        text = cast(column, Text)
        plain = select(key, owner, column).where(text.not_like(f'"{PREFIX}%'), text.not_in(("{}", "null")))
        rows = [
            {"row": row[0], "sealed": sealer.stored(row[1] or "", row[2])}
            for row in connection.execute(plain)
            if row[2] and not isinstance(row[2], str)
        ]
        if rows:
            by_key = update(table).where(key == bindparam("row"))
            connection.execute(by_key.values({column.name: bindparam("sealed")}), rows)
        done += len(rows)
    return done
