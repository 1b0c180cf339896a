"""What happened to reports, for those who want to know; jobs with leases.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("name", sa.String(240), primary_key=True),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("lease", sa.String(32)),
        sa.Column("leased_until", Instant),
        sa.Column("memory", sa.JSON, nullable=False),
    )
    op.create_index("jobs_due", "jobs", ["due_at"])
    op.create_table(
        "updates",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(240), nullable=False, unique=True),
        sa.Column("recipient", sa.String(200), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("told_at", Instant),
    )
    op.create_index("updates_waiting", "updates", ["told_at", "created_at"])
    with op.batch_alter_table("known_reports") as table:
        table.add_column(sa.Column("seen", sa.String(64), nullable=False, server_default=""))
        table.add_column(sa.Column("changes", sa.Integer, nullable=False, server_default="0"))
        table.add_column(sa.Column("parent", sa.String(200), nullable=False, server_default=""))
    with op.batch_alter_table("known_reports") as table:
        table.alter_column("seen", server_default=None, existing_type=sa.String(64), existing_nullable=False)
        table.alter_column("changes", server_default=None, existing_type=sa.Integer, existing_nullable=False)
        table.alter_column("parent", server_default=None, existing_type=sa.String(200), existing_nullable=False)
    op.create_index("known_reports_parent", "known_reports", ["parent"])


def downgrade() -> None:
    op.drop_index("known_reports_parent", "known_reports")
    with op.batch_alter_table("known_reports") as table:
        for name in ("parent", "changes", "seen"):
            table.drop_column(name)
    op.drop_table("updates")
    op.drop_table("jobs")
