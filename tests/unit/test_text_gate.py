"""Every text leaves through one gate: secrets masked, control characters removed, no foreign message in a traceback."""

from __future__ import annotations

import ast
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightround.cli.printing import print_bug, print_json, print_table, say
from nightround.digests.notice import Notice
from nightround.model.errors import StudyFilesWrong
from nightround.model.recipient import Recipient
from nightround.texts.catalogue import in_language
from nightround.texts.csv_text import csv_text
from nightround.texts.text_gate import close_the_gate, traceback_text
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.clean_text import clean, clean_tree, keep_secret, one_line
from redcap_sync.errors import ExplainedError, RedcapRefused
from redcap_sync.messages import Message
from redcap_sync.pulling.export_rights import missing_columns, strange_columns

ROOT = Path(__file__).parents[2]
TOKEN = "0123456789ABCDEF0123456789abcdef"
PASSWORD = "p%40ss-w0rd-4711"
CONTROLS = ("\x00", "\x07", "\x1b[31m", "\x1b]0;title\x07", "\x7f", "\x85", "\x9b2J", "\u202e", "\u200f", "\u2066")
HARMFUL = {*"\x00\x07\x1b\x7f\x85\x9b\u202e\u200f\u2066\r"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"token {TOKEN}.", "token ***."),
        (f"token={TOKEN.lower()}&content=record", "token=***&content=record"),
        (f"{'AB' * 32}", "***"),
        (f"snapshot {'ab' * 32}", f"snapshot {'ab' * 32}"),
        ("12345678901234567890123456789012345", "12345678901234567890123456789012345"),
        ("http://user:pass@host/api/", "http://***@host/api/"),
        ("https://user:p@ss@host:8443/api/?x=1", "https://***@host:8443/api/?x=1"),
        ("postgresql://night:secret@db/night", "postgresql://***@db/night"),
        ("http://host/a@b", "http://host/a@b"),
        ("mail to a@example.org", "mail to a@example.org"),
        ("a\x00b\x1b[31mc\x9bd\u202ee\u200ff", "ab[31mcdef"),
        ("one\r\ntwo\rthree\u2028four\tfive\n", "one\ntwo\nthree\nfour\tfive\n"),
        ("half \ud800", "half \ufffd"),
        ("髂静脉 ±0.5 µmol·L⁻¹ – “ok”", "髂静脉 ±0.5 µmol·L⁻¹ – “ok”"),
    ],
)
def test_what_leaves_is_masked_and_stripped(text: str, expected: str) -> None:
    """Tokens by their form, user info of addresses, control and bidirectional characters; nothing else."""
    assert clean(text) == expected


@given(st.text(), st.sampled_from(CONTROLS))
def test_a_control_character_hides_no_secret(before: str, control: str) -> None:
    """Stripping comes before masking; a text that was cleaned stays as it is."""
    cut = control[0]
    text = clean(f"{before} {TOKEN[:9]}{cut}{TOKEN[9:]} http://me:{cut}secret@host/")
    assert TOKEN not in text
    assert "secret" not in text
    assert not HARMFUL & set(text)
    assert clean(text) == text
    text.encode()


def test_a_known_secret_is_masked_in_each_form() -> None:
    """A password is masked alone, quoted for an address and in JSON; one of few characters only in an address."""
    keep_secret('s3cret/"word" ä')
    told = ("s3cret", "word", "s3cret%2F", "s3cret/%22")
    for form in (
        's3cret/"word" ä',
        "s3cret/%22word%22%20%C3%A4",
        "s3cret%2F%22word%22+%C3%A4",
        's3cret/\\"word\\" \\u00e4',
    ):
        assert not [one for one in told if one in clean(f"<{form}>")]
    keep_secret("ab")
    assert clean("about") == "about"


def test_a_client_keeps_its_password_secret() -> None:
    """The password in REDCAP_URL is in no error, no repr, and masked wherever it turns up afterwards."""
    client = RedcapClient(
        f"http://nurse:{PASSWORD}@127.0.0.1:9/api/", Token("F" * 32), attempts=1, sleep=lambda _: None
    )
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever it is, its text counts
        client.version()
    shown = f"{client!r} {caught.value} {vars(caught.value)} {clean(f'{PASSWORD} p@ss-w0rd-4711')}"
    assert "ss-w0rd" not in shown
    assert "http://***@127.0.0.1:9/api/" in str(caught.value)


