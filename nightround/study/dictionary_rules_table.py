"""`[dictionary_rules]` of study.toml: which rules are made from the data dictionary."""

from __future__ import annotations

from nightround.model.rule import Severity
from nightround.study.study_model import StudyModel
from nightround.study.text_checks import FilledLine, Line
from nightround.study.two_languages import TwoLanguages


class VisitTable(StudyModel):
    """`[[dictionary_rules.visits]]`: an event that every record of its arm must have.

    It is due where `due` is true in the record's row of the arm's first event, and in any case as soon
    as a later event of the arm contains data.
    """

    event: FilledLine
    """The unique name of the event."""
    due: str = ""
    """When it is due, in REDCap's logic."""


class ExpectedMissingTable(StudyModel):
    """`[[dictionary_rules.expected_missing]]`: where an instrument or a whole event may be missing, and why."""

    instrument: Line = ""
    """The instrument that may be missing; with `event`, at that event alone."""
    event: Line = ""
    """The event that may be missing."""
    when: str
    """When it may, in REDCap's logic."""
    reason: TwoLanguages
    """Why; shown where it is counted."""


class LimitTable(StudyModel):
    """`[[dictionary_rules.limits]]`: what no patient can have, next to the soft range of the dictionary."""

    field: FilledLine
    """The field."""
    minimum: Line = ""
    """The smallest value that a patient can have."""
    maximum: Line = ""
    """The largest value that a patient can have."""
    source: str
    """Where the limit comes from."""


class DictionaryRulesTable(StudyModel):
    """`[dictionary_rules]`: which rules are made from the data dictionary; REDCap's letter is behind each."""

    range: bool = True
    """Values outside the range of the dictionary (rule D)."""
    choice: bool = True
    """Codes that a field does not have (rule G)."""
    required: bool = True
    """Required fields that are blank (rule B)."""
    blank: bool = False
    """All blank fields that branching shows (rule A)."""
    format: bool = False
    """Values that do not fit the validation type (rule C)."""
    outlier: bool = False
    """Values more than two standard deviations from the mean (rule E)."""
    hidden: bool = False
    """Values in fields that branching hides (rule F)."""
    calculation: bool = False
    """Stored calculations that are not what their formula gives (rule H)."""
    missing_code: bool = False
    """Missing data codes that the project does not have (rule I)."""
    unique: bool = True
    """REDCap's secondary unique field, where the project has one."""
    absent: bool = True
    """One finding for an instrument that was never opened, in place of one for each of its required fields."""
    slip: bool = False
    """Likely slips of unit or decimal point, with the value that would fit."""
    severity: Severity = Severity.MINOR
    """The severity of all other rules of the dictionary."""
    limit_severity: Severity = Severity.MAJOR
    """Of values beyond a hard limit, and of ranges that REDCap enforces (@FORCE-MINMAX)."""
    visit_severity: Severity = Severity.MAJOR
    """Of a visit that a record lacks. One that hardly any record has, though many are due, is critical."""
    visit: bool = True
    """Visits that most records have: expected where a later one has data, or where `anchor` makes them due."""
    anchor: Line = ""
    """The date from which REDCap's own day offsets of events count, such as [baseline_arm_1][operation_date]."""
    visits: tuple[VisitTable, ...] = ()
    """Events that every record of its arm must have, where the usual rule does not do."""
    expected_missing: tuple[ExpectedMissingTable, ...] = ()
    """Where an instrument or an event may be missing."""
    limits: tuple[LimitTable, ...] = ()
    """What no patient can have."""
