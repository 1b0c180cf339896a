"""By which proxy a provider is called."""

from __future__ import annotations

import pytest

from city311.channels.trust import proxy_of

PROXY = "http://proxy.example.gov:3128"


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api.twilio.com", PROXY),
        ("https://api.example.gov", None),
        ("http://127.0.0.1:9000", None),
        ("http://api.twilio.com", None),
    ],
)
def test_the_environment_names_the_proxy(monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert proxy_of(url) is None
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,.example.gov")
    assert proxy_of(url) == proxy
