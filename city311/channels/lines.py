"""The lines of one portal process put together: who takes messages from phones, and who sends them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from city311.channels import (
    composing,
    fates,
    mail,
    media,
    messaging,
    meta,
    receipts,
    sms,
    twilio,
    twochat,
    verifying,
    whatsapp,
)
from city311.channels.answers import Answers
from city311.channels.configuration import Lines
from city311.channels.limits import Limits
from city311.channels.media import Attachments, Source
from city311.channels.outgoing import Pace, Sender
from city311.channels.providers import Provider
from city311.channels.quiet import Quiet
from city311.channels.reaching import Reach
from city311.channels.received import EMAIL, SMS, WHATSAPP, Fate
from city311.channels.stopping import Stopping
from city311.channels.together import Together
from city311.language.responses import Responses
from city311.requests import Photos

NEEDED = (
    *messaging.NEEDED,
    *media.NEEDED,
    *sms.NEEDED,
    *whatsapp.NEEDED,
    *composing.NEEDED,
    *receipts.NEEDED,
    *verifying.NEEDED,
)
"""Responses that the domain must have."""


@dataclass(frozen=True)
class Phones:
    """What the portal runs for phones. ``fates`` keeps what a provider says became of a message."""

    limits: Limits
    sender: Sender
    answers: Answers
    attachments: Attachments
    fates: Callable[[Fate], Awaitable[None]]


def phones(
    together: Together,
    lines: Lines,
    responses: Responses,
    photos: Photos,
    *,
    public_url: str,
    quiet: Quiet,
    pace: Pace,
    languages: Sequence[str],
    city: str,
    stopping: Stopping,
) -> Phones:
    """The sending side of those lines, and what puts answers into its queue.

    ``languages``: those that a resident can be answered in. ``city``: its name, as the sender of e-mail.
    """
    limits = Limits(lines.rates, redis_url=lines.redis_url)
    providers = _providers(lines, public_url, city)
    sender = Sender(together, providers, responses, limits, stopping=stopping, quiet=quiet, pace=pace)
    engine = together.engine
    attachments = Attachments(engine, photos, _sources(lines), responses)

    async def keep(fate: Fate) -> None:
        await together.write(partial(fates.keep, fate=fate))

    return Phones(
        limits,
        sender,
        Answers(responses, sender.look, several_languages=len(languages) > 1),
        attachments,
        keep,
    )


def _providers(lines: Lines, public_url: str, city: str) -> dict[tuple[str, str], Provider]:
    providers: dict[tuple[str, str], Provider] = {}
    if lines.twilio is not None:
        status_url = f"{public_url}/channels/{{channel}}/twilio/status"
        account = twilio.Twilio(lines.twilio, status_url=status_url)
        if lines.twilio.sms:
            providers[SMS, twilio.NAME] = account
        if lines.twilio.whatsapp:
            providers[WHATSAPP, twilio.NAME] = account
    if lines.meta is not None:
        providers[WHATSAPP, meta.NAME] = meta.Meta(lines.meta)
    if lines.mail is not None:
        providers[EMAIL, mail.NAME] = mail.Mail(lines.mail, city)
    if lines.twochat is not None:
        providers[WHATSAPP, twochat.NAME] = twochat.TwoChat(lines.twochat)
    return providers


def reach_of(lines: Lines, secret: str, country: str, look: Callable[[], None]) -> Reach:
    """Where those lines can send to somebody who has not written. ``secret`` makes the sender ids."""
    return Reach(
        secret,
        country,
        look,
        texts_by=twilio.NAME,
        texts_from=lines.twilio.sms if lines.twilio is not None else "",
        mail_from=lines.mail.address if lines.mail is not None else "",
    )


def _sources(lines: Lines) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    if lines.twilio is not None:
        sources[twilio.NAME] = twilio.MediaSource(lines.twilio)
    if lines.meta is not None:
        sources[meta.NAME] = meta.MediaSource(lines.meta)
    if lines.twochat is not None:
        sources[twochat.NAME] = twochat.MediaSource(lines.twochat)
    return sources
