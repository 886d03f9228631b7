"""The session that carries the calls: forms as any client writes them, the environment read once."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from redcap_sync.session import ApiSession, form_body

URL = "https://redcap.example.org/api/"
VALUES = st.one_of(st.text(), st.booleans(), st.integers(), st.none())


@given(st.dictionaries(st.text(min_size=1), VALUES))
def test_a_form_is_written_as_python_writes_it(form: dict[str, Any]) -> None:
    """Names and values of any characters; what is None is not sent."""
    assert form_body(form) == urlencode({name: value for name, value in form.items() if value is not None})


def test_what_requests_would_send_is_sent() -> None:
    """The body and the kind of a form are those of `requests` itself."""
    form = {"token": "A1", "records[0]": "Ä 1", "format": "csv", "dateRangeBegin": None, "exportSurveyFields": True}
    sent: list[requests.PreparedRequest] = []

    class Kept(requests.adapters.BaseAdapter):
        def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
            sent.append(request)
            answer = requests.Response()
            answer.status_code = 200
            answer._content = b""
            return answer

        def close(self) -> None: ...

    for session in (ApiSession(URL), requests.Session()):
        session.mount("https://", Kept())
        session.post(URL, data=form)
    ours, theirs = sent
    assert ours.body == theirs.body
    assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]


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
