"""The dead man's switch: an address that is called after each complete round, and that says who did not call.

Somebody else's machine runs it, so that it also speaks where this one is off and can tell nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import requests

from nightround.study.alert_tables import AlertsTable

log = logging.getLogger(__name__)

SECONDS = 10


def call_dead_mans_switch(settings: AlertsTable, environ: Mapping[str, str]) -> None:
    """Call the address, where the settings name one. It is a secret; that it could not be called is a warning alone."""
    if not settings.ping_url_env:
        return
    address = environ.get(settings.ping_url_env, "")
    if not address.startswith(("http://", "https://")):
        log.warning("no ping: the variable %s has no web address", settings.ping_url_env)
        return
    try:
        requests.get(address, timeout=SECONDS).raise_for_status()
    except (requests.RequestException, ValueError) as error:
        log.warning("the ping after the round failed (%s)", type(error).__name__)
