"""The data manager's overview: one HTML file a language in the study's data folder, overwritten by each round."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from nightround.digests.overview import NIGHTS, overview_of
from nightround.digests.overview_page import OverviewFacts, overview_page
from nightround.digests.templates import load_digest_templates
from nightround.model.attached_file import AttachedFile
from nightround.model.language import Language
from nightround.model.snapshot import Snapshot
from nightround.night.round import Round
from nightround.store.database import Store
from nightround.validation.run import Validation
from redcap_sync.private_files import write_private

HTML = "text/html"


def write_overview(
    facts: Round, store: Store, snapshot: Snapshot, validation: Validation, *, complete: bool
) -> Mapping[Language, AttachedFile]:
    """Write the overview in each language of the study; gives the files, as they go with the data manager's mail."""
    study, settings, templates = facts.study.id, facts.study.settings.study, facts.content.templates
    zone = ZoneInfo(settings.time_zone)
    nights = [(run, at.astimezone(zone).date()) for run, at in store.run_times(study, facts.job).items()][-NIGHTS:]
    history = store.whole_history(study, store.position_before(study, nights[0][0])) if nights else ()
    found = overview_of(store.findings(study), history, nights, snapshot.groups)
    said = OverviewFacts(
        title=settings.title.words(),
        now=facts.hospital_time,
        rules={rule.id: rule for rule in validation.rules},
        group_labels={one.unique_name: one.label for one in snapshot.dictionary.groups or ()},
        complete=complete,
        synthetic=settings.synthetic,
    )
    pages = load_digest_templates(templates / "digest", templates / study / "digest")
    made = {language: overview_page(found, said, pages, language) for language in settings.languages}
    files = {
        language: AttachedFile(f"overview_{language}.html", HTML, page.encode()) for language, page in made.items()
    }
    for one in files.values():
        write_private(facts.folder / one.name, one.content)
    return files
