"""Chats by webhook, against stubs that answer as the services document: what is delivered, and what only looks so."""

from __future__ import annotations

import json
import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from nightround.digests.channels import webhook
from nightround.digests.channels.channel import Channel, OutgoingMessage
from nightround.digests.channels.channel_kinds import SERVICES, channels_of
from nightround.digests.notice import Notice
from nightround.model.delivery import DeliveryState
from nightround.model.recipient import Recipient
from nightround.study.channel_table import ChannelTable
from redcap_sync.clean_text import clean
from tests.made_findings import NIGHT
from tests.webhook_server import WebhookServer, webhook_server

TOKEN = "0123456789abcdef-secret-of-the-robot"
MANAGER = Recipient("data_manager", "dm@hospital.example", "zh", (), ("chat",))
NOTICE = Notice(
    MANAGER, "[Nightround] 新发现 1 项", "第一句。第二句。\n链接：https://redcap.example/x?a=1\n", "<p>全文</p>", {}
)
YES = {
    "wecom": (200, '{"errcode":0,"errmsg":"ok"}'),
    "dingtalk": (200, '{"errcode":0,"errmsg":"ok"}'),
    "feishu": (200, '{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}'),
    "slack": (200, "ok"),
    "teams": (202, ""),
    "ntfy": (200, '{"id":"hwQ2YpKdmg","time":1635528741,"event":"message","topic":"t","message":"x"}'),
}


def chat(kind: str, url: str, folder: Path, *more: ChannelTable, pauses: list[float] | None = None) -> Channel:
    """The channel of a study."""
    tables = (ChannelTable(id="chat", kind=kind, url_env="CHAT_URL"), *more)  # type: ignore[arg-type]
    sleep = pauses.append if pauses is not None else lambda _: None
    return channels_of(tables, folder, {"CHAT_URL": url}, sleep)["chat"]


def letter(notice: Notice = NOTICE) -> OutgoingMessage:
    """A message as it is sent."""
    return OutgoingMessage.of(notice, "chat", "localhost", NIGHT)


def address(stub: WebhookServer) -> str:
    """The secret address of the stub."""
    return f"{stub.url}/hook/{TOKEN}"


def shown(document: dict[str, Any]) -> str:
    """All texts of a document."""
    return json.dumps(document, ensure_ascii=False).replace("\\n", "\n")


@pytest.mark.parametrize("kind", SERVICES)
def test_a_message_is_delivered_where_the_service_says_so(kind: str, tmp_path: Path) -> None:
    """Subject, text and link arrive, with the keyword that a robot may demand."""
    with webhook_server() as stub:
        stub.status, stub.body = YES[kind]
        answer = chat(kind, address(stub), tmp_path).send(letter())
        ((path, document),) = stub.got
    assert answer.state is DeliveryState.DELIVERED
    assert path == ("/hook/" if kind == "ntfy" else f"/hook/{TOKEN}")
    for part in (NOTICE.subject, "第一句。第二句。", "https://redcap.example/x?a=1", "Nightround"):
        assert part in shown(document)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "status", "body", "state"),
    [
        ("wecom", 200, '{"errcode":45009,"errmsg":"api freq out of limit"}', DeliveryState.WAITING),
        ("wecom", 200, '{"errcode":-1,"errmsg":"system busy"}', DeliveryState.WAITING),
        ("wecom", 200, '{"errcode":93000,"errmsg":"invalid webhook url"}', DeliveryState.REFUSED),
        ("wecom", 200, '{"errcode":40058,"errmsg":"content exceed max length"}', DeliveryState.REFUSED),
        (
            "dingtalk",
            200,
            '{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}',
            DeliveryState.WAITING,
        ),
        ("dingtalk", 200, '{"errcode":310000,"errmsg":"keywords not in content"}', DeliveryState.REFUSED),
        ("dingtalk", 200, '{"errcode":300001,"errmsg":"token is not exist"}', DeliveryState.REFUSED),
        ("feishu", 200, '{"code":19024,"msg":"Key Words Not Found"}', DeliveryState.REFUSED),
        ("feishu", 200, '{"code":11232,"msg":"frequency limited"}', DeliveryState.WAITING),
        ("feishu", 400, '{"code":11232,"msg":"frequency limited"}', DeliveryState.WAITING),
        ("feishu", 400, '{"code":9499,"msg":"Bad Request"}', DeliveryState.REFUSED),
        ("feishu", 200, '{"StatusCode":19001,"StatusMessage":"param invalid"}', DeliveryState.REFUSED),
        ("slack", 403, "invalid_token", DeliveryState.REFUSED),
        ("slack", 404, "no_service", DeliveryState.REFUSED),
        ("slack", 410, "channel_is_archived", DeliveryState.REFUSED),
        ("slack", 429, "rate_limited", DeliveryState.WAITING),
        ("slack", 200, "<html>please log in</html>", DeliveryState.UNKNOWN),
        ("teams", 200, "Webhook message delivery failed with error: HTTP error 429", DeliveryState.UNKNOWN),
        ("teams", 400, '{"error":{"code":"TriggerInputSchemaMismatch"}}', DeliveryState.REFUSED),
        ("teams", 429, "", DeliveryState.WAITING),
        ("ntfy", 429, '{"code":42901,"http":429,"error":"limit reached"}', DeliveryState.WAITING),
        ("ntfy", 403, '{"code":40301,"http":403,"error":"forbidden"}', DeliveryState.REFUSED),
        ("ntfy", 200, "<html>captive portal</html>", DeliveryState.UNKNOWN),
    ],
)
def test_an_answer_that_is_no_yes(kind: str, status: int, body: str, state: DeliveryState, tmp_path: Path) -> None:
    """Also where HTTP says 200; the answer is kept as it came."""
    with webhook_server() as stub:
        stub.status, stub.body = status, body
        answer = chat(kind, address(stub), tmp_path).send(letter())
    assert answer.state is state
    assert body[:20] in str(answer.said)


