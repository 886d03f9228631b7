"""What people answered to the questions on their records in REDCap, and who they are by REDCap's log. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nightround.findings.write_back import SaidInRedcap
from redcap_sync.messages import Message
from redcap_sync.pulling.change_log import Edit
from redcap_sync.rows.tables import RowKey, Table
from redcap_sync.write_back.query_instrument import CODE, COMMENT, QUERY_ID

BY_ROW, BY_QUERY = "flags.by.redcap", "flags.by.workflow"
"""What a person is called whom REDCap does not name, by how they were asked."""


def is_unknown(by: str) -> bool:
    """Whether an answer was given in REDCap by a person whom REDCap does not name."""
    return by in {str(Message.of(code)) for code in (BY_ROW, BY_QUERY)}


@dataclass(frozen=True)
class LinesOfAnswers:
    """The lines of REDCap's log since answers were taken over last, oldest first."""

    lines: Sequence[Edit] = field(default=(), repr=False)
    whole: bool = False
    """Whether these are all lines of that time."""
    own: frozenset[str] = frozenset()
    """The users of our own tokens, whose lines name no person."""
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The name that a record has now, by the one that it had."""

    def who_saved(self, answered: Iterable[RowKey]) -> Callable[[RowKey], str]:
        """Gives for an answered row the user who saved its code last; '' where the log does not say.

        The log names no event: where several questions of a record have the same instance, and several users saved
        answers, it is not known who saved which.
        """
        alike = Counter((row.record, row.instance) for row in answered)

        def user(row: RowKey) -> str:
            users = [line.username for line in self.lines if self._may_be_of(line, row)] if self.whole else []
            unsure = alike[row.record, row.instance] > 1 and len(set(users)) > 1
            return "" if not users or unsure or users[-1] in self.own else users[-1]

        return user

    def _may_be_of(self, line: Edit, row: RowKey) -> bool:
        """Whether a line saved the code of a row; the log leaves out that an instance is the first one."""
        named = row.record in (line.record, self.names.get(line.record))
        return named and CODE in line.fields and (line.instance or 1) == row.instance


def said_in(questions: Table, log: LinesOfAnswers, role_of: Callable[[str], str]) -> list[SaidInRedcap]:
    """The answered ones among the questions of a snapshot, on records by the names that findings still have.

    `role_of` says what a user of REDCap is called.
    """
    was = {now: before for before, now in log.names.items()}
    answered = [
        (questions.row_key(position), row)
        for position, row in enumerate(questions.text.to_dict("records"))
        if row[QUERY_ID].strip() and row[CODE].strip()
    ]
    who = log.who_saved(key for key, _ in answered)
    return [
        SaidInRedcap(
            row[QUERY_ID].strip(),
            was.get(key.record, key.record),
            row[CODE].strip(),
            row[COMMENT].strip(),
            role_of(user) if (user := who(key)) else "",
        )
        for key, row in answered
    ]
