"""The coverage certificate accounts for every rule, or is not complete."""

from nightround.model.language import Words
from nightround.model.outcome import Outcome, Status
from nightround.model.rule import Rule, Severity
from nightround.validation.coverage import certificate, certify
from redcap_sync.messages import Message


def rule(rule_id: str) -> Rule:
    """Make a rule of which only the id matters."""
    return Rule(rule_id, Words("题", "title"), "visit", "[x] = 1", Severity.MINOR, ("x",))


NO_ROW, NO_COLUMN = Message.of("outcome.no_row"), Message.of("outcome.no_column", column="d")


def outcome(rule_id: str, status: Status, reason: Message | None = None) -> Outcome:
    """Make an outcome of which only id, status and reason matter."""
    return Outcome(rule_id, status, 3, 2, 1 if status is Status.FAILED else 0, reason)


ALL_FOUR = [
    outcome("a", Status.PASSED),
    outcome("b", Status.FAILED),
    outcome("c", Status.NOT_APPLICABLE, NO_ROW),
    outcome("d", Status.NOT_EVALUATED, NO_COLUMN),
]


def test_every_rule_in_one_of_four_counts() -> None:
    """Passed, failed, not applicable and could not be evaluated add up to the known rules."""
    coverage = certify([rule(i) for i in "abcd"], ALL_FOUR)
    assert coverage.complete
    assert sum(coverage.counts.values()) == len(coverage.known) == 4
    assert coverage.reasons == {"c": NO_ROW, "d": NO_COLUMN}


def test_a_rule_without_an_outcome_makes_the_run_incomplete() -> None:
    """A rule nobody judged is named, and the certificate is not complete."""
    coverage = certify([rule(i) for i in "abcde"], ALL_FOUR)
    assert not coverage.complete
    assert coverage.unaccounted == ("e",)


def test_a_rule_judged_twice_and_an_unknown_one_are_unaccounted() -> None:
    """Two outcomes of one rule, or an outcome of no known rule, are as wrong as none."""
    twice = certify([rule("a")], [ALL_FOUR[0], ALL_FOUR[0]])
    unknown = certify([], [ALL_FOUR[0]])
    assert twice.unaccounted == unknown.unaccounted == ("a",)


def test_the_certificate_lists_each_rule_with_its_denominators() -> None:
    """The document has the four counts and a line for each rule, in the order of ids."""
    coverage = certify([rule(i) for i in "abcd"], ALL_FOUR)
    document = certificate(coverage, reversed(ALL_FOUR), run_id="7", snapshot_id="abc")
    assert document["complete"] is True
    assert [document[status.value] for status in Status] == [1, 1, 1, 1]
    assert [line["id"] for line in document["rules"]] == ["a", "b", "c", "d"]
    assert document["rules"][1] == {
        "id": "b",
        "status": "failed",
        "in_scope": 3,
        "checked": 2,
        "failed": 1,
        "reason": {"zh": "", "en": ""},
    }
