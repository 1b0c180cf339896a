"""Photos over HTTP: uploaded by the page, sent with a message, shown by their link only."""

from __future__ import annotations

import io
from datetime import timedelta

import httpx
import pytest
from doubles.phones import eventually
from doubles.portal import EAGER, UNHURRIED, Portal
from doubles.relay import RelayDouble
from PIL import ExifTags, Image
from sqlalchemy import Engine, text

from city311.requests import Photos
from city311.requests.photos import file_with
from city311.requests.pictures import LARGEST_BYTES
from city311.store.base import now, writing
from city311.store.files import open_files

JPEG = {"content-type": "image/jpeg"}


def photo(colour: str = "red") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (640, 480), colour).save(target, "JPEG")
    return target.getvalue()


def upload(page: httpx.Client, content: bytes, **headers: str) -> httpx.Response:
    return page.post("/channels/web/photos", content=content, headers={**JPEG, **headers})


def test_a_photo_is_shown_to_whoever_has_its_link(page: httpx.Client, portal: Portal) -> None:
    kept = upload(page, photo()).json()
    assert (kept["width"], kept["height"], kept["position"]) == (640, 480, None)
    with portal.client() as somebody:
        for link in (kept["link"], kept["small_link"]):
            shown = somebody.get(link)
            assert shown.headers["content-type"] == "image/jpeg"
            assert Image.open(io.BytesIO(shown.content)).format == "JPEG"
            assert "noindex" in shown.headers["x-robots-tag"]
        assert somebody.get(f"/photos/{kept['id']}.jpg").status_code == 404
        for guess in ("x", "../city311", "..%2f..%2fdomain", "a" * 32, "%00"):
            assert somebody.get(f"/photos/{guess}.jpg").status_code == 404


def test_the_same_photo_is_kept_once(page: httpx.Client, engine: Engine) -> None:
    assert upload(page, photo()).json() == upload(page, photo()).json()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM photos")).scalar() == 1


def test_photos_go_with_a_message_that_may_have_no_words(page: httpx.Client, relay: RelayDouble) -> None:
    one = upload(page, photo()).json()["id"]
    sent = page.post("/channels/web/messages", json={"id": "m1", "text": "", "photos": [one]})
    assert sent.status_code == 200 and sent.json()["turn"]
    assert relay.calls[-1]["metadata"]["media"] == [one]


def test_a_photo_of_somebody_else_is_not_taken_and_that_is_said(
    page: httpx.Client, portal: Portal, relay: RelayDouble
) -> None:
    with portal.client() as other:
        theirs = upload(other, photo("blue")).json()["id"]
    mine = upload(page, photo()).json()["id"]

    def send(name: str, *photos: str, **more: object) -> list[str]:
        sent = page.post("/channels/web/messages", json={"id": name, "text": "", "photos": photos, **more})
        return [message["text"] for message in sent.json()["messages"]]

    refusal = "I could not take what you attached. I can take photos. You can send it again, or tell me in words."
    assert send("alone", theirs) == [refusal]
    assert relay.calls == []
    assert send("both", theirs, mine) == [refusal, "You said: "]
    assert send("place", "0" * 32, location={"lat": 42.36, "lon": -71.1}) == [refusal, "You said: "]
    assert [call["metadata"].get("media") for call in relay.calls] == [[mine], None]
    assert send("mine", mine) == ["You said: "]


@pytest.mark.parametrize("photos", ["x", [1], ["../x"], ["a" * 32] * 21, {"a": 1}])
def test_photos_of_no_shape_are_refused(page: httpx.Client, photos: object) -> None:
    assert page.post("/channels/web/messages", json={"id": "m1", "text": "x", "photos": photos}).status_code == 422


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 400), (b"<svg onload=alert(1)>", 415), (photo()[:1000], 422), (b"\xff" * (LARGEST_BYTES + 1), 413)],
)
def test_what_is_no_photo_is_refused_with_a_remedy(page: httpx.Client, content: bytes, status: int) -> None:
    refused = upload(page, content)
    assert refused.status_code == status
    assert refused.json()["error"] and refused.json()["remedy"]


def test_another_site_cannot_upload(page: httpx.Client) -> None:
    assert upload(page, photo(), **{"sec-fetch-site": "cross-site"}).status_code == 403


