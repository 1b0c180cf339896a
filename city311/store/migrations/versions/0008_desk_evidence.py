"""What shows that a request is done, and which one a duplicate repeats; an index of a service's reports by time.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, kind in (("evidence", sa.Text()), ("duplicate_of", sa.String(20))):
        with op.batch_alter_table("desk_requests") as table:
            table.add_column(sa.Column(name, kind, nullable=False, server_default=""))
        with op.batch_alter_table("desk_requests") as table:
            table.alter_column(name, server_default=None, existing_type=kind, existing_nullable=False)
    op.create_index("known_reports_time", "known_reports", ["service_code", "requested_at", "closed_at", "state"])


def downgrade() -> None:
    op.drop_index("known_reports_time", "known_reports")
    with op.batch_alter_table("desk_requests") as table:
        table.drop_column("duplicate_of")
        table.drop_column("evidence")
