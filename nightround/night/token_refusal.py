"""A token that REDCap does not accept: the error names the study, and says how to replace the token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redcap_sync.errors import RedcapRefused
from redcap_sync.messages import Message

REFUSED = "api.refused"


@contextmanager
def token_refusal_explained(study: str, place: Message) -> Iterator[None]:
    """Raise an error with the same exit code that says what to do; `place` is how another token is put there."""
    try:
        yield
    except RedcapRefused as error:
        if error.code != REFUSED:
            raise
        facts = {"study": study, "status": error.facts.get("status", ""), "place": place}
        raise RedcapRefused("night.token_refused", **facts).with_private(error.private) from None
