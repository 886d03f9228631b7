"""Files of messages that wait are sealed in the database where the study has a key, and sent only with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from sqlalchemy import text

from nightround.digests.channels.channel import OutgoingMessage, ServerAnswer
from nightround.digests.post_office import PostOffice
from nightround.model.attached_file import AttachedFile
from nightround.model.delivery import DeliveryState
from nightround.model.recipient import Recipient
from nightround.store.database import Store, open_store
from nightround.store.engine import reading
from nightround.store.message_rows import MessageKind, StoredMessage
from tests.made_findings import STUDY, night

KEY, OTHER = bytes(range(32)), bytes(reversed(range(32)))
FILE = AttachedFile("findings.csv", "text/csv", b"finding,where\nrecord 743174317\n")
READER = Recipient("coordinator", "c@x.example", "en", (), ("mail",))


def with_message(where: str, key: bytes | None) -> None:
    """A database with one message that waits, and one that has no file."""
    with open_store(where, key) as store:
        run_id = store.start_run(STUDY, "nightly", night(1))
        for number, files in enumerate(((FILE,), ())):
            message = StoredMessage(
                study=STUDY,
                run_id=run_id,
                kind=MessageKind.DIGEST,
                role=READER.role,
                recipient=READER.address,
                channel="mail",
                message_id=f"<{number}@x.example>",
                written_at=night(1),
                subject="s",
                attachments=files,
            )
            store.keep_message(message)


def stored(store: Store) -> str:
    """What the database has in the column."""
    with reading(store.engine) as connection:
        rows = connection.execute(text("SELECT attachments FROM messages ORDER BY id")).scalars()
        return " ".join(map(str, rows))


def files_of(store: Store) -> list[tuple[AttachedFile, ...]]:
    """The files of each message."""
    return [one.attachments for one in store.messages(STUDY)]


@pytest.mark.parametrize("key_first", [True, False])
def test_files_are_sealed_at_once_or_as_soon_as_there_is_a_key(store_at: str, *, key_first: bool) -> None:
    """Nothing of name or content can be read in the database; the key gives the same files back."""
    with_message(store_at, KEY if key_first else None)
    with open_store(store_at, KEY) as store:
        assert "NRS1:" in stored(store)
        assert "findings.csv" not in stored(store)
        assert files_of(store) == [(FILE,), ()]


@pytest.mark.parametrize("key", [None, OTHER])
def test_without_the_key_nothing_is_lost(store_at: str, key: bytes | None) -> None:
    """The message is known, its files are not; what is written of it leaves them as they are."""
    with_message(store_at, KEY)
    with open_store(store_at, key) as store:
        first, second = store.messages(STUDY)
        assert (first.is_sealed, second.is_sealed) == (True, False)
        assert "743174317" not in str(first.all_texts)
        store.change_message(replace(first, attempts=1))
    with open_store(store_at, KEY) as store:
        assert files_of(store) == [(FILE,), ()]
        assert store.messages(STUDY)[0].attempts == 1


class TakesAll:
    """A channel that takes everything."""

    name, domain = "mail", "x.example"

    def __init__(self) -> None:
        self.taken: list[OutgoingMessage] = []

    def send(self, letter: OutgoingMessage) -> ServerAnswer:
        """Take it."""
        self.taken.append(letter)
        return ServerAnswer.delivered("250 ok")


def office_of(store: Store, channel: TakesAll) -> PostOffice:
    """The post office an hour after the message was written."""
    now = night(1) + timedelta(hours=1)
    return PostOffice.of(STUDY, store, {"mail": channel}, [READER], zone=UTC, clock=lambda: now, sleep=lambda _: None)


def test_a_message_with_sealed_files_waits_for_the_key(store_at: str) -> None:
    """It is not sent without the list that it names; others are, and with the key it goes too."""
    with_message(store_at, KEY)
    channel = TakesAll()
    for key, states in (
        (None, [DeliveryState.WAITING, DeliveryState.DELIVERED]),
        (KEY, [DeliveryState.DELIVERED, DeliveryState.DELIVERED]),
    ):
        with open_store(store_at, key) as store:
            office_of(store, channel).send_all()
            assert [one.state for one in store.messages(STUDY)] == states
    assert [one.attachments for one in channel.taken] == [(), (FILE,)]


def test_what_may_name_a_forgotten_patient_goes_too(store_at: str) -> None:
    """Where the key is not given, nobody knows whether the files name the record: they are removed and told anew."""
    with_message(store_at, KEY)
    with open_store(store_at) as store:
        assert store.forget_in_messages(STUDY, lambda _: False, night(2)) == 1
        assert files_of(store) == [(), ()]
