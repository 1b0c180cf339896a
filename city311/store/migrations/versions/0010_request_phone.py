"""The phone that a resident left with a request: whoever writes from it later finds the request.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("service_requests", sa.Column("phone", sa.String(40), nullable=False, server_default=""))
    op.create_index("ix_service_requests_phone", "service_requests", ["phone"])
    requests = sa.table(
        "service_requests",
        sa.column("number", sa.String),
        sa.column("phone", sa.String),
        sa.column("submission", sa.JSON),
    )
    connection = op.get_bind()
    for number, submission in connection.execute(sa.select(requests.c.number, requests.c.submission)).all():
        if phone := (submission or {}).get("phone"):
            connection.execute(requests.update().where(requests.c.number == number).values(phone=phone[:40]))


def downgrade() -> None:
    op.drop_index("ix_service_requests_phone", "service_requests")
    op.drop_column("service_requests", "phone")
