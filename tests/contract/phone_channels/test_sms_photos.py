"""Photos and pins by text."""

from __future__ import annotations

import pytest
from doubles.phones import eventually
from doubles.portal import Portal
from doubles.relay import RelayDouble
from doubles.texts import ANN, bring, turns, write
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine
from sqlalchemy.orm import Session


def test_a_photo_reaches_the_dialogue_as_a_photo_of_the_house(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine
) -> None:
    response = bring(twilio, portal, twilio.photo(ANN, "this pothole"))
    assert response.status_code == 200
    eventually(lambda: relay.calls)
    [photo] = relay.calls[0]["metadata"]["media"]
    from city311.store.photos import Photo

    with Session(engine) as session:
        row = session.get_one(Photo, photo)
        assert (row.owner, row.width, row.height) == (turns(engine)[0].sender, 40, 30)
    assert "attachments" not in relay.calls[0]["metadata"]
    assert twilio.wrong == []


def test_a_photo_alone_is_relayed_too(portal: Portal, twilio: TwilioDouble, relay: RelayDouble) -> None:
    bring(twilio, portal, twilio.photo(ANN))
    eventually(lambda: relay.calls)
    assert relay.calls[0]["text"] == ""
    assert len(relay.calls[0]["metadata"]["media"]) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/secret",
        "https://evil.example/photo.jpg",
        "https://api.twilio.com@evil.example/photo.jpg",
        "https://api.twilio.com:8443/photo.jpg",
        "file:///etc/passwd",
        "https://[::1",
        "gopher://api.twilio.com/",
    ],
)
def test_other_addresses_are_never_called(portal: Portal, twilio: TwilioDouble, relay: RelayDouble, url: str) -> None:
    form = twilio.message(ANN, "look", NumMedia="1", MediaUrl0=url, MediaContentType0="image/jpeg")
    assert bring(twilio, portal, form).status_code == 200
    [text] = eventually(lambda: twilio.texts(ANN))
    assert "could not take what you attached" in text
    assert text.endswith("You said: look")
    assert "media" not in relay.calls[0]["metadata"]
    assert not any(method == "GET" for method, _ in twilio.requests)


def test_an_expired_or_false_photo_is_told_and_the_words_are_kept(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble
) -> None:
    expired, video = twilio.photo(ANN, "look"), twilio.photo(ANN, "watch", kind="video/mp4")
    twilio.expired.update(twilio.media)
    no_picture = twilio.photo(ANN, "see", content=b"<script>alert(1)</script>")
    for count, form in enumerate((expired, video, no_picture), 1):
        bring(twilio, portal, form)
        eventually(lambda count=count: len(twilio.texts(ANN)) == count)
        assert "could not take what you attached" in twilio.texts(ANN)[-1]
    assert [call["text"] for call in relay.calls] == ["look", "watch", "see"]
    alone = twilio.photo(ANN, content=b"nothing")
    bring(twilio, portal, alone)
    eventually(lambda: len(twilio.texts(ANN)) == 4)
    assert len(relay.calls) == 3


def test_a_photo_that_does_not_come_now_is_tried_again(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine
) -> None:
    form = twilio.photo(ANN, "look")
    media, twilio.media = twilio.media, {}
    real = twilio.answer
    failures = iter([None, None])

    def answer(method: str, path: str, headers: dict[str, str], body: bytes):
        from doubles.provider import Answer

        if "/Media/" in path:
            try:
                next(failures)
            except StopIteration:
                twilio.media = media
            else:
                return Answer(503)
        return real(method, path, headers, body)

    twilio.answer = answer
    bring(twilio, portal, form)
    eventually(lambda: relay.calls)
    assert len(relay.calls[0]["metadata"]["media"]) == 1


def test_fifty_photos_are_ten_at_most(portal: Portal, twilio: TwilioDouble, relay: RelayDouble) -> None:
    first = twilio.photo(ANN, "look")
    fields = {f"MediaUrl{n}": first["MediaUrl0"] for n in range(50)}
    kinds = {f"MediaContentType{n}": "image/jpeg" for n in range(50)}
    form = {**first, "NumMedia": "50", **fields, **kinds}
    assert bring(twilio, portal, form).status_code == 200
    eventually(lambda: relay.calls)
    assert sum("/Media/" in path for _, path in twilio.requests) == 10
    assert len(set(relay.calls[0]["metadata"]["media"])) == 1  # the same picture is one photo


def test_a_pin_goes_along_as_a_position(portal: Portal, twilio: TwilioDouble, relay: RelayDouble) -> None:
    place = {"Latitude": "42.3651", "Longitude": "-71.1042"}
    write(twilio, portal, ANN, "here", **place)
    write(twilio, portal, ANN, "", **place)
    write(twilio, portal, ANN, "wrong", Latitude="95", Longitude="nan")
    eventually(lambda: len(relay.calls) == 3)
    assert [(call["text"], call["metadata"].get("location")) for call in relay.calls] == [
        ("here", {"lat": 42.3651, "lon": -71.1042}),
        ("42.36510, -71.10420", {"lat": 42.3651, "lon": -71.1042}),
        ("wrong", None),
    ]
