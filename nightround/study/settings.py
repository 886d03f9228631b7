"""The study's own settings: `study.toml`, one file a study, every key checked."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from nightround.model.errors import StudyFilesWrong
from nightround.model.language import LANGUAGES, Language, Words
from nightround.model.recipient import OUTBOX, Recipient
from nightround.study.alert_tables import AlertsTable, DueTable, LinksTable
from nightround.study.channel_table import ChannelTable
from nightround.study.dictionary_rules_table import DictionaryRulesTable
from nightround.study.flags_table import FlagsTable
from nightround.study.inbox_table import InboxTable
from nightround.study.store_table import StoreTable
from nightround.study.study_model import Decimal, StudyModel, WholeNumber, wrong_value
from nightround.study.text_checks import (
    EnvironmentName,
    FilledLine,
    HourOfDay,
    Id,
    Line,
    MailAddress,
    TimeZone,
    WebAddress,
    control_character,
    texts_within,
)
from nightround.study.two_languages import ShortName, TitleInTwoLanguages
from nightround.texts.catalogue import texts_under
from redcap_sync.errors import ProjectFileWrong
from redcap_sync.messages import Message
from redcap_sync.regular_files import read_regular_file

SHOWN = 200
"""So much of a key that is no key is repeated in a message."""
DEEP_KEY = re.compile(r"""(?<![\w"'-])(?:[\w"'-]++[ \t]*+\.[ \t]*+){50}""")
"""A key of very many parts, which takes the reader of TOML the square of their number."""


class StudyTable(StudyModel):
    """`[study]`: what the study is."""

    id: Id
    """The name of the study in its database and in the names of its files; unlike that of any other study."""
    title: TitleInTwoLanguages
    """The whole title, in the languages that are written."""
    short: ShortName | None = None
    """The name that subjects of mails begin with; the id where there is none."""
    time_zone: TimeZone = "UTC"
    """The zone of the hospital's clock, such as Asia/Shanghai: what `today` means in a rule."""
    language: Literal["zh", "en", "both"] = "both"
    """The language of everything that is written for people: reports, mails, lists."""
    synthetic: bool = False
    """Whether the data are made up; reports and mails then say so on every page."""
    record_id_in_messages: bool = False
    """Whether a record id may be in mails, links and logs. Off unless the study says so."""

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages that are written."""
        return LANGUAGES if self.language == "both" else (self.language,)

    @property
    def short_name(self) -> Words:
        """The name that subjects of mails begin with."""
        return self.short.words() if self.short else Words(self.id, self.id)


class RedcapTable(StudyModel):
    """`[redcap]`: where the project is. The token itself never is in a file of the study."""

    url: WebAddress | Literal[""] = ""
    """The address of the server's API; without it the variable `url_env` has it."""
    url_env: EnvironmentName = "REDCAP_URL"
    """The variable with the address of the server's API."""
    token_env: EnvironmentName = "REDCAP_TOKEN"  # noqa: S105 - the name of a variable, not a token
    """The variable with the API token."""
    token_file: Path | None = None
    """The file with the API token, in place of the variable."""
    token_keyring: Line = Field(default="", examples=["nightround"])
    """The service under whose name the token lies in the system's keyring; the user name there is the study's id."""
    timeout_seconds: Decimal = Field(default=120.0, ge=1, le=3600)
    """A call that gets no answer for so long is tried again."""
    batch_records: WholeNumber = Field(default=100, ge=1, le=100_000)
    """Records in a batch; more where a hundred batches are not enough, fewer after trouble with so many."""
    workers: WholeNumber = Field(default=2, ge=1, le=8)
    """Calls under way at the same time."""
    requests_per_minute: WholeNumber = Field(default=300, ge=1, le=100_000)
    """REDCap bans an address that sends more than its site allows, 600 a minute where nobody changed it."""
    full_pull_days: WholeNumber = Field(default=7, ge=0, le=366)
    """So often everything is pulled, to prove the nightly increments; 0 pulls everything every night."""
    largest_loss_percent: Decimal = Field(default=20.0, ge=0, le=100)
    """A pull that contains this much fewer records than the last good one is refused."""


def redcap_address(settings: RedcapTable, environ: Mapping[str, str]) -> str:
    """The address of the server's API, from the study's file or else from the environment; '' where neither has it."""
    return f"{settings.url}/" if settings.url else environ.get(settings.url_env, "")


class SnapshotsTable(StudyModel):
    """`[snapshots]`: how long they are kept, and the key that seals them, which never is in a file of the study."""

    keep_days: WholeNumber = Field(default=30, ge=1, le=36_500)
    """Every night's snapshot of so many days is kept."""
    keep_weeks: WholeNumber = Field(default=104, ge=0, le=5_200)
    """Of so many weeks before, the last one of each."""
    key_env: EnvironmentName = Field(default="NIGHTROUND_SNAPSHOT_KEY", examples=["NIGHTROUND_SNAPSHOT_KEY"])
    """The variable with the key that seals snapshots; without a key they are not sealed."""
    key_file: Path | None = None
    """The file with that key, in place of the variable."""


class PersonTable(StudyModel):
    """`[[people]]`: a role that is notified."""

    role: FilledLine
    """The name of the role; rules name it as their owner, commands by `--for` and `--by`."""
    address: MailAddress
    """The mail address."""
    language: Language
    """The language of this person's messages."""
    owns: tuple[FilledLine, ...] = ()
    """The owners of rules whose findings are this person's to correct."""
    channels: tuple[Id, ...] = ()
    """The ids of the channels by which this person is written to; the study's first one unless given."""
    groups: tuple[FilledLine, ...] = ()
    """The data access groups, by unique name, whose records this person hears of; without it and `redcap_user` all."""
    redcap_user: Line = ""
    """The person's user name in REDCap, whose data access group is then asked for every night."""
    reports: Literal["open", "closed"] | None = None
    """The version of each released report that this person gets."""
    certificate: Path | None = None
    """The S/MIME certificate (PEM, RSA) of the key with which this person reads encrypted reports."""
    worklist: bool = False
    """Whether this person's mails come with a worklist to fill in: attached where mails may name records or the mail is
    encrypted for the certificate, else in the data folder."""


class ReportTable(StudyModel):
    """`[report]`: when the interim report is made, and how it reaches its readers."""

    weekdays: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ("mon",)
    """The days on which the interim report is made."""
    delivery: Literal["folder", "attached", "encrypted"] = "folder"
    """Whether a mail names the file in the data folder, has it attached, or has it attached and is encrypted."""


class ScheduleTable(StudyModel):
    """`[schedule]`: when `nightround serve` makes the rounds, on the study's own clock."""

    nightly: HourOfDay | Literal[""] = ""
    """The hour of the nightly round, such as 02:30; that of the job file unless given."""


class AnswersTable(StudyModel):
    """`[answers]`: who has to agree to what a person says of a finding."""

    second_person: Literal["critical", "all"] = "critical"
    """Of which findings a confirmation counts only after a second person has approved it."""


class OffTable(StudyModel):
    """`[rules] off`: a rule that is not judged until a date, and why."""

    id: FilledLine
    """The id of the rule."""
    reason: FilledLine
    """Why it is off; the data manager's mail repeats it every night."""
    until: date
    """The day on which it is judged again."""


class RulesTable(StudyModel):
    """`[rules]`: which rules are switched off for a time."""

    off: tuple[OffTable, ...] = ()
    """The rules that are switched off, each with a reason and a date."""

    def off_on(self, day: date) -> dict[str, OffTable]:
        """The rules that are switched off on a day, by id; of two entries of one rule the later one counts."""
        return {one.id: one for one in self.off if day < one.until}


class StudySettings(StudyModel):
    """The whole of `study.toml`."""

    study: StudyTable
    """What the study is."""
    redcap: RedcapTable = RedcapTable()
    """Where the project is."""
    store: StoreTable = StoreTable()
    """Where the database is."""
    snapshots: SnapshotsTable = SnapshotsTable()
    """How long snapshots are kept, and their key."""
    channels: tuple[ChannelTable, ...] = ()
    """The ways by which messages go out; the outbox folder unless given."""
    people: tuple[PersonTable, ...] = ()
    """Who is written to."""
    schedule: ScheduleTable = ScheduleTable()
    """When the nightly round is made."""
    report: ReportTable = ReportTable()
    """When the report is made, and how it reaches its readers."""
    alerts: AlertsTable = AlertsTable()
    """Exit code, ping and floods."""
    rules: RulesTable = RulesTable()
    """Rules that are switched off."""
    answers: AnswersTable = AnswersTable()
    """Who approves answers."""
    dictionary_rules: DictionaryRulesTable = DictionaryRulesTable()
    """The rules that are made from the dictionary."""
    flags: FlagsTable = FlagsTable()
    """Findings on the record itself."""
    inbox: InboxTable = InboxTable()
    """The folder that worklists come back to."""
    links: LinksTable = LinksTable()
    """Addresses of Nightround's own pages."""
    due: DueTable = DueTable()
    """How long a finding may wait."""

    @model_validator(mode="after")
    def _names_roles_that_somebody_has(self) -> Self:
        """Who hears of overdue findings is somebody: a misspelt role would be notified of nothing."""
        roles = {person.role for person in self.people}
        for step in (self.due.critical, self.due.major, self.due.minor):
            if unknown := set(step.then or ()) - roles:
                raise wrong_value("role", role=min(unknown), known=", ".join(sorted(roles)))
        return self

    @model_validator(mode="after")
    def _people_read_what_is_written(self) -> Self:
        """Each person reads a language in which the study is written."""
        for person in self.people:
            if person.language not in self.study.languages:
                facts = {"role": person.role, "language": person.language, "known": self.study.language}
                raise wrong_value("language_unwritten", **facts)
        return self

    @model_validator(mode="after")
    def _channels_are_known(self) -> Self:
        """Each channel has an id of its own, and people name those that there are."""
        ids = [one.id for one in self.channels]
        if twice := next((one for one in ids if ids.count(one) > 1), None):
            raise wrong_value("channel_twice", id=twice)
        known = (*ids, OUTBOX)
        for person in self.people:
            if unknown := next((one for one in person.channels if one not in known), None):
                facts = {"id": unknown, "role": person.role, "known": ", ".join(dict.fromkeys(known))}
                raise wrong_value("channel_unknown", **facts)
        return self

    @model_validator(mode="after")
    def _encrypted_reports_have_a_key(self) -> Self:
        """Who gets encrypted reports has a key to read them."""
        for person in self.people:
            if self.report.delivery == "encrypted" and person.reports and person.certificate is None:
                raise wrong_value("report_certificate", role=person.role)
        return self

    def recipients(self) -> tuple[Recipient, ...]:
        """The people as the alerts know them; who names no channel is written to by the first one."""
        first = (self.channels[0].id if self.channels else OUTBOX,)
        return tuple(
            Recipient(
                one.role,
                one.address,
                one.language,
                one.owns,
                channels=one.channels or first,
                reports=one.reports or "",
                certificate=one.certificate,
                worklist=one.worklist,
            )
            for one in self.people
        )


def read_settings(folder: Path) -> StudySettings:
    """Read and check `study.toml` of a study folder."""
    file = folder / "study.toml"
    return checked(StudySettings, read_toml(file), file=file)


M = TypeVar("M", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file of a study folder."""
    try:
        text = read_regular_file(path).decode("utf-8-sig")
    except FileNotFoundError:
        raise StudyFilesWrong("study.no_file", file=path.name, path=str(path)) from None
    except UnicodeDecodeError as error:
        raise StudyFilesWrong("study.encoding", file=path.name, byte=error.start) from None
    except ProjectFileWrong as wrong:
        raise StudyFilesWrong(wrong.code, **wrong.facts) from None
    if DEEP_KEY.search(text):
        raise StudyFilesWrong("study_file.deep", file=path.name)
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise StudyFilesWrong("study_file.deep", file=path.name) from None
    except ValueError as error:  # TOMLDecodeError, or a whole number of thousands of digits
        said = _shown(str(error).partition(";")[0])
        raise StudyFilesWrong("study.not_toml", file=path.name, said=said) from None
    for place, one in texts_within(document):
        if found := control_character(one):
            code = f"{ord(found):04X}"
            raise StudyFilesWrong("study_file.control", file=path.name, place=_shown(place), character=code)
    return document


def checked(model: type[M], values: Mapping[str, Any], *, file: Path) -> M:
    """Turn values of a file into a model; the first mistake is named with its place and the nearest known key."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "extra_forbidden":
        raise _unknown_key(model, first["loc"], file)
    place = _shown(".".join(str(part) for part in first["loc"]))
    code = "study.value" if place else "study.whole"
    raise StudyFilesWrong(code, file=file.name, path=str(file), place=place, said=_said(first))


def _said(mistake: Any) -> Message:
    """What is wrong with a value; of a mistake that has no text of its own, that the value is not allowed."""
    code = mistake["type"] if mistake["type"] in texts_under("study_file.said") else "other"
    return Message.of(
        f"study_file.said.{code}", **{name: _fact(name, fact) for name, fact in mistake.get("ctx", {}).items()}
    )


def _fact(name: str, fact: object) -> object:
    """A fact about a mistake; of what is expected the values in a row, which pydantic lists in English."""
    if isinstance(fact, int | float):
        return fact
    return _shown(str(fact).replace(" or ", ", ") if name == "expected" else str(fact))


def _shown(text: str) -> str:
    """A text of the file in a message: on one line, and not longer than a line."""
    safe = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text[:SHOWN])
    return f"{safe}…" if len(text) > SHOWN else safe


def _unknown_key(model: type[BaseModel], location: tuple[int | str, ...], file: Path) -> StudyFilesWrong:
    known = sorted(_known_keys(model, location[:-1]))
    near = next(iter(difflib.get_close_matches(str(location[-1])[:SHOWN], known, n=1, cutoff=0.5)), "")
    return StudyFilesWrong(
        "study.near_key" if near else "study.unknown_key",
        file=file.name,
        key=_shown(".".join(str(part) for part in location)),
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
