"""Questions about findings in REDCap: what is to be asked is written, on one of two roads."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.model.errors import StudyFilesWrong
from nightround.night.flags_writing import FlagsDone, FlagsWriting
from nightround.night.recorder import Recorder
from nightround.night.round import Round
from nightround.night.saved_queries_step import said_of, saved_fates
from nightround.night.study_locks import FINDINGS
from nightround.store.database import Store
from redcap_sync.api.client import RedcapClient
from redcap_sync.dictionary import Dictionary
from redcap_sync.messages import Message
from redcap_sync.write_back.query_instrument import INSTRUMENT, missing_fields
from redcap_sync.write_back.query_module import QueryModule

WORKFLOW = "workflow"


def write_flags(facts: Round, store: Store, recorder: Recorder, *, apply: bool = True) -> FlagsDone:
    """Write the questions into REDCap, or say what would be written.

    Raises StudyFilesWrong where the project does not have the instrument that the study asks by, RedcapRefused where
    the module does not answer, WriteRefused where REDCap lets the token's user write nothing; that one record is
    locked is an ordinary result.
    """
    with recorder.step("flags") as note, facts.only_one(FINDINGS):
        by_query = facts.study.settings.flags.road == WORKFLOW
        dictionary = _project(facts)
        if not by_query:
            _require_instrument(dictionary)
        client = facts.connect()
        run = FlagsWriting(
            facts,
            store,
            client,
            dictionary,
            FlagsDone(applied=apply),
            instrument=not missing_fields(dictionary) and _repeats(dictionary),
            module=query_module(facts, client, dictionary) if by_query else None,
        )
        run.write()
        run.done.saved = None if apply else saved_fates(facts, store)
        note(Message.of("step.flags", written=run.done.written if apply else 0, refused=run.done.refused))
    return run.done


def query_module(facts: Round, client: RedcapClient, dictionary: Dictionary) -> QueryModule:
    """The module of the project, in the name of the token's user as the log of the last pull has it.

    Raises StudyFilesWrong where the server does not show the number of the project.
    """
    manifest = facts.snapshots.latest_manifest()
    if dictionary.project_id is None:
        raise StudyFilesWrong("flags.no_project_id")
    username = manifest.summary.account if manifest else ""
    return QueryModule(client, facts.study.settings.flags.module_prefix, dictionary.project_id, username)


def _project(facts: Round) -> Dictionary:
    """The project as the last snapshot has it."""
    manifest = facts.snapshots.latest_manifest()
    if manifest is None:
        raise StudyFilesWrong("night.no_snapshot", study=facts.study.id)
    return facts.snapshots.structure(manifest).dictionary


def _require_instrument(dictionary: Dictionary) -> None:
    """Raise StudyFilesWrong where there is no instrument to write to."""
    if lacking := missing_fields(dictionary):
        raise StudyFilesWrong("flags.no_instrument", fields=", ".join(lacking))
    if not _repeats(dictionary):
        raise StudyFilesWrong("flags.not_repeating")


def _repeats(dictionary: Dictionary) -> bool:
    return any(dictionary.repeats(event, INSTRUMENT) for event in dictionary.event_names)


def shown_lines(done: FlagsDone) -> Iterator[Message]:
    """What a run did, as lines for a person."""
    yield Message.of(f"flags.said.{'written' if done.applied else 'planned'}", count=done.written, new=done.new)
    for name in ("refused", "unproven", "waiting"):
        if count := getattr(done, name):
            yield Message.of(f"flags.said.{name}", count=count)
    for name, reasons in (("detour", done.detour_reasons), ("not_asked", done.reasons)):
        for reason, count in sorted(reasons.items()):
            yield Message.of(f"flags.said.{name}", count=count, reason=Message.of(f"flags.reason.{reason.value}"))
    if done.saved is not None:
        yield said_of(done.saved)
