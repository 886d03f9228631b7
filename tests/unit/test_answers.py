"""An answer of the server is judged before PyCap reads it."""

import pytest
import requests

from redcap_sync.api.answers import AskedTooMuch, ServerBusy, check_answer, import_error_places
from redcap_sync.errors import ExplainedError, RedcapRefused, RedcapUnreachable, WriteRefused


def answer(status: int, body: str, content_type: str = "application/json", location: str = "") -> requests.Response:
    """Build a response as the transport would hand it to the hook."""
    response = requests.Response()
    response.status_code = status
    response._content = body.encode()
    response.headers["Content-Type"] = content_type
    if location:
        response.headers["Location"] = location
    return response


LOGIN_PAGE = "<!DOCTYPE html><html><title>Log in</title></html>"


@pytest.mark.parametrize("body", ['[{"record_id":"1"}]', "[]", "14.5.0", '{"project_id":1}', '[{"x":"<html>"}]'])
def test_a_good_answer_passes(body: str) -> None:
    """Data with status 200 pass, also when a value looks like markup."""
    check_answer(answer(200, body))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(200, LOGIN_PAGE, "text/html"), RedcapUnreachable),
        (answer(302, "", location="https://sso.example.org/"), RedcapUnreachable),
        (answer(404, LOGIN_PAGE, "text/html"), RedcapUnreachable),
        (answer(501, "<hash><error>not implemented</error></hash>", "text/xml"), RedcapUnreachable),
        (answer(502, "<html>Bad gateway</html>", "text/html"), ServerBusy),
        (answer(500, ""), ServerBusy),
        (answer(429, "slow down", "text/plain"), ServerBusy),
        (answer(403, '{"error":"You do not have permissions to use the API"}'), RedcapRefused),
        (answer(403, "<html>banned</html>", "text/html"), RedcapRefused),
        (answer(400, '{"error":"The value of the parameter \\"content\\" is not valid"}'), RedcapRefused),
        (answer(200, '{"error":"something"}'), RedcapRefused),
        (answer(200, "ERROR: something", "text/csv"), RedcapRefused),
        (answer(200, "REDCap ran out of server memory. The request cannot be processed."), AskedTooMuch),
    ],
)
def test_a_bad_answer_is_named(given: requests.Response, expected: type[ExplainedError]) -> None:
    """Each kind of bad answer is an error of its own class, even with status 200."""
    with pytest.raises(expected) as caught:
        check_answer(given)
    assert caught.type is expected
    assert caught.value.why
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("30", 30.0), ("", 0.0), ("²", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0), ("9" * 5000, 0.0)],
)
def test_a_busy_server_says_how_long_to_wait(asked: str, seconds: float) -> None:
    """Whole seconds count; what cannot be read as such leaves the pause to us."""
    given = answer(503, "")
    given.headers["Retry-After"] = asked
    with pytest.raises(ServerBusy) as caught:
        check_answer(given)
    assert caught.value.wait_seconds == seconds


def test_an_import_error_names_the_place_and_not_the_value() -> None:
    """Neither what REDCap repeats of the row nor where it is reaches our message; the place is the private part."""
    body = '{"error":"\\"7\\",\\"pts_grade\\",\\"CANARY\\",\\"The value is not a valid category for pts_grade\\""}'
    with pytest.raises(WriteRefused) as caught:
        check_answer(answer(400, body))
    assert caught.value.private.startswith("record 7, field pts_grade")
    assert "1 value " in str(caught.value)
    assert "pts_grade" not in str(caught.value)
    assert "CANARY" not in str(caught.value) + caught.value.private


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
@pytest.mark.parametrize("form", ['{{"error":"{said}"}}', "ERROR: {said}", "<hash><error>{said}</error></hash>"])
def test_the_words_of_a_server_are_private(status: int, form: str) -> None:
    """What a server says, with a token, a record and a value in it, is in no message, fact or form of an error."""
    said = f"token {'A1' * 16} may not read record R-0042 with hiv_status = POSITIVE"
    with pytest.raises(ExplainedError) as caught:
        check_answer(answer(status, form.format(said=said)))
    error = caught.value
    shown = f"{error} {error!r} {error.args} {error.facts} {error.shown().document()}"
    assert not [one for one in ("A1A1", "R-0042", "POSITIVE") if one in shown]
    assert str(status) in str(error)
    if status != 500:
        assert "POSITIVE" in error.private
        assert "A1A1" not in error.private
        assert "private" in error.remedy


def test_every_import_error_line_is_named() -> None:
    """An import refused for two cells names both."""
    message = '"1","a","x","bad"\n"2","b","y ""quoted""","worse"'
    assert import_error_places(message) == ["record 1, field a: bad", "record 2, field b: worse"]
