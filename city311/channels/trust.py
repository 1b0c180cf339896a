"""Whose certificates this process trusts, read once: for a client of its own that takes longer than many a request; and
by which proxy it goes out."""

from __future__ import annotations

import ssl
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx


@cache
def trusted(*, environment: bool = True) -> ssl.SSLContext:
    """For httpx's ``verify``. ``environment``: whether ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` count."""
    return httpx.create_ssl_context(trust_env=environment)


def proxy_of(url: str) -> str | None:
    """The proxy for calls to ``url``, as ``HTTPS_PROXY`` and ``NO_PROXY`` say; None: it is called directly."""
    address = urlsplit(url)
    return None if proxy_bypass(address.hostname or "") else getproxies().get(address.scheme)
