"""The first tables: runs with their steps and outcomes, findings with their history, digests."""

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

# Written out here, not imported: a migration says what the tables were, whatever they become.
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create every table, in the order their references need."""
    _create_runs()
    _create_steps()
    _create_outcomes()
    _create_findings()
    _create_finding_history()
    _create_digests()


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", Counter, nullable=False),
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("started_at", Time, nullable=False),
        sa.Column("ended_at", Time, nullable=True),
        sa.Column("ended", sa.String(length=16), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("snapshot_id", sa.String(length=64), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("coverage", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_runs_study_id"), "runs", ["study", "id"], unique=False)


def _create_steps() -> None:
    op.create_table(
        "steps",
        sa.Column("run_id", Counter, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("started_at", Time, nullable=False),
        sa.Column("ended_at", Time, nullable=False),
        sa.Column("ended", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_steps_run_id")),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_steps")),
    )


def _create_outcomes() -> None:
    op.create_table(
        "outcomes",
        sa.Column("run_id", Counter, nullable=False),
        sa.Column("rule_id", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("in_scope", sa.Integer(), nullable=False),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_outcomes_run_id")),
        sa.PrimaryKeyConstraint("run_id", "rule_id", name=op.f("pk_outcomes")),
    )


def _create_findings() -> None:
    op.create_table(
        "findings",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("rule_id", sa.String(length=128), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("instance", sa.Integer(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", Time, nullable=False),
        sa.Column("last_seen_at", Time, nullable=False),
        sa.Column("resolved_at", Time, nullable=True),
        sa.Column("resolution", sa.String(length=16), nullable=True),
        sa.Column("times_reopened", sa.Integer(), nullable=False),
        sa.Column("observed", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    op.create_index(op.f("ix_findings_study_state"), "findings", ["study", "state"], unique=False)


def _create_finding_history() -> None:
    op.create_table(
        "finding_history",
        sa.Column("position", Counter, nullable=False),
        sa.Column("finding_id", sa.String(length=16), nullable=False),
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("run_id", Counter, nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("change", sa.String(length=16), nullable=False),
        sa.Column("resolution", sa.String(length=16), nullable=True),
        sa.Column("observed", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["findings.id"], name=op.f("fk_finding_history_finding_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_finding_history_run_id")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_finding_history")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_finding_history_finding_id"), "finding_history", ["finding_id"], unique=False)
    op.create_index(op.f("ix_finding_history_study_position"), "finding_history", ["study", "position"], unique=False)


def _create_digests() -> None:
    op.create_table(
        "digests",
        sa.Column("id", Counter, nullable=False),
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("run_id", Counter, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("since", Counter, nullable=False),
        sa.Column("upto", Counter, nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_digests_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digests")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_digests_study_recipient_channel"), "digests", ["study", "recipient", "channel"], unique=False
    )
