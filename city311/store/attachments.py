"""Files that residents send with a text message: where the provider keeps them, and what became of them.

The row is stored with its turn (``details["attachments"]``). Before the turn is relayed the file is fetched, and
becomes one of the house's photos (``details["media"]`` of what is relayed).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from city311.store.base import Base, Instant

WAITING = "waiting"
KEPT = "kept"
REFUSED = "refused"


class Attachment(Base):
    """One file.

    Attributes:
        sender: whose it is.
        provider, reference: who has it, and under which address or id.
        content_type: what the provider says it is.
        photo: id of the photo that it became, once kept.
        reason: why it was refused; holds no words of the resident.
    """

    __tablename__ = "attachments"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    sender: Mapped[str] = mapped_column(String(80), index=True)
    provider: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(16), default=WAITING)
    photo: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(40), default="")
    received_at: Mapped[datetime] = mapped_column(Instant)
