"""A ward round of a REDCap study every night: pull, check, follow up, report."""

from collections.abc import Mapping

from redcap_sync.messages import add_english

__version__ = "0.1.0"


def _english() -> Mapping[str, str]:
    from nightround.texts.catalogue import own_english

    return own_english()


add_english(_english)
