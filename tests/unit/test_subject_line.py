"""A subject arrives as it was written, whatever language and length it has."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nightround.digests.channels.channel import OutgoingMessage
from nightround.digests.channels.mail import message_of
from nightround.digests.notice import Notice
from nightround.model.recipient import Recipient

READER = Recipient("coordinator", "crc@hospital.example", "zh", ("coordinator",))
WORDS = st.one_of(
    st.text("abcdefghij", min_size=1, max_size=12),
    st.text("静脉闭塞新发现项严重记录待处理", min_size=1, max_size=12),
    st.sampled_from(["–", "·", "3", "=?", "?=", "=?utf-8?b?", "é", "𠮷", "5 new,", "（1 项严重）", "[VOC]", ":"]),
)


def sent(subject: str) -> bytes:
    """A mail with a subject, as a server gets it."""
    notice = Notice(READER, subject, "text\n", "<p>text</p>\n", {})
    letter = OutgoingMessage.of(notice, "mail", "hospital.example", datetime(2026, 11, 29, tzinfo=UTC))
    return message_of(letter, sender="Nightround <n@hospital.example>").as_bytes()


@given(st.lists(WORDS, min_size=1, max_size=40).map(" ".join))
@example("[Nightround] 5 new, 1 came back – 重复球囊扩张 combined with a drug-coated balloon for iliocaval occlusion")
@example("a" * 300)
def test_a_subject_is_read_back_as_it_was_written(subject: str) -> None:
    """Both of Python's parsers give the same text back, each space in its place, and no line is too long."""
    raw = sent(subject)
    wanted = " ".join(subject.split())
    assert message_from_bytes(raw, policy=default)["Subject"] == wanted
    old = message_from_bytes(raw)["Subject"]
    assert str(make_header(decode_header(old))) == wanted
    header = raw.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 78 for line in header.split(b"\r\n"))


@pytest.mark.parametrize("subject", ["VOC: 3 records", "静脉闭塞：3 条记录"])
def test_a_subject_is_one_header(subject: str) -> None:
    """Nothing of it becomes another header."""
    parsed = message_from_bytes(sent(subject), policy=default)
    assert parsed.get_all("Subject") == [subject]
    assert [name for name in parsed.keys() if name.lower().startswith("s")] == ["Subject"]  # noqa: SIM118 - repeated ones too
