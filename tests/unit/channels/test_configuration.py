"""Lines from the environment: whole, or off, or an error that says what is missing."""

from __future__ import annotations

import pytest

from city311.channels.configuration import Lines, load
from city311.settings import MissingSetting

TWILIO = {
    "CITY311_TWILIO_SMS_FROM": "+16175550131",
    "CITY311_TWILIO_ACCOUNT_SID": "AC1",
    "CITY311_TWILIO_AUTH_TOKEN": "secret-token",
}
META = {
    "CITY311_META_PHONE_NUMBER_ID": "1065",
    "CITY311_META_ACCESS_TOKEN": "secret-token",
    "CITY311_META_APP_SECRET": "secret-app",
    "CITY311_META_VERIFY_TOKEN": "secret-verify",
}
TWOCHAT = {
    "CITY311_2CHAT_NUMBER": "+16175550131",
    "CITY311_2CHAT_API_KEY": "secret-key",
    "CITY311_2CHAT_WEBHOOK_TOKEN": "secret-token-that-is-long-enough",
}

MAIL = {"CITY311_SMTP_HOST": "mail.example.gov", "CITY311_MAIL_FROM": "311@example.gov"}


def test_a_mail_server() -> None:
    account = load(MAIL).mail
    assert account is not None
    assert (account.port, account.security, account.user) == (587, "starttls", "")
    login = {"CITY311_SMTP_SECURITY": "tls", "CITY311_SMTP_USER": "city", "CITY311_SMTP_PASSWORD": "secret-word"}
    account = load({**MAIL, **login}).mail
    assert account is not None
    assert (account.port, account.password) == (465, "secret-word")
    assert "secret" not in repr(account)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CITY311_MAIL_FROM", ""),
        ("CITY311_MAIL_FROM", "City <311@example.gov>"),
        ("CITY311_SMTP_SECURITY", "none"),
        ("CITY311_SMTP_SECURITY", "ssl"),
        ("CITY311_SMTP_PORT", "0"),
        ("CITY311_SMTP_PORT", "x"),
        ("CITY311_SMTP_USER", "city"),
    ],
)
def test_half_a_mail_server_is_an_error(name: str, value: str) -> None:
    with pytest.raises(MissingSetting, match="CITY311_"):
        load({**MAIL, name: value})


def test_nothing_set_up() -> None:
    assert load({}) == Lines()


def test_everything_set_up() -> None:
    lines = load(
        {
            **TWILIO,
            **META,
            **TWOCHAT,
            "CITY311_TWILIO_WHATSAPP_FROM": "whatsapp:+16175550132",
            "CITY311_TWILIO_ANSWERS_STOP": "no",
            "CITY311_TWILIO_TEMPLATES": "status=HX1, alert=HX2",
            "CITY311_META_TEMPLATES": "status=city_status:es",
            "CITY311_2CHAT_MEDIA_HOSTS": "files.example",
            "CITY311_TEXTS_PER_SENDER": "5/minute",
            "CITY311_REDIS_URL": "redis://127.0.0.1:6379/0",
        }
    )
    assert lines.twilio is not None and lines.meta is not None and lines.twochat is not None
    assert (lines.twilio.sms, lines.twilio.whatsapp) == ("+16175550131", "+16175550132")
    assert not lines.twilio.carrier_answers
    assert lines.twilio.templates == {"status": "HX1", "alert": "HX2"}
    assert lines.meta.templates == {"status": "city_status:es"}
    assert lines.twochat.media_hosts == ("files.example",)
    assert (lines.rates.per_sender, lines.redis_url) == ("5/minute", "redis://127.0.0.1:6379/0")
    assert "secret" not in repr(lines)


@pytest.mark.parametrize("whole", [TWILIO, META, TWOCHAT])
def test_half_an_account_is_an_error_that_names_what_is_missing(whole: dict[str, str]) -> None:
    for name in list(whole)[1:]:
        with pytest.raises(MissingSetting, match=name):
            load({**whole, name: ""})


@pytest.mark.parametrize(
    ("whole", "name", "value"),
    [
        (TWILIO, "CITY311_TWILIO_SMS_FROM", "617-555-0131"),
        (TWILIO, "CITY311_TWILIO_WHATSAPP_FROM", "none"),
        (TWILIO, "CITY311_TWILIO_ANSWERS_STOP", "maybe"),
        (TWILIO, "CITY311_TWILIO_TEMPLATES", "status"),
        (TWILIO, "CITY311_TWILIO_URL", "http://elsewhere.example"),
        (META, "CITY311_META_PHONE_NUMBER_ID", "+1617"),
        (TWOCHAT, "CITY311_2CHAT_NUMBER", "617"),
        (TWOCHAT, "CITY311_2CHAT_WEBHOOK_TOKEN", "short"),
        ({}, "CITY311_TEXTS_PER_SENDER", "many"),
        ({}, "CITY311_TEXTS_OVERALL", "1/fortnight"),
        ({}, "CITY311_REDIS_URL", "http://127.0.0.1"),
    ],
)
def test_what_cannot_be_read_is_named(whole: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(MissingSetting, match=name):
        load({**whole, name: value})
