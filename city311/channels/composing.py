"""What of a message in the queue goes to its provider, in which parts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from city311.channels import sms, whatsapp
from city311.channels.providers import NotAllowed, Part, Provider
from city311.channels.received import EMAIL, SMS
from city311.channels.segments import plain
from city311.channels.stopping import Stopping
from city311.language.responses import Responses
from city311.store.outgoing import Claimed

NEEDED = ("utter_mail_subject", "utter_mail_why")
"""Responses that the domain must have."""

_WINDOW = timedelta(hours=24)
_WINDOW_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True)
class Work:
    """A message that is held, and the parts to send. ``page``: secret of the page with the full text, if shortened."""

    held: Claimed
    provider: Provider
    parts: Sequence[Part]
    page: str | None = None


def composed(held: Claimed, provider: Provider | None, responses: Responses, stopping: Stopping, at: datetime) -> Work:
    """The message as its channel shows it.

    Raises:
        NotAllowed: it cannot be sent by this way, now or ever.
    """
    if provider is None:
        raise NotAllowed(f"{held.channel} by {held.provider} is not set up")
    content, responses = held.content, responses.in_language(held.language)
    messages: Sequence[Mapping[str, Any]] = content["messages"]
    if not messages:
        raise NotAllowed("empty")
    if held.channel == SMS:
        page = held.page or secrets.token_urlsafe(24)
        text = sms.render(messages, responses, link=f"{stopping.public_url}/texts/{page}")
        return Work(held, provider, [Part(text.body)], page if text.whole else None)
    if held.channel == EMAIL:
        link = stopping.link(held.sender)
        texts = [plain(str(message.get("text") or "")) for message in messages]
        texts.append(responses.say("utter_mail_why", channel=EMAIL, values={"link": link}))
        subject = str(messages[0].get("subject") or responses.say("utter_mail_subject", channel=EMAIL))
        return Work(held, provider, [Part("\n\n".join(filter(None, texts)), subject=subject, stop_link=link)])
    closed = provider.windowed and at - held.heard_at > _WINDOW - _WINDOW_MARGIN
    if closed or content.get("only_template"):
        template = content.get("template")
        if not template:
            raise NotAllowed("window_closed_and_no_template")
        return Work(held, provider, [Part("", template=template["name"], values=tuple(template.get("values", ())))])
    parts = whatsapp.render(messages, responses, interactive=provider.interactive)
    if not parts:
        raise NotAllowed("empty")
    return Work(held, provider, parts)
