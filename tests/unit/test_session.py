"""The session that carries the calls: forms as any client writes them, the environment read once."""

from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPResponse

from redcap_sync.api.session import ApiSession, form_body

URL = "https://redcap.example.org/api/"
VALUES = st.one_of(st.text(), st.booleans(), st.integers(), st.none())


@given(st.dictionaries(st.text(min_size=1), VALUES))
def test_a_form_is_written_as_python_writes_it(form: dict[str, Any]) -> None:
    """Names and values of any characters; what is None is not sent."""
    assert form_body(form) == urlencode({name: value for name, value in form.items() if value is not None})


class Kept(requests.adapters.BaseAdapter):
    """Keeps what would be sent, and answers with a cookie."""

    def __init__(self) -> None:
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        """Answer at once."""
        self.sent.append(request)
        answer = requests.Response()
        answer.status_code = 200
        answer._content = b""
        answer.raw = HTTPResponse(headers={"Set-Cookie": "node=b; Path=/"}, original_response=_Raw())
        return answer

    def close(self) -> None:
        """Nothing is open."""


class _Raw:
    """As much of an answer of `http.client` as is looked at for cookies."""

    msg = Message()
    msg["Set-Cookie"] = "node=b; Path=/"

    def isclosed(self) -> bool:
        """Say that it is read."""
        return True

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("url", [URL, "https://REDCap.example.org/api/", "https://redcap.example.org:8443/a b/api/"])
def test_what_requests_would_send_is_sent(url: str) -> None:
    """Address, body and headers are those of `requests` itself, at the first call and later, when there are cookies."""
    form = {"token": "A1", "records[0]": "Ä 1", "format": "csv", "dateRangeBegin": None, "exportSurveyFields": True}
    sent = []
    for session in (ApiSession(url), requests.Session()):
        kept = Kept()
        session.mount("https://", kept)
        session.post(url, data=form, headers={"X-Once": "1"})
        session.post(url, data={"content": "version"})
        sent.append([(one.method, one.url, one.body, dict(one.headers)) for one in kept.sent])
    ours, theirs = sent
    assert ours == theirs
    assert [("X-Once" in headers, headers.get("Cookie")) for *_, headers in ours] == [(True, None), (False, "node=b")]


def test_hooks_see_the_answer_and_bodies_of_other_kinds_pass() -> None:
    """A hook is called once, for the answer to its own call, and a file is sent as `requests` sends it."""
    session, kept, seen = ApiSession(URL), Kept(), []
    session.mount("https://", kept)
    for call in ("first", "second"):
        session.post(
            URL, data={"content": "version"}, hooks={"response": lambda _answer, call=call, **_: seen.append(call)}
        )
    session.post(URL, data={"content": "file"}, files={"file": ("scan.pdf", b"%PDF")})
    assert seen == ["first", "second"]
    assert kept.sent[2].headers["Content-Type"].startswith("multipart/form-data")
    assert b"%PDF" in bytes(kept.sent[2].body or b"")


def test_the_environment_is_asked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Proxy and certificates are taken when the session is made; a .netrc adds no password to a call."""
    bundle = tmp_path / "hospital.pem"
    bundle.write_text("", encoding="utf-8")
    (tmp_path / "netrc").write_text("machine redcap.example.org login nurse password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    session = ApiSession(URL)
    assert session.proxies["https"] == "http://proxy.example.org:3128"
    assert session.verify == str(bundle)
    assert session.prepare_request(requests.Request("POST", URL)).headers.get("Authorization") is None
