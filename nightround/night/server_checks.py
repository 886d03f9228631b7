"""Tries REDCap as a night would: address, certificate, clock, token, and what the token's user may and may not see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from nightround.model.rule import Rule
from nightround.night.check_lines import CheckLine, failed, fine, not_tried, notice, tried, wrong
from nightround.night.project_identity import known_structure, refuse_another
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.plan import Plan
from nightround.validation.suite import CompiledRule, compile_suites
from redcap_sync.api.certificate import certificate_end
from redcap_sync.api.client import RedcapClient, Row
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ExplainedError, RedcapRefused
from redcap_sync.messages import Message
from redcap_sync.pulling.change_log import own_name, sure_begin
from redcap_sync.pulling.export_rights import FULL
from redcap_sync.pulling.raw_structure import RawStructure, pull_structure
from redcap_sync.write_back.query_module import QueryModule, QueryStatus

SERVER, CERTIFICATE, CLOCK, PROJECT = "server", "certificate", "clock", "project"
LOG, RIGHTS, GROUP, LOCKING, RECORDS, QUERIES = "log", "rights", "group", "locking", "records", "queries"
AFTER_PROJECT = (LOG, RIGHTS, GROUP, LOCKING, RECORDS)
AFTER_SERVER = (CERTIFICATE, CLOCK, PROJECT, *AFTER_PROJECT)
SOON = timedelta(days=21)
"""A certificate that ends earlier is said; renewing one takes a hospital some weeks."""
CLOCKS_APART = timedelta(minutes=2)
"""More than a request takes. The pull reads the log by the server's own clock and allows for more."""
OWN_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
SHOWN = 8
"""So many names of a list are in a line."""


@dataclass(frozen=True)
class FieldReaders:
    """What of a study reads which fields."""

    rules: tuple[Rule, ...]
    plan: Plan | None


def server_lines(
    client: RedcapClient,
    reading: FieldReaders,
    snapshots: SnapshotStore,
    *,
    study: str,
    now: datetime,
    module_prefix: str = "",
) -> list[CheckLine]:
    """Every line about the server. What needs an answer that did not come is not tried.

    `module_prefix` is that of the Data Quality API module, where the study asks by it.
    """
    module = (QUERIES,) if module_prefix else ()
    lines = [tried(SERVER, lambda: fine(SERVER, "server", url=client.url, version=client.version()))]
    if lines[0].exit_code:
        return [*lines, *(not_tried(check, SERVER) for check in (*AFTER_SERVER, *module))]
    lines += [certificate_line(client, now), clock_line(client.server_time, now)]
    try:
        structure = pull_structure(client)
    except ExplainedError as error:
        lines.append(failed(PROJECT, error))
        return [*lines, *(not_tried(check, PROJECT) for check in (*AFTER_PROJECT, *module))]
    lines.append(tried(PROJECT, lambda: _project(structure, snapshots, study)))
    log, username = _log(client)
    users = _users(client)
    own = next((one for one in users or () if one.get("username") == username), None) if username else None
    lines += [log, rights_line(own, structure.dictionary, reading), group_line(own), locking_line(own)]
    lines.append(tried(RECORDS, lambda: _records(client, structure.dictionary)))
    lines += [tried(one, lambda: queries_line(client, module_prefix, structure.dictionary)) for one in module]
    return lines


def certificate_line(client: RedcapClient, now: datetime) -> CheckLine:
    """How long the server's certificate is good for, or that the way to it is not encrypted."""
    parts = urlsplit(client.url)
    if parts.scheme != "https":
        if parts.hostname in OWN_MACHINE:
            return fine(CERTIFICATE, "own_machine")
        return wrong(CERTIFICATE, "plain_http", exit_code=11, url=client.url)
    end = certificate_end(client.url, client.session)
    if end is None:
        return fine(CERTIFICATE, "certificate_accepted")
    days = (end - now).days
    if end - now < SOON:
        return notice(CERTIFICATE, "certificate_ends", end=f"{end:%Y-%m-%d}", days=days)
    return fine(CERTIFICATE, "certificate", end=f"{end:%Y-%m-%d}", days=days)


def clock_line(server_time: datetime | None, now: datetime) -> CheckLine:
    """Whether the server's clock and this machine's agree. `server_time` is in UTC, without a zone."""
    if server_time is None:
        return notice(CLOCK, "no_clock")
    apart = abs(server_time - now.astimezone(UTC).replace(tzinfo=None))
    seconds = round(apart.total_seconds())
    return fine(CLOCK, "clock", seconds=seconds) if apart <= CLOCKS_APART else notice(CLOCK, "clock", seconds=seconds)


