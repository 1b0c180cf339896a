"""httpx's functions for a test that asks once, without reading the trusted certificates anew, which takes long."""

from __future__ import annotations

from functools import partial

import httpx

from city311.channels.trust import trusted

get = partial(httpx.get, verify=trusted())
post = partial(httpx.post, verify=trusted())