def test_nobody_fills_the_disk(page: httpx.Client) -> None:
    statuses = [upload(page, photo(f"#{number:06x}")).status_code for number in range(0, 22 * 50_000, 50_000)]
    assert statuses.count(200) == 20 and statuses[-1] == 429


def test_photos_of_others_are_not_given(engine: Engine, tmp_path) -> None:
    photos = Photos(engine, open_files(str(tmp_path / "photos")))
    mine = photos.keep(photo(), "web-me", now())
    assert photos.of("web-me", [mine.id, "nothing"]) == [mine]
    assert photos.of("web-you", [mine.id]) == []


def test_photos_that_no_report_came_to_are_forgotten(engine: Engine, tmp_path) -> None:
    photos = Photos(engine, open_files(str(tmp_path / "photos")))
    filed, left = photos.keep(photo("red"), "web-me", now()), photos.keep(photo("blue"), "web-me", now())
    with writing(engine) as session:
        session.execute(text("UPDATE photos SET number = 'SR-104215' WHERE id = :id"), {"id": filed.id})
    assert photos.forget_old(now()) == 0
    assert photos.forget_old(now() + timedelta(days=8)) == 1
    assert [one.id for one in photos.of("web-me", [filed.id, left.id])] == [filed.id]
    assert len(list((tmp_path / "photos").iterdir())) == 2


def test_the_portal_deletes_them_by_itself(engine: Engine, relay: RelayDouble, tmp_path) -> None:
    photos = Photos(engine, open_files(str(tmp_path / "photos")))
    old = photos.keep(photo("red"), "web-me", now() - timedelta(days=8))
    new = photos.keep(photo("blue"), "web-me", now())
    with Portal(engine, relay.port, pace=UNHURRIED, timing=EAGER, relay_timeout_s=20):
        eventually(lambda: not photos.of("web-me", [old.id]))
    assert photos.of("web-me", [old.id, new.id]) == [new]


def test_where_a_photo_was_taken_is_kept_for_its_conversation_alone(engine: Engine, tmp_path) -> None:
    photos = Photos(engine, open_files(str(tmp_path / "photos")))

    def taken(colour: str) -> str:
        exif = Image.Exif()
        exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (42.0, 22.0, 12.0), 3: "W", 4: (71.0, 6.0, 36.0)})
        target = io.BytesIO()
        Image.new("RGB", (64, 48), colour).save(target, "JPEG", exif=exif)
        return photos.keep(target.getvalue(), "web-me", now()).id

    filed, cancelled, left = taken("red"), taken("blue"), taken("green")
    assert photos.taken_at("web-me", filed) == (42.37, -71.11)
    assert photos.taken_at("web-you", filed) is None and photos.taken_at("web-me", "x") is None
    with writing(engine) as session:
        file_with(session, [filed], "web-me", "SR-104215")
    photos.forget_positions("web-you", [cancelled])
    assert photos.taken_at("web-me", cancelled) is not None
    photos.forget_positions("web-me", [cancelled])
    assert [photos.taken_at("web-me", one) for one in (filed, cancelled)] == [None, None]
    photos.forget_old(now())
    assert photos.taken_at("web-me", left) is not None
    photos.forget_old(now() + timedelta(days=2))
    assert photos.taken_at("web-me", left) is None


def test_a_photo_of_an_earlier_report_is_shown_small_to_one_session_for_a_week(
    page: httpx.Client, portal: Portal, engine: Engine
) -> None:
    kept = upload(page, photo("green")).json()
    with writing(engine) as session:
        session.execute(text("UPDATE photos SET number = 'SR-104215' WHERE id = :id"), {"id": kept["id"]})
        viewer = session.execute(text("SELECT owner FROM photos")).scalar()
    photos = Photos(engine, open_files("nowhere"))
    link = photos.show("SR-104215", viewer, now())
    assert link == photos.show("SR-104215", viewer, now())  # one link, however often it is shown
    assert photos.show("SR-104223", viewer, now()) == ""
    shown = page.get(link)
    assert max(Image.open(io.BytesIO(shown.content)).size) == 320
    key = link.removeprefix("/photos/shown/").removesuffix(".jpg")
    assert page.get(f"/photos/{key}.jpg").status_code == 404  # it does not lead to the whole picture
    with portal.client() as somebody:
        assert somebody.get(link).status_code == 404
        somebody.post("/channels/web/session", json={})
        assert somebody.get(link).status_code == 404
    photos.forget_old(now() + timedelta(days=8))
    assert page.get(link).status_code == 404
