"""Imports Great Expectations, which takes more than a second: while the pull runs, on nights that surely need it.

On a night on which nothing has to be judged it is not imported at all.
"""

from __future__ import annotations

import gc
import importlib
import logging
import sys
from collections.abc import Mapping
from datetime import datetime
from threading import Lock, Thread

from nightround.validation.judged_rules import JudgedRule
from redcap_sync.garbage import collecting_no_garbage

JUDGE = "nightround.validation.gx_judge"
ORM = "sqlalchemy.orm"
"""What Great Expectations brings with it. From its first line on it hooks itself into how SQLAlchemy looks at each
value, before it can do so: a statement that another thread makes meanwhile ends with an AttributeError."""
_ONE_AT_A_TIME = Lock()
log = logging.getLogger(__name__)


def import_judge_early(known: Mapping[str, JudgedRule], now: datetime) -> Thread | None:
    """Begin to import the judge where a rule has to be judged whatever the pull brings; the thread that does it."""
    if not needs_judge(known, now):
        return None
    importlib.import_module(ORM)
    thread = Thread(target=_import, name="import-judge")
    thread.start()
    return thread


def needs_judge(known: Mapping[str, JudgedRule], now: datetime) -> bool:
    """Whether any of the known rules has to be judged again whatever the data are, or none is known."""
    return not known or not all(one.inputs is not None and one.inputs.hold_without_data(now) for one in known.values())


def load_judge() -> None:
    """Import the judge, whose modules live as long as the process, without a search for garbage in them.

    To look through hundreds of thousands of objects that are none, again and again while they are made and once more
    when the process ends, took 1.2 of 3 seconds. What is alive now is left out of later searches; it is freed as ever
    when nothing names it any more.
    """
    with _ONE_AT_A_TIME:
        if sys.modules.get(JUDGE) is not None:
            return
        with collecting_no_garbage():
            importlib.import_module(JUDGE)
            gc.freeze()


def _import() -> None:
    """Whoever judges loads it again and is given what is there, or the error as it is."""
    try:
        load_judge()
    except Exception as error:  # noqa: BLE001 - raised again where the judge is needed
        log.debug("the judge could not be imported ahead of its use: %s", type(error).__name__)
