"""Service requests and their outbox."""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_requests",
        sa.Column("number", sa.String(20), primary_key=True),
        sa.Column("idempotency_key", sa.String(200), nullable=False, unique=True),
        sa.Column("reporter", sa.String(200), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("service_code", sa.String(100), nullable=False),
        sa.Column("submission", sa.JSON, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("due_at", Instant),
        sa.Column("external_id", sa.String(200), index=True),
        sa.Column("external_token", sa.String(200)),
        sa.Column("service_notice", sa.Text, nullable=False),
        sa.Column("sent_at", Instant, index=True),
    )
    op.create_index("service_requests_reporter", "service_requests", ["reporter", "created_at"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(240), nullable=False, unique=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("number", sa.String(20), sa.ForeignKey("service_requests.number"), nullable=False, index=True),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("posts", sa.Integer, nullable=False),
        sa.Column("posted_since", Instant),
        sa.Column("not_before", Instant, nullable=False),
        sa.Column("lease", sa.String(32)),
        sa.Column("leased_until", Instant),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
    )
    op.create_index("outbox_due", "outbox", ["state", "not_before"])


def downgrade() -> None:
    op.drop_table("outbox")
    op.drop_table("service_requests")
