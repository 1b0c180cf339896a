"""Which lines an installation has: read from the environment, secrets from nowhere else. What is not set up is off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from limits import parse_many

from city311.channels import mail, meta, twilio, twochat
from city311.channels.limits import Rates
from city311.channels.received import is_number
from city311.intake import emails
from city311.settings import MissingSetting


@dataclass(frozen=True)
class Lines:
    """The providers' accounts; None: not used. ``redis_url``: where several portals count together."""

    twilio: twilio.Account | None = None
    meta: meta.Account | None = None
    twochat: twochat.Account | None = None
    mail: mail.Account | None = None
    rates: Rates = field(default_factory=Rates)
    redis_url: str = field(default="", repr=False)


def load(environment: Mapping[str, str]) -> Lines:
    """The lines that the environment describes (docs/operator.md has the list).

    Raises:
        MissingSetting: an account is described by half, or a value cannot be read.
    """
    rates = Rates()
    return Lines(
        twilio=_twilio(environment),
        meta=_meta(environment),
        twochat=_twochat(environment),
        mail=_mail(environment),
        rates=Rates(
            per_sender=_rates(environment, "CITY311_TEXTS_PER_SENDER", rates.per_sender),
            overall=_rates(environment, "CITY311_TEXTS_OVERALL", rates.overall),
            web=_rates(environment, "CITY311_WEB_OVERALL", rates.web),
        ),
        redis_url=_start(environment, "CITY311_REDIS_URL", ("redis://", "rediss://", "unix://")),
    )


def _twilio(environment: Mapping[str, str]) -> twilio.Account | None:
    sms = environment.get("CITY311_TWILIO_SMS_FROM", "").strip()
    whatsapp = environment.get("CITY311_TWILIO_WHATSAPP_FROM", "").strip().removeprefix("whatsapp:")
    if not sms and not whatsapp:
        return None
    sid, token = _both(environment, "CITY311_TWILIO_ACCOUNT_SID", "CITY311_TWILIO_AUTH_TOKEN")
    if sms and not is_number(sms) and not sms.startswith("MG"):
        raise MissingSetting(
            f"CITY311_TWILIO_SMS_FROM is {sms!r}; it must be a number such as +16175550131, "
            "or the id of a messaging service (MG…)."
        )
    if whatsapp and not is_number(whatsapp):
        raise MissingSetting(f"CITY311_TWILIO_WHATSAPP_FROM is {whatsapp!r}; it must be a number such as +16175550131.")
    answers = environment.get("CITY311_TWILIO_ANSWERS_STOP", "yes").lower()
    if answers not in ("yes", "no"):
        raise MissingSetting(f"CITY311_TWILIO_ANSWERS_STOP is {answers!r}; it must be yes or no.")
    return twilio.Account(
        sid=sid,
        token=token,
        sms=sms,
        whatsapp=whatsapp,
        carrier_answers=answers == "yes",
        templates=_pairs(environment, "CITY311_TWILIO_TEMPLATES"),
        url=_start(environment, "CITY311_TWILIO_URL", ("https://", "http://127.0.0.1")) or twilio.API,
    )


def _meta(environment: Mapping[str, str]) -> meta.Account | None:
    number_id = environment.get("CITY311_META_PHONE_NUMBER_ID", "").strip()
    if not number_id:
        return None
    if not number_id.isascii() or not number_id.isdecimal():
        raise MissingSetting(f"CITY311_META_PHONE_NUMBER_ID is {number_id!r}; it is the id of the number, all digits.")
    token, secret, verify = _both(
        environment, "CITY311_META_ACCESS_TOKEN", "CITY311_META_APP_SECRET", "CITY311_META_VERIFY_TOKEN"
    )
    return meta.Account(
        phone_number_id=number_id,
        access_token=token,
        app_secret=secret,
        verify_token=verify,
        templates=_pairs(environment, "CITY311_META_TEMPLATES"),
        url=_start(environment, "CITY311_META_URL", ("https://", "http://127.0.0.1")) or meta.API,
    )


def _twochat(environment: Mapping[str, str]) -> twochat.Account | None:
    number = environment.get("CITY311_2CHAT_NUMBER", "").strip()
    if not number:
        return None
    if not is_number(number):
        raise MissingSetting(f"CITY311_2CHAT_NUMBER is {number!r}; it must be a number such as +16175550131.")
    key, token = _both(environment, "CITY311_2CHAT_API_KEY", "CITY311_2CHAT_WEBHOOK_TOKEN")
    if len(token) < 24 or not token.replace("-", "").replace("_", "").isalnum():
        raise MissingSetting("CITY311_2CHAT_WEBHOOK_TOKEN must be 24 letters, digits, - or _ at least.")
    hosts = tuple(host.strip() for host in environment.get("CITY311_2CHAT_MEDIA_HOSTS", "").split(",") if host.strip())
    address = _start(environment, "CITY311_2CHAT_URL", ("https://", "http://127.0.0.1")) or twochat.API
    account = twochat.Account(number=number, api_key=key, webhook_token=token, url=address)
    return replace(account, media_hosts=hosts) if hosts else account


def _mail(environment: Mapping[str, str]) -> mail.Account | None:
    host = environment.get("CITY311_SMTP_HOST", "").strip()
    if not host:
        return None
    [address] = _both(environment, "CITY311_MAIL_FROM")
    if emails(address) != [address]:
        raise MissingSetting(f"CITY311_MAIL_FROM is {address!r}; it must be an address such as 311@example.gov.")
    security = environment.get("CITY311_SMTP_SECURITY", "starttls")
    if security not in mail.SECURITIES:
        raise MissingSetting(f"CITY311_SMTP_SECURITY is {security!r}; it must be {', '.join(mail.SECURITIES)}.")
    if security == "none" and host not in ("127.0.0.1", "::1", "localhost"):
        raise MissingSetting("CITY311_SMTP_SECURITY is none, which only a server on this machine may have.")
    port = environment.get("CITY311_SMTP_PORT", "465" if security == "tls" else "587")
    if not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65536:
        raise MissingSetting(f"CITY311_SMTP_PORT is {port!r}; it must be a port number from 1 to 65535.")
    user = environment.get("CITY311_SMTP_USER", "").strip()
    password = _both(environment, "CITY311_SMTP_PASSWORD")[0] if user else ""
    return mail.Account(host, address, port=int(port), security=security, user=user, password=password)


def _both(environment: Mapping[str, str], *names: str) -> list[str]:
    values = [environment.get(name, "").strip() for name in names]
    missing = [name for name, value in zip(names, values, strict=True) if not value]
    if missing:
        raise MissingSetting(f"{', '.join(missing)}: not in the environment, but the line needs it (docs/operator.md).")
    return values


def _pairs(environment: Mapping[str, str], name: str) -> Mapping[str, str]:
    text = environment.get(name, "").strip()
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if any(not equals or not value.strip() for _, equals, value in pairs):
        raise MissingSetting(f"{name} cannot be read; write it as name=value,name=value.")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _rates(environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name, "") or default
    try:
        parse_many(text)
    except ValueError:
        raise MissingSetting(f"{name} is {text!r}; write it like 20/minute;200/hour.") from None
    return text


def _start(environment: Mapping[str, str], name: str, starts: tuple[str, ...]) -> str:
    address = environment.get(name, "").strip()
    if address and not address.startswith(starts):
        raise MissingSetting(f"{name} must start with {' or '.join(starts)}.")
    return address
