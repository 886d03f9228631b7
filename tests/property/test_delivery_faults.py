"""Random faults of servers, networks and processes: no message is lost, and none is called delivered that is not.

A run is some nights with two readers on two channels. Servers take, refuse, put off, are down, and hang up after
the last byte with the message or without it; the process is killed at any write of the database and at any moment
of sending.
`NIGHTROUND_SOAK_DELIVERIES` names another number of runs, `NIGHTROUND_SOAK_SEED` the first of them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import event

from nightround.digests.channels.channel import OutgoingMessage, ServerAnswer
from nightround.digests.notice import Notice
from nightround.digests.notifying import stored
from nightround.digests.post_office import PostOffice
from nightround.model.delivery import DeliveryState
from nightround.model.recipient import Recipient
from nightround.store.database import Store, open_store
from nightround.store.message_rows import MessageKind, Reader, StoredMessage
from tests.made_findings import night

RUNS = int(os.environ.get("NIGHTROUND_SOAK_DELIVERIES", "120"))
FIRST_SEED = int(os.environ.get("NIGHTROUND_SOAK_SEED", "1"))
PEOPLE = tuple(Recipient(role, f"{role}@x.example", "en", (), ("a", "b")) for role in ("manager", "coordinator"))
KILL = 0.03
"""How probable it is that the process is killed at one of the moments where it can be."""


class Killed(BaseException):
    """The process is gone."""


@dataclass
class World:
    """What is true: what servers have, and what the process was notified of it."""

    random: Random
    faults: bool = True
    copies: Counter[str] = field(default_factory=Counter)
    """How many copies of each Message-ID the readers have."""
    texts: dict[str, set[str]] = field(default_factory=dict)
    doubts: Counter[str] = field(default_factory=Counter)
    """How often a server took a message and the process did not hear so."""
    refusals: Counter[str] = field(default_factory=Counter)
    news: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    """What each reader learned on each channel: numbers of lines of the history."""

    def may_kill(self) -> None:
        """Kill the process now, perhaps."""
        if self.faults and self.random.random() < KILL:
            raise Killed

    def keep(self, channel: str, letter: OutgoingMessage) -> None:
        """A reader has a copy."""
        self.copies[letter.message_id] += 1
        self.texts.setdefault(letter.message_id, set()).add(letter.text)
        since, upto = map(int, letter.text.split())
        self.news.setdefault((letter.recipient.address, channel), set()).update(range(since + 1, upto + 1))


@dataclass
class FaultyChannel:
    """A channel whose server does whatever a server can do."""

    name: str
    world: World
    domain: str = "x.example"

    def send(self, letter: OutgoingMessage) -> ServerAnswer:
        """Answer in a random way; what the answer does not say, the world knows."""
        world, identity = self.world, letter.message_id
        world.may_kill()
        fault = world.random.choice(FAULTS) if world.faults else "taken"
        if fault == "down":
            return ServerAnswer.down("delivery.no_address", again_soon=world.random.random() < 0.5)
        if fault == "later":
            return ServerAnswer.busy("451 later")
        if fault == "refused":
            world.refusals[identity] += 1
            return ServerAnswer.refused("550 no")
        if fault != "lost":
            world.keep(self.name, letter)
        if fault in {"lost", "hangs"}:
            world.doubts[identity] += fault == "hangs"
            return ServerAnswer.unknown("delivery.no_reply", error="x")
        try:
            world.may_kill()
        except Killed:
            world.doubts[identity] += 1
            raise
        return ServerAnswer.delivered("250 ok")


FAULTS = ("taken", "taken", "taken", "down", "later", "refused", "lost", "hangs")


@dataclass(frozen=True)
class KillableStore(Store):
    """A database whose writer may be killed before and after each write of what became of a message."""

    world: World | None = None

    def change_message(self, message: StoredMessage) -> None:
        """Write, unless the process is gone."""
        assert self.world is not None
        self._doubted(message)
        super().change_message(message)
        self.world.may_kill()

    def _doubted(self, message: StoredMessage) -> None:
        """Killed before an answer is written down: nobody will know it."""
        assert self.world is not None
        try:
            self.world.may_kill()
        except Killed:
            if message.state is DeliveryState.DELIVERED:
                self.world.doubts[message.message_id] += 1
            raise


@dataclass
class Machine:
    """One run of nights."""

    study: str
    store: Store
    world: World
    now: datetime = field(default_factory=lambda: night(1))
    lines: int = 0

    def round(self) -> None:
        """Some lines of history, a message for who has not been notified of them, and an attempt to send what waits."""
        self.lines += self.world.random.randrange(4)
        run_id = self.store.start_run(self.study, "nightly", self.now)
        channels = {name: FaultyChannel(name, self.world) for name in ("a", "b")}
        with self.store.writing_messages(self.study) as pen:
            for person in PEOPLE:
                for name in person.channels:
                    since = pen.notified_upto(Reader(person.role, person.address, name))
                    if since < self.lines:
                        text = f"{since} {self.lines}"
                        letter = OutgoingMessage.of(Notice(person, "s", text, "", {}), name, "x.example", self.now)
                        message = stored(letter, name, study=self.study, run_id=run_id, kind=MessageKind.DIGEST)
                        pen.write(replace(message, since=since, upto=self.lines))
                        self.world.may_kill()
        self.office(channels).send_all()

    def between(self) -> None:
        """What the service does between two rounds."""
        self.office({name: FaultyChannel(name, self.world) for name in ("a", "b")}).send_due()

    def office(self, channels: dict[str, FaultyChannel]) -> PostOffice:
        """The post office of this moment."""
        return PostOffice.of(
            self.study,
            self.store,
            channels,
            PEOPLE,
            zone=UTC,
            clock=lambda: self.now,
            sleep=lambda _: None,
        )

    def check(self) -> None:
        """What the database says of each message is true."""
        world = self.world
        for one in self.store.messages(self.study):
            copies, doubts = world.copies[one.message_id], world.doubts[one.message_id]
            if one.state is DeliveryState.DELIVERED:
                assert copies, "said to be delivered, and is not"
            if one.state is DeliveryState.WAITING:
                assert not copies, "said that no server has it"
            if one.state is DeliveryState.REFUSED:
                assert not copies, "said to be refused, and was taken"
            assert copies <= 1 + doubts, "a copy that no doubt explains"
            assert len(world.texts.get(one.message_id, ())) <= 1, "two messages with one Message-ID"

    def everybody_knows(self) -> None:
        """Every line of the history reached each reader on each channel."""
        for person in PEOPLE:
            for name in person.channels:
                known = self.world.news.get((person.address, name), set())
                assert known >= set(range(1, self.lines + 1)), "lost"


def one_run(store: Store, seed: int) -> World:
    """Nights with faults, then two without: everybody knows everything."""
    random = Random(seed)
    world = World(random)
    machine = Machine(f"study_{seed}", KillableStore(store.engine, world), world)
    for _ in range(random.randrange(2, 6)):
        for step in (machine.round, *[machine.between] * random.randrange(3)):
            with suppress(Killed):
                step()
            machine.check()
            machine.now += timedelta(minutes=random.choice((1, 6, 20, 300)))
        machine.now += timedelta(hours=random.choice((20, 24, 100)))
    world.faults = False
    for _ in range(2):
        machine.round()
        machine.check()
        machine.now += timedelta(days=1)
    machine.everybody_knows()
    assert not store.unsettled_messages(machine.study)
    return world


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A database that does not wait for the disk: no power fails here."""
    with open_store(tmp_path / "state.sqlite3") as opened:

        def hurry(connection: object, _record: object) -> None:
            connection.execute("PRAGMA synchronous = OFF").close()  # type: ignore[attr-defined]

        opened.engine.dispose()
        event.listen(opened.engine, "connect", hurry)
        yield opened


def test_no_message_is_lost_and_none_is_called_delivered_that_is_not(store: Store) -> None:
    """Whatever fails and whenever the process is killed; a second copy has one Message-ID, and a doubt before it."""
    doubled = refused = 0
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        world = one_run(store, seed)
        doubled += sum(copies > 1 for copies in world.copies.values())
        refused += len(world.refusals)
    assert doubled, "the faults never made a copy: the test does not reach what it is about"
    assert refused
