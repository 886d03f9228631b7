"""The HTTP session of one project: what `requests` would find out anew at each call is found out once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote_plus

import requests
from requests.adapters import HTTPAdapter
from requests.hooks import default_hooks

_PIECE = 2**20
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class ApiSession(requests.Session):
    """Posts to one address.

    Proxies and certificates are those that the environment names when it is made. A `.netrc` is not looked at: it
    would send somebody's password next to the token.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        found = self.merge_environment_settings(url, {}, None, None, None)
        self.proxies = found["proxies"]
        self.verify = True if found["verify"] is None else found["verify"]
        self.trust_env = False
        self._url = url
        for scheme in ("https://", "http://"):
            self.mount(scheme, _InLargePieces())

    def post(self, url: Any, data: Any = None, json: Any = None, **more: Any) -> requests.Response:
        """Post a form. What is no plain form, such as a file, goes the way of `requests`."""
        files = more.pop("files", None)
        if not isinstance(data, Mapping) or files or json is not None or url != self._url:
            return super().post(url, data=data, json=json, files=files, **more)
        headers, hooks = more.pop("headers", None), more.pop("hooks", None)
        prepared = self._filled(form_body(data), headers or {}, hooks or {})
        return self.send(prepared, **{"proxies": self.proxies, **more})

    @cached_property
    def _template(self) -> requests.PreparedRequest:
        """A request without a body; made at the first call, which is where a wrong address is reported."""
        return self.prepare_request(requests.Request("POST", self._url, headers=_FORM))

    def _filled(self, body: str, headers: Mapping[str, str], hooks: Mapping[str, Any]) -> requests.PreparedRequest:
        """The request that posts a form to our address; nearly all of it was made ready once."""
        prepared = self._template.copy()
        prepared.headers.update(headers)
        if self.cookies:
            prepared.prepare_cookies(self.cookies)
        prepared.prepare_body(body, None)
        prepared.hooks = default_hooks()  # a copy has the very lists of the template, and they would grow
        prepared.prepare_hooks(dict(hooks))
        return prepared


class _InLargePieces(HTTPAdapter):
    """Takes answers from the socket in pieces of a megabyte; `requests` takes ten kilobytes at a time."""

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Build the answer on a stream that does not mind the size that is asked for."""
        stream = resp.stream
        resp.stream = lambda _size, decode_content=None: stream(_PIECE, decode_content=decode_content)
        return super().build_response(req, resp)


def form_body(form: Mapping[str, Any]) -> str:
    """A form as `urllib.parse.urlencode` writes it, in a tenth of the time: ids seldom contain what needs quoting."""
    texts = [(_name(name), str(value)) for name, value in form.items() if value is not None]
    together = "".join([text for _, text in texts])
    if quote_plus(together) != together:
        texts = [(name, quote_plus(text)) for name, text in texts]
    return "&".join([f"{name}={text}" for name, text in texts])


@lru_cache(maxsize=8192)
def _name(name: str) -> str:
    """The name of a parameter: `records[0]` to `records[99]` are those of every batch."""
    return quote_plus(name)