@pytest.mark.parametrize("control", CONTROLS)
def test_a_message_is_a_single_line_of_clean_facts(control: str) -> None:
    """A title or a label with control characters and line ends looks like no line of ours, in any language."""
    said = Message.of("night.job.what", job=f"A{control}\r\nERROR forged", name=f"http://me:secret@host/{TOKEN}")
    for text in (str(said), in_language(said, "zh"), json.dumps(said.document(), ensure_ascii=False)):
        assert not HARMFUL & set(text)
        assert TOKEN not in text
        assert "secret" not in text
    assert "\n" not in str(said) + in_language(said, "zh")


def test_a_piece_of_logic_keeps_its_lines() -> None:
    """What the catalogue says is in several lines stays so, inside of another message as well."""
    inner = Message.of("kept.text", text="one\ntwo\x07")
    assert str(inner) == "one\ntwo"
    assert "one\ntwo" in str(Message.of("error.shown", what=inner, why=inner, remedy=inner))


@pytest.fixture
def closed_gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The gate of this process closed, and what it writes on stderr."""
    before = logging.getLogRecordFactory(), warnings.showwarning
    for owner, name in ((logging, "raiseExceptions"), (sys, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    stderr = io.StringIO()
    close_the_gate(stderr)
    yield stderr
    logging.setLogRecordFactory(before[0])
    warnings.showwarning = before[1]


def broken() -> None:
    """Raise what contains a value, from what holds another, in a group."""
    try:
        int("POSITIVE-1")
    except ValueError as error:
        try:
            raise KeyError("POSITIVE-2") from error  # noqa: TRY301
        except KeyError:
            raise ExceptionGroup("POSITIVE-3", [TypeError("POSITIVE-4"), StudyFilesWrong("night.no_plan")])  # noqa: B904


def caught(raises: object) -> BaseException:
    """The exception that a call raises."""
    try:
        raises()  # type: ignore[operator]
    except BaseException as error:  # noqa: BLE001
        return error
    raise AssertionError


def test_a_traceback_shows_every_frame_and_no_foreign_message() -> None:
    """Classes and lines of a whole chain are shown; the words of our own errors alone."""
    text = traceback_text(caught(broken))
    own_lines = [line for line in text.splitlines() if "raise " in line or "int(" in line]
    assert text.count("POSITIVE") == "\n".join(own_lines).count("POSITIVE"), "only the lines of the test have it"
    assert text.count("Traceback (most recent call last)") >= 3
    assert all(one in text for one in ("ValueError", "KeyError", "ExceptionGroup", "TypeError", "analysis plan"))
    assert text.count("in broken") == 3


@pytest.mark.parametrize("handler", ["plain", "json"])
def test_every_log_line_passes_the_gate(
    closed_gate: io.StringIO, handler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever handler and formatter there are, a line is masked, stripped, and its traceback without a value."""
    del closed_gate
    out = io.StringIO()
    made = logging.StreamHandler(out)
    made.setFormatter(logging.Formatter("%(levelname)s %(message)s" if handler == "plain" else '{"m": "%(message)s"}'))
    log = logging.getLogger("some.library")
    monkeypatch.setattr(log, "handlers", [made])
    monkeypatch.setattr(log, "propagate", False)
    value = "POSITIVE"
    try:
        int(value)
    except ValueError:
        log.exception("title %s\nERROR forged %s", f"\x1b[31m{TOKEN}\u202e", "http://me:secret@host/")
    log.warning("%d", "not a number")
    text = out.getvalue()
    assert not [one for one in ("POSITIVE", TOKEN, "secret") if one in text]
    assert not HARMFUL & set(text)
    assert "\nERROR forged" not in text
    assert "ValueError" in text


