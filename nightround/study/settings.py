"""The study's own settings: `study.toml`, one file a study, every key checked."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nightround.model.errors import StudyFilesWrong
from nightround.model.language import Language, Words
from nightround.model.recipient import Recipient
from nightround.model.rule import Severity


class StudyModel(BaseModel):
    """A table of a study file: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TwoLanguages(StudyModel):
    """A text in Chinese and English."""

    zh: str
    en: str

    def words(self) -> Words:
        """The text as the model's own type."""
        return Words(self.zh, self.en)


class StudyTable(StudyModel):
    """`[study]`: what the study is."""

    id: str
    title: TwoLanguages
    time_zone: str = "UTC"
    """The zone of the hospital's clock, such as Asia/Shanghai: what `today` means in a rule."""
    synthetic: bool = False
    record_id_in_messages: bool = False
    """Whether a record id may stand in mails, links and logs. Off unless the study says so."""


class RedcapTable(StudyModel):
    """`[redcap]`: where the project is. The token itself never stands in a file of the study."""

    url_env: str = "REDCAP_URL"
    token_env: str = "REDCAP_TOKEN"  # noqa: S105 - the name of a variable, not a token
    token_file: Path | None = None
    token_keyring: str = ""
    """The service under whose name the token lies in the system's keyring; the user name there is the study's id."""
    timeout_seconds: float = 120.0
    batch_records: int = Field(default=100, ge=1)
    """Records in a batch; more where a hundred batches are not enough, fewer after trouble with so many."""
    workers: int = Field(default=2, ge=1, le=8)
    """Calls under way at the same time."""
    requests_per_minute: int = Field(default=300, ge=1)
    """REDCap bans an address that sends more than its site allows, 600 a minute where nobody changed it."""
    full_pull_days: int = Field(default=7, ge=0)
    """So often everything is pulled, to prove the nightly increments; 0 pulls everything every night."""
    largest_loss_percent: float = 20.0
    """A pull that holds this much fewer records than the last good one is refused."""


class SnapshotsTable(StudyModel):
    """`[snapshots]`: how long they are kept, and the key that seals them, which never stands in a file of the study."""

    keep_days: int = Field(default=30, ge=1)
    """Every night's snapshot of so many days is kept."""
    keep_weeks: int = Field(default=104, ge=0)
    """Of so many weeks before, the last one of each."""
    key_env: str = "NIGHTROUND_SNAPSHOT_KEY"
    key_file: Path | None = None


class PersonTable(StudyModel):
    """`[[people]]`: a role that is told things."""

    role: str
    address: str
    language: Language
    owns: tuple[str, ...] = ()

    def recipient(self) -> Recipient:
        """The person as the alerts know them."""
        return Recipient(self.role, self.address, self.language, self.owns)


class ReportTable(StudyModel):
    """`[report]`: when the interim report is made."""

    weekdays: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ("mon",)


class AlertsTable(StudyModel):
    """`[alerts]`: what makes a command end with exit code 3."""

    exit_severity: Severity = Severity.CRITICAL


class VisitTable(StudyModel):
    """`[[dictionary_rules.visits]]`: an event that every record of its arm must have.

    It is due where `due` is true in the record's row of the arm's first event, and in any case as soon
    as a later event of the arm holds data.
    """

    event: str
    due: str = ""


class ExpectedMissingTable(StudyModel):
    """`[[dictionary_rules.expected_missing]]`: where an instrument or a whole event may be missing, and why."""

    instrument: str = ""
    event: str = ""
    when: str
    reason: TwoLanguages


class LimitTable(StudyModel):
    """`[[dictionary_rules.limits]]`: what no patient can have, beside the soft range of the dictionary."""

    field: str
    minimum: str = ""
    maximum: str = ""
    source: str


class DictionaryRulesTable(StudyModel):
    """`[dictionary_rules]`: which rules are made from the data dictionary; REDCap's letter stands behind each."""

    range: bool = True  # D
    choice: bool = True  # G
    required: bool = True  # B
    blank: bool = False  # A
    format: bool = False  # C
    outlier: bool = False  # E
    hidden: bool = False  # F
    calculation: bool = False  # H
    missing_code: bool = False  # I
    absent: bool = True
    """One finding for an instrument that was never opened, in place of one for each of its required fields."""
    slip: bool = False
    """Likely slips of unit or decimal point, with the value that would fit."""
    severity: Severity = Severity.MINOR
    limit_severity: Severity = Severity.MAJOR
    """Of values beyond a hard limit, and of ranges that REDCap enforces (@FORCE-MINMAX)."""
    visits: tuple[VisitTable, ...] = ()
    expected_missing: tuple[ExpectedMissingTable, ...] = ()
    limits: tuple[LimitTable, ...] = ()


class StudySettings(StudyModel):
    """The whole of `study.toml`."""

    study: StudyTable
    redcap: RedcapTable = RedcapTable()
    snapshots: SnapshotsTable = SnapshotsTable()
    people: tuple[PersonTable, ...] = ()
    report: ReportTable = ReportTable()
    alerts: AlertsTable = AlertsTable()
    dictionary_rules: DictionaryRulesTable = DictionaryRulesTable()


M = TypeVar("M", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file of a study folder."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyFilesWrong("study.no_file", file=path.name, path=str(path)) from None
    except UnicodeDecodeError as error:
        raise StudyFilesWrong("study.encoding", file=path.name, byte=error.start) from None
    except tomllib.TOMLDecodeError as error:
        raise StudyFilesWrong("study.not_toml", file=path.name, said=str(error)) from None


def checked(model: type[M], values: Mapping[str, Any], *, file: Path) -> M:
    """Turn values of a file into a model; the first mistake is named with its place and the nearest known key."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise _unknown_key(model, first["loc"], file) from None
        raise StudyFilesWrong("study.value", file=file.name, place=place, said=first["msg"], path=str(file)) from None


def _unknown_key(model: type[BaseModel], location: tuple[int | str, ...], file: Path) -> StudyFilesWrong:
    unknown = str(location[-1])
    known = sorted(_known_keys(model, location[:-1]))
    near = next(iter(difflib.get_close_matches(unknown, known, n=1, cutoff=0.5)), "")
    return StudyFilesWrong(
        "study.near_key" if near else "study.unknown_key",
        file=file.name,
        key=".".join(str(part) for part in location),
        near=near,
        known=", ".join(known),
        path=str(file),
    )


def _known_keys(model: type[BaseModel], path: tuple[int | str, ...]) -> set[str]:
    """Walk down the JSON schema of a model along a location, to the keys known there."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    node: dict[str, Any] = schema
    for part in path:
        node = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, {})
        candidates = [node, *node.get("anyOf", []), *node.get("allOf", [])]
        reference = next((one["$ref"] for one in candidates if "$ref" in one), "")
        node = definitions.get(reference.rsplit("/", 1)[-1], node)
    return set(node.get("properties", {}))
