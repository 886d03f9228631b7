"""Imports Great Expectations while the pull runs, on nights that surely need it: it takes two seconds.

On a night on which nothing has to be judged it is not imported at all.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping
from datetime import datetime
from threading import Thread

from nightround.validation.judged_rules import JudgedRule

JUDGE = "nightround.validation.gx_judge"
log = logging.getLogger(__name__)


def import_judge_early(known: Mapping[str, JudgedRule], now: datetime) -> Thread | None:
    """Begin to import the judge where a rule has to be judged whatever the pull brings; the thread that does it."""
    if not needs_judge(known, now):
        return None
    thread = Thread(target=_import, name="import-judge")
    thread.start()
    return thread


def needs_judge(known: Mapping[str, JudgedRule], now: datetime) -> bool:
    """Whether any of the known rules has to be judged again whatever the data are, or none is known."""
    return not known or not all(one.inputs is not None and one.inputs.hold_without_data(now) for one in known.values())


def _import() -> None:
    """Whoever judges imports it again and is given what is there, or the error as it is."""
    try:
        importlib.import_module(JUDGE)
    except Exception as error:  # noqa: BLE001 - raised again where the judge is needed
        log.debug("the judge could not be imported ahead of its use: %s", type(error).__name__)