@pytest.mark.parametrize("kind", SERVICES)
@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, "", DeliveryState.UNKNOWN),
        (200, "<html>log in</html>", DeliveryState.UNKNOWN),
        (200, "[]", DeliveryState.UNKNOWN),
        (200, '{"errcode":true,"code":true}', DeliveryState.UNKNOWN),
        (200, '{"errcode":"0","code":"0"}', DeliveryState.UNKNOWN),
        (302, "", DeliveryState.UNKNOWN),
        (404, "", DeliveryState.REFUSED),
        (429, "", DeliveryState.WAITING),
        (500, "", DeliveryState.UNKNOWN),
        (502, "", DeliveryState.UNKNOWN),
        (503, "", DeliveryState.WAITING),
    ],
)
def test_nothing_else_is_taken_for_a_yes(
    kind: str, status: int, body: str, state: DeliveryState, tmp_path: Path
) -> None:
    """A page of a proxy, a redirection, a gateway that gave up: never delivered."""
    with webhook_server() as stub:
        stub.status, stub.body = status, body
        answer = chat(kind, address(stub), tmp_path).send(letter())
    assert answer.state is state


@pytest.mark.parametrize("kind", SERVICES)
def test_a_service_that_does_not_answer(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After everything was sent it is unknown; where nobody listens the message waits."""
    monkeypatch.setattr(webhook, "SECONDS", (5.0, 0.2))
    with webhook_server() as stub:
        stub.hangs = 0.6
        late = chat(kind, address(stub), tmp_path).send(letter())
        stub.hangs, stub.hangs_up = 0.0, True
        gone = chat(kind, address(stub), tmp_path).send(letter())
    assert (late.state, gone.state) == (DeliveryState.UNKNOWN, DeliveryState.UNKNOWN)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nobody = chat(kind, f"http://127.0.0.1:{port}/hook/{TOKEN}", tmp_path).send(letter())
    assert (nobody.state, nobody.channel_down, nobody.again_soon) == (DeliveryState.WAITING, True, True)


@pytest.mark.parametrize("kind", [*SERVICES, "apprise"])
@pytest.mark.parametrize("url", ["", "no address", "ftp://x.example/y", "http://"])
def test_an_address_that_is_none_is_said(kind: str, url: str, tmp_path: Path) -> None:
    """The message waits for a person who sets the variable."""
    answer = chat(kind, url, tmp_path).send(letter())
    assert (answer.state, answer.channel_down, answer.again_soon) == (DeliveryState.WAITING, True, False)


LONG = Notice(
    MANAGER, NOTICE.subject, "".join(f"这是第 {n} 句话，请核对随访日期。" for n in range(1, 2000)), "<p>全文</p>", {}
)


@pytest.mark.parametrize("kind", SERVICES)
def test_a_long_message_is_cut_at_a_sentence(kind: str, tmp_path: Path) -> None:
    """Within the service's limit, and the last line says where the whole is: in a file, or in the person's mail."""
    mail = ChannelTable(id="mail", kind="smtp", host="mail.example", sender="n@mail.example")
    with webhook_server() as stub:
        stub.status, stub.body = YES[kind]
        channel = chat(kind, address(stub), tmp_path, mail)
        assert channel.send(letter(LONG)).state is DeliveryState.DELIVERED
        by_mail = Notice(Recipient("pi", "pi@x.example", "en", (), ("chat", "mail")), LONG.subject, LONG.text, "", {})
        assert channel.send(letter(by_mail)).state is DeliveryState.DELIVERED
        texts = [shown(document) for _, document in stub.got]
    (page,) = tmp_path.glob("*.html")
    assert page.read_text(encoding="utf-8") == LONG.html
    assert f"outbox/{page.name}" in texts[0]
    assert "in your mail" in texts[1]
    sentences = texts[0].count("请核对随访日期")
    assert sentences > 20
    assert texts[0].count("请核对随访日期。") == sentences


@pytest.mark.parametrize("kind", ["wecom", "dingtalk"])
def test_no_more_messages_a_minute_than_the_service_takes(kind: str, tmp_path: Path) -> None:
    """The twenty-first message waits until a minute is over."""
    pauses: list[float] = []

    class Waited(Exception):
        """The channel waits."""

    with webhook_server() as stub:
        stub.status, stub.body = YES[kind]
        channel = chat(kind, address(stub), tmp_path)
        assert isinstance(channel, webhook.WebhookChannel)

        def wait(seconds: float) -> None:
            pauses.append(seconds)
            raise Waited

        channel.budget.sleep = wait
        for _ in range(20):
            channel.send(letter())
        with pytest.raises(Waited):
            channel.send(letter())
        assert len(stub.got) == 20
    assert 0 < pauses[0] <= 60


def test_text_of_a_study_is_no_command_of_slack(tmp_path: Path) -> None:
    """A title cannot call everybody of the room."""
    with webhook_server() as stub:
        stub.body = "ok"
        notice = Notice(MANAGER, "<!channel> A & B", "<https://evil.example|click>\n", "", {})
        chat("slack", address(stub), tmp_path).send(letter(notice))
        ((_, document),) = stub.got
    assert "<" not in document["text"]
    assert "&lt;!channel&gt; A &amp; B" in document["text"]


@pytest.mark.parametrize("kind", SERVICES)
def test_the_address_is_a_secret_everywhere(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is in no answer, repr or log line, also where the service sends it back, and masked in any text afterwards."""
    caplog.set_level(logging.DEBUG)
    with webhook_server() as stub:
        stub.status, stub.body = 404, f"no robot at {address(stub)}"
        channel = chat(kind, address(stub), tmp_path)
        answer = channel.send(letter())
    said = repr(answer) + str(answer.said) + repr(channel) + clean(f"a text with {TOKEN}")
    assert TOKEN not in said
    assert TOKEN not in "".join(clean(record.getMessage()) for record in caplog.records)


def test_apprise_speaks_to_what_has_no_sender_here(tmp_path: Path) -> None:
    """A JSON address of Apprise: taken, and not taken, which is not known to be a refusal."""
    with webhook_server() as stub:
        url = f"json://127.0.0.1:{stub.url.rpartition(':')[2]}/hook"
        assert chat("apprise", url, tmp_path).send(letter()).state is DeliveryState.DELIVERED
        stub.status = 500
        assert chat("apprise", url, tmp_path).send(letter()).state is DeliveryState.UNKNOWN
        (_, document), *_ = stub.got
    assert document["title"] == NOTICE.subject
    assert "第一句。第二句。" in document["message"]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("wecombot://0123456789abcdef0123456789abcdef0123", "wecom"),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa", "wecom"),
        ("dingtalk://0123456789abcdef0123456789abcdef0123", "dingtalk"),
    ],
)
def test_apprise_is_not_asked_where_it_takes_an_error_for_success(url: str, kind: str, tmp_path: Path) -> None:
    """The answer names the kind of channel to use; nothing is sent."""
    answer = chat("apprise", url, tmp_path).send(letter())
    assert (answer.state, answer.channel_down) == (DeliveryState.WAITING, True)
    assert f'kind = "{kind}"' in str(answer.said)
