"""Where findings are, for who may read the data folder: with record ids, whatever mails may name."""

from __future__ import annotations

from collections.abc import Mapping

from nightround.model.links import Places
from nightround.model.rule import Rule
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.folder import Study
from nightround.study.rules.of_dictionary import rules_from_dictionary
from redcap_sync.errors import ExportIncomplete


def rules_and_places(study: Study, snapshots: SnapshotStore, api_url: str) -> tuple[Mapping[str, Rule], Places | None]:
    """The rules of a study by id, and the places of its last snapshot; None without a snapshot or an address.

    A snapshot that cannot be read takes the rules of the dictionary with it, and nothing else.
    """
    own = {rule.id: rule for rule in (*study.rules, *study.project_rules)}
    try:
        manifest = snapshots.latest_manifest()
        dictionary = snapshots.dictionary(manifest) if manifest else None
    except ExportIncomplete:
        return own, None
    if manifest is None or dictionary is None:
        return own, None
    made = rules_from_dictionary(dictionary, study.settings.dictionary_rules)
    rules = own | {rule.id: rule for rule in made}
    try:
        return rules, Places.of(dictionary, api_url=api_url, version=manifest.redcap_version, record_id_allowed=True)
    except ValueError:  # no address, or none of a web page
        return rules, None
