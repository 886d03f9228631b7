"""Whatever is in place of an answer, to each call of a pull: it is harmless, or explained with exit code 13."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import requests

from nightround.model.language import LANGUAGES
from nightround.texts.catalogue import in_language
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.session import ApiSession
from redcap_sync.errors import ExplainedError, ExportIncomplete
from redcap_sync.pulling.pulled import Pull
from tests.pull_examples import Served, served

CANARY = "CANARY 77"
CALLS = {
    "version": "",
    "project": "project_id",
    "metadata": "field_name",
    "exportFieldNames": "original_field_name",
    "instrument": "instrument_name",
    "event": "unique_event_name",
    "formEventMapping": "form",
    "repeatingFormsEvents": "form_name",
    "arm": "arm_num",
    "dag": "",
    "user": "username",
    "log": "timestamp",
    "record": "redcap_repeat_instance",
}
"""Each call of a pull, with a key of its rows."""

BODIES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda body: body[: len(body) * 2 // 3],
    "twice": lambda body: body + body,
    "deep": lambda _: b"[" * 200_000 + b"]" * 200_000,
    "deep in a row": lambda _: b'[{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}]",
    "a number of 6,000 digits": lambda _: b'[{"record_id":' + b"9" * 6000 + b"}]",
    "not UTF-8": lambda body: body[:-2] + b"\xff\xfe" + body[-2:],
    "NUL": lambda body: body[:-2] + b"\0" + body[-2:],
    "a notice": lambda body: (
        b"<br />\n<b>Notice</b>:  Undefined index: x in <b>/www/x.php</b> on line <b>1</b><br />\n" + body
    ),
    "a warning": lambda body: b"PHP Warning:  CANARY 77 in x.php on line 1\n" + body,
    "a notice behind": lambda body: body + b"<br />\n<b>Notice</b>: x in <b>x.php</b>",
    "a text": lambda _: b"CANARY 77",
    "a text in quotes": lambda _: b'"CANARY 77"',
    "null": lambda _: b"null",
    "a list of numbers": lambda _: b"[1, 2]",
    "a list of lists": lambda _: b"[[]]",
    "an object": lambda _: b'{"CANARY 77": [1]}',
    "an error inside": lambda _: b'{"a": "CANARY 77", "error": "CANARY 77"}',
    "rows of nothing": lambda _: b"[{}]",
    "a row of tables": lambda _: b'[{"record_id": {"CANARY 77": []}}]',
}
VALUES: dict[str, Any] = {
    "no number": CANARY,
    "a surrogate": "\ud800",
    "blank": "",
    "null": None,
    "negative": "-1",
    "6,000 digits": "9" * 6000,
    "20 digits": "9" * 20,
    "a decimal": 1.5,
    "infinite": float("inf"),
    "true": True,
    "a list": [CANARY],
    "a table": {CANARY: CANARY},
    "a path": "../../etc/CANARY 77",
    "control characters": "\x1b[2JCANARY 77\r\n",
    "very long": CANARY * 5000,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A sandbox with a longitudinal project, pulled from again and again."""
    with served(tmp_path_factory.mktemp("project"), records=3) as one:
        yield one


def pull_with(
    server: Served,
    monkeypatch: pytest.MonkeyPatch,
    content: str,
    change: Callable[[bytes], bytes],
    base: Pull | None = None,
) -> ExplainedError | None:
    """Pull with every answer to a call changed; the error it ended with, or None."""
    post = ApiSession.post

    def changed(self: ApiSession, url: Any, data: Any = None, **more: Any) -> requests.Response:
        hooks = more.pop("hooks", {})
        response = post(self, url, data, **more)
        if data["content"] == content:
            response._content = change(response.content)
        hooks["response"](response)
        return response

    monkeypatch.setattr(ApiSession, "post", changed)
    server.client = server.fresh_client(attempts=1)
    try:
        server.pull(base)
    except ExplainedError as error:
        return error
    return None


def with_cell(content: str, value: Any, body: bytes) -> bytes:
    """An answer with a value in the last row of a call."""
    try:
        answer = json.loads(body)
    except ValueError:  # as CSV
        return body.replace(b"CHGD", json.dumps(value).encode())
    rows = answer if isinstance(answer, list) else [answer]
    if rows:
        rows[-1][CALLS[content]] = value
    return json.dumps(answer).encode()


def assert_harmless_or_explained(error: ExplainedError | None) -> None:
    """No error, or one with exit code 13 and a text in both languages that contains nothing of the answer."""
    if error is None:
        return
    assert error.exit_code == ExportIncomplete.exit_code, error
    for part in ("what", "why", "remedy"):
        for language in LANGUAGES:
            said = in_language(error.part(part), language)
            assert said
            assert CANARY not in said
            assert len(said) < 1000


