"""Every night: pull records, judge rules, follow findings and their answers, tell people; on report days report."""

from nightround.night import Night

SCHEDULE = "30 2 * * *"


def run(night: Night) -> None:
    """Make the round once."""
    with night.without_stopping():
        night.read_inbox()
    snapshot = night.pull()
    validation = night.validate(snapshot)
    night.take_answers(snapshot)
    with night.without_stopping():
        night.take_query_answers(snapshot)
    with night.without_stopping():
        night.take_saved_queries(snapshot)
    changes = night.reconcile(snapshot, validation)
    with night.without_stopping():
        night.write_lists(snapshot, validation)
    with night.without_stopping():
        night.write_flags()
    overview = None
    with night.without_stopping():
        overview = night.write_overview(snapshot, validation)
    night.alert(snapshot, validation, overview)
    if night.is_report_day:
        night.report(snapshot, validation, changes=changes)
