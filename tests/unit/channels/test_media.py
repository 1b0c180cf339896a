"""Fetching files: which addresses are called, and with what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import httpx
import pytest

from city311.channels.media import Located, NotFetched, Refused, download

API = "https://api.provider.example"
FILE = Located(
    f"{API}/file",
    headers={"Authorization": "Basic x"},
    credentials_for=(f"{API}/",),
    hosts=("api.provider.example", ".cdn.example"),
)


def fetch(
    answer: Callable[[httpx.Request], httpx.Response],
    located: Located = FILE,
    found: Sequence[str] = ("93.184.216.34",),
) -> tuple[bytes, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return found

    async def run() -> bytes:
        async with httpx.AsyncClient(transport=httpx.MockTransport(reply)) as client:
            return await download(client, located, resolve=resolve, largest=1000)

    try:
        return asyncio.run(run()), asked
    except (Refused, NotFetched) as error:
        error.asked = asked  # type: ignore[union-attr]
        raise


def test_a_file_at_the_provider_is_fetched_with_credentials() -> None:
    content, asked = fetch(lambda _request: httpx.Response(200, content=b"photo"))
    assert (content, asked[0].headers["authorization"]) == (b"photo", "Basic x")


def test_a_redirect_is_followed_to_the_providers_own_hosts_without_credentials() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "api.provider.example":
            return httpx.Response(307, headers={"Location": "https://a.cdn.example/x"})
        return httpx.Response(200, content=b"photo")

    content, asked = fetch(answer)
    assert content == b"photo"
    assert "authorization" not in asked[1].headers


@pytest.mark.parametrize(
    "elsewhere",
    [
        *(
            "https://evil.example/x",
            "http://a.cdn.example/x",
            "https://cdn.example.evil.example/x",
            "https://127.0.0.1/",
        ),
        *(
            "https://a.cdn.example:444/",
            "https://user@a.cdn.example/",
            "//evil.example/x",
            "https://[::ffff:127.0.0.1]/",
        ),
        *("https://169.254.169.254/", "https://10.0.0.1/", "https://[::1]/", "https://localhost/"),
        *("https://2130706433/", "https://0x7f000001/", "https://017700000001/", "https://127.1/"),
        *("https://a.cdn.example.127.0.0.1.nip.io/", "https://a.cdn.example./x", "https://a.cdn.example\\@10.0.0.1/"),
    ],
)
def test_a_redirect_elsewhere_is_refused(elsewhere: str) -> None:
    with pytest.raises(Refused) as refused:
        fetch(lambda _request: httpx.Response(302, headers={"Location": elsewhere}))
    assert len(refused.value.asked) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "inside",
    [
        *("127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.5.5", "169.254.169.254", "0.0.0.0", "100.64.0.1", "::1"),  # noqa: S104
        *("fd00::1", "fe80::1%eth0", "fec0::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:0:10.0.0.1"),
        *("64:ff9b::169.254.169.254", "2002:7f00:1::", "2001:0:a9fe:a9fe::1", "::127.0.0.1", "64:ff9b:1::a00:1"),
        *("224.0.0.1", "ff02::1", "ff0e::1", "255.255.255.255"),
    ],
)
def test_a_host_that_lies_inside_our_network_is_not_called(inside: str) -> None:
    with pytest.raises(Refused, match="private_address") as refused:
        fetch(lambda _request: httpx.Response(200), found=["93.184.216.34", inside])
    assert refused.value.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("public", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::93.184.216.34"])
def test_a_host_of_the_internet_is_called_however_it_is_reached(public: str) -> None:
    assert fetch(lambda _request: httpx.Response(200, content=b"photo"), found=[public])[0] == b"photo"


def test_going_round_in_circles_ends() -> None:
    with pytest.raises(Refused, match="redirects"):
        fetch(lambda _request: httpx.Response(302, headers={"Location": f"{API}/file"}))


@pytest.mark.parametrize("headers", [{}, {"content-length": "5000000"}])
def test_too_large_a_file_is_not_read_to_its_end(headers: dict[str, str]) -> None:
    async def pieces():
        for _ in range(1_000_000):
            yield b"x" * 600

    with pytest.raises(Refused, match="too_large"):
        fetch(lambda _request: httpx.Response(200, headers=headers, content=pieces()))


@pytest.mark.parametrize(
    ("status", "error"), [(404, Refused), (403, Refused), (410, Refused), (500, NotFetched), (429, NotFetched)]
)
def test_what_may_come_later_is_told_from_what_is_gone(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        fetch(lambda _request: httpx.Response(status))


def test_a_connection_that_breaks_may_work_later() -> None:
    def broken(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("cut")

    with pytest.raises(NotFetched, match="ReadError"):
        fetch(broken)
