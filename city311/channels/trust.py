"""Whose certificates this process trusts, read once: for a client of its own that takes longer than many a request."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def trusted(*, environment: bool = True) -> ssl.SSLContext:
    """For httpx's ``verify``. ``environment``: whether ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` count."""
    return httpx.create_ssl_context(trust_env=environment)