def _project(structure: RawStructure, snapshots: SnapshotStore, study: str) -> CheckLine:
    """Whether it is the study's own project. Raises AnotherProject."""
    if known := known_structure(snapshots):
        refuse_another(study, known)(structure)
    found = structure.dictionary
    return fine(PROJECT, "project", title=found.title, fields=len(found.fields), instruments=len(found.instruments))


def _log(client: RedcapClient) -> tuple[CheckLine, str]:
    """Whether the log may be read, and the name of the token's user, '' where it is not known."""
    try:
        rows = client.log(sure_begin(client.server_time) if client.server_time else None)
    except RedcapRefused:
        return notice(LOG, "log"), ""
    except ExplainedError as error:
        return failed(LOG, error), ""
    return fine(LOG, "log"), own_name(rows)


def _users(client: RedcapClient) -> list[Row] | None:
    """The users of the project; None where they may not be read."""
    try:
        return client.users()
    except ExplainedError:
        return None


def rights_line(own: Mapping[str, object] | None, dictionary: Dictionary, reading: FieldReaders) -> CheckLine:
    """Which instruments the token's user may not export in full, and which rules and tables that hurts."""
    levels = (own or {}).get("forms_export")
    if not isinstance(levels, Mapping):
        return notice(RIGHTS, "rights_unknown")
    names = [one.name for one in dictionary.instruments]
    unseen = [name for name in names if str(levels.get(name, FULL)) != str(FULL)]
    if not unseen:
        return fine(RIGHTS, "rights", instruments=len(names))
    fields = {field.name for name in unseen for field in dictionary.fields_of(name)}
    hurt = [one.rule.id for one in _compiled(reading.rules, dictionary) if _reads(one, fields, unseen)]
    tabled = sorted({one.dictionary_field for one in reading.plan.references()} & fields) if reading.plan else []
    facts = {"unseen": shortened(unseen), "rules": len(hurt), "named": shortened(hurt), "tabled": shortened(tabled)}
    return notice(RIGHTS, "rights" if hurt or tabled else "rights_unused", **facts)


def _compiled(rules: Sequence[Rule], dictionary: Dictionary) -> Iterable[CompiledRule]:
    return (one for suite in compile_suites(rules, dictionary)[0] for one in suite.rules)


def _reads(compiled: CompiledRule, fields: set[str], instruments: Sequence[str]) -> bool:
    return compiled.rule.instrument in instruments or any(one.field in fields for one in compiled.references)


def group_line(own: Mapping[str, object] | None) -> CheckLine:
    """Whether the token's user sees the records of one data access group alone."""
    if own is None:
        return notice(GROUP, "group_unknown")
    group = str(own.get("data_access_group") or "")
    return notice(GROUP, "group", group=group) if group else fine(GROUP, "group")


def locking_line(own: Mapping[str, object] | None) -> CheckLine:
    """What the token's user may do with locks and with REDCap's data resolution workflow."""
    if own is None:
        return not_tried(LOCKING, RIGHTS)
    locks, queries = (str(own.get(name) or "0") for name in ("lock_records", "data_quality_resolution"))
    return fine(LOCKING, "locking", locks=_may(locks), queries=_may(queries))


def queries_line(client: RedcapClient, prefix: str, dictionary: Dictionary) -> CheckLine:
    """Whether the Data Quality API module answers, in a form that is known: the open queries are read.

    Whether it takes lines is not tried, because that would be one.
    """
    found = QueryModule(client, prefix, dictionary.project_id or 0).threads(status=QueryStatus.OPEN)
    return fine(QUERIES, "queries", prefix=prefix, count=len(found))


def _may(level: str) -> Message:
    return Message.of("doctor.no" if level == "0" else "doctor.yes")


def _records(client: RedcapClient, dictionary: Dictionary) -> CheckLine:
    rows = client.row_keys([dictionary.record_id_field])
    count = len({str(row.get(dictionary.record_id_field)) for row in rows})
    return fine(RECORDS, "records", count=count) if count else notice(RECORDS, "no_records")


def shortened(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are; `-` for none."""
    more = f" +{len(names) - SHOWN}" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "-") + more