def test_warnings_and_threads_pass_the_gate(closed_gate: io.StringIO) -> None:
    """A warning and a thread that ends with a bug tell no value either."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("POSITIVE", RuntimeWarning, stacklevel=1)
    value = "POSITIVE"
    thread = threading.Thread(target=lambda: int(value))
    thread.start()
    thread.join()
    sys.excepthook(ValueError, caught(lambda: int(value)), None)
    text = closed_gate.getvalue()
    assert "POSITIVE" not in text
    assert text.splitlines().count("ValueError") == 2
    assert "RuntimeWarning" in text


@pytest.mark.parametrize("control", CONTROLS)
def test_every_door_cleans(control: str, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON, lines, tables, bugs, notices and lists leave clean whatever they are given."""
    bad = f"<{control} {TOKEN} http://me:secret@host/>"
    print_json({bad: [bad, {"x": bad}]})
    say(bad)
    say(bad, err=True)
    print_table(("head", "cell"), [("a", bad)], title=bad)
    print_bug(caught(lambda: int("7" + bad)))  # type: ignore[arg-type]
    notice = Notice(Recipient("dm", "dm@example.org", "en", frozenset()), f"{bad}\r\nBcc: x", bad, bad, {})
    shown = capsys.readouterr()
    for text in (shown.out, shown.err, notice.subject, notice.text, notice.html):
        assert not HARMFUL & set(text)
        assert TOKEN not in text
        assert "secret" not in text
    assert "\n" not in notice.subject
    listed = csv_text(["a"], [{"a": bad}])
    assert not HARMFUL - {"\r"} & set(listed)
    assert TOKEN not in listed
    assert one_line(bad) == clean(bad).replace("\n", " ")
    assert clean_tree({"a": (bad, 1, None)}) == {"a": [clean(bad), 1, None]}


def test_an_error_cleans_its_facts() -> None:
    """Who uses the exception instead of its text finds nothing in it either."""
    error = RedcapRefused("api.silent", url=f"http://me:secret@host/{TOKEN}", error="x")
    assert error.facts["url"] == "http://***@host/***"


DOORS = {
    "nightround/cli/printing.py": "lines, tables and JSON of the command line, cleaned there",
    "nightround/texts/text_gate.py": "the gate of log lines, warnings and tracebacks",
    "nightround/digests/channels/mail.py": "mails, made of notices that are clean from birth",
    "nightround/digests/channels/smime.py": "the same mails, encrypted",
    "nightround/report/printing/pdf.py": "a process of its own that speaks to the one that started it",
    "redcap_sync/sandbox/__main__.py": "the sandbox alone: no server for real data; it says the token that it made",
}
WAYS_OUT = {
    *("print", "echo", "secho", "print_exception", "print_exc", "print_stack", "EmailMessage", "MIMEText"),
    *("StreamHandler", "RichHandler", "Console", "basicConfig", "format_exc", "format_exception", "lastResort"),
}


def ways_out(path: Path) -> set[str]:
    """How a file lets text out past the doors: calls by name, and the streams of the process."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            found |= {name} & WAYS_OUT
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys":
            found |= {node.attr} & {"stdout", "stderr", "__stdout__", "__stderr__"}
    return found


def test_no_text_leaves_but_through_the_doors() -> None:
    """No other module prints, mails, or writes on the streams of the process; a door that is none any more goes."""
    sources = [path for folder in ("nightround", "redcap_sync", "jobs") for path in (ROOT / folder).rglob("*.py")]
    found = {str(path.relative_to(ROOT)) for path in sources if ways_out(path)}
    assert found == DOORS.keys()


@pytest.mark.parametrize("error", [missing_columns, strange_columns])
def test_the_columns_that_an_export_lacks_are_private(error: Callable[[Sequence[str]], ExplainedError]) -> None:
    """The message counts them; their names, which contain codes, are the private part."""
    made = error(["hiv_status___1", "hiv_status___2"])
    assert "2 columns" in made.what
    assert "hiv_status" not in f"{made} {made.facts} {made.shown().document()} {in_language(made.shown(), 'zh')}"
    assert made.private == "hiv_status___1\nhiv_status___2"