@pytest.mark.parametrize("content", CALLS)
@pytest.mark.parametrize("body", BODIES)
def test_an_answer_that_is_none(server: Served, monkeypatch: pytest.MonkeyPatch, content: str, body: str) -> None:
    """Each call of a pull is answered with what is no answer."""
    error = pull_with(server, monkeypatch, content, BODIES[body])
    assert_harmless_or_explained(error)
    if content in ("project", "metadata", "instrument", "event") and body != "cut":
        assert error is not None
        assert error.code not in ("api.cut", "api.empty"), "smaller batches would not help"


@pytest.mark.parametrize("content", [name for name, key in CALLS.items() if key])
@pytest.mark.parametrize("value", VALUES)
def test_a_value_that_is_none(server: Served, monkeypatch: pytest.MonkeyPatch, content: str, value: str) -> None:
    """One cell of each call has a value that cannot be."""
    change = partial(with_cell, content, VALUES[value])
    assert_harmless_or_explained(pull_with(server, monkeypatch, content, change))


@pytest.mark.parametrize("content", CALLS)
def test_a_missing_key(server: Served, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    """The last row of each call lacks a key, whichever it is."""
    if content in ("version", "dag"):
        return

    for position in range(4):

        def change(body: bytes, position: int = position) -> bytes:
            try:
                answer = json.loads(body)
            except ValueError:
                return body
            rows = answer if isinstance(answer, list) else [answer]
            if rows and len(rows[-1]) > position:
                del rows[-1][list(rows[-1])[position]]
            return json.dumps(answer).encode()

        with monkeypatch.context() as patch:
            assert_harmless_or_explained(pull_with(server, patch, content, change))


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Pull]]:
    """A sandbox with more records than a batch, so that they come as CSV, and the pull before a change."""
    with served(tmp_path_factory.mktemp("larger"), records=12) as one:
        base = one.pull()
        one.clock.forward(days=1)
        one.write("2", initials="CHGD")
        yield one, base


@pytest.mark.parametrize("content", ["log", "record", "user"])
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("increment", [True, False])
def test_an_answer_that_is_none_to_a_larger_or_later_pull(
    larger: tuple[Served, Pull], monkeypatch: pytest.MonkeyPatch, content: str, body: str, *, increment: bool
) -> None:
    """An increment, and a pull in CSV, meet the same answers."""
    server, base = larger
    assert_harmless_or_explained(
        pull_with(server, monkeypatch, content, BODIES[body], base=base if increment else None)
    )


@pytest.mark.parametrize("content", ["log", "record"])
@pytest.mark.parametrize("value", VALUES)
def test_a_value_that_is_none_in_an_increment(
    larger: tuple[Served, Pull], monkeypatch: pytest.MonkeyPatch, content: str, value: str
) -> None:
    """One cell of the log or of the records has a value that cannot be."""
    server, base = larger
    change = partial(with_cell, content, VALUES[value])
    assert_harmless_or_explained(pull_with(server, monkeypatch, content, change, base=base))


@pytest.mark.parametrize("content", CALLS)
@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\n \n"])
def test_a_mark_or_white_space_in_front_is_harmless(
    server: Served, monkeypatch: pytest.MonkeyPatch, content: str, before: bytes
) -> None:
    """A byte order mark and blank lines, as a file of the server's own program may begin with, change nothing."""
    expected = server.pull()
    assert pull_with(server, monkeypatch, content, lambda body: before + body) is None
    assert server.pull().id == expected.id


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("a notice", "api.php_message"),
        ("a warning", "api.php_message"),
        ("a notice behind", "api.not_json"),
        ("not UTF-8", "api.not_utf8"),
        ("deep", "api.deep"),
        ("a number of 6,000 digits", "api.long_number"),
    ],
)
def test_the_sentence_says_what_it_is(server: Served, monkeypatch: pytest.MonkeyPatch, body: str, code: str) -> None:
    """Each kind of answer has its own sentence."""
    error = pull_with(server, monkeypatch, "metadata", BODIES[body])
    assert error is not None
    assert error.code == code


@pytest.mark.parametrize(
    "url",
    [
        "file:///api/",
        "https:///api/",
        "http://[::1/api/",
        "http://a b/api/",
        "http://a\r\nX: y/api/",
        "redcap.example.org/api/",
        "http://a:99999/api/",
        "ftp://a/api/",
    ],
)
def test_an_address_that_is_none(server: Served, url: str) -> None:
    """What cannot be called is refused before anything is sent."""
    with pytest.raises(ExplainedError) as caught:
        RedcapClient(url, server.client._project.token, sleep=lambda _: None)
    assert caught.value.code == "api.no_web_address"
