"""Photos that come with a report: filed with it, or forgotten when no report comes of them."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone

import pytest
from PIL import Image
from played_rasa import report_pothole

from actions import clarify


def picture() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(target, "JPEG")
    return target.getvalue()


def test_photos_are_filed_with_the_report_and_only_ones_own(rasa, here, server):
    mine = here.photos.keep(picture(), rasa.sender, datetime.now(timezone.utc))
    somebodys = here.photos.keep(picture(), "web-somebody", datetime.now(timezone.utc))
    rasa.metadata = {"media": [mine.id, somebodys.id]}
    report_pothole(rasa)
    rasa.finishes()
    (request,) = server.rows
    assert request["form"]["media_url"] == [f"https://311.example{mine.link}"]
    assert here.photos.forget_old(datetime.now(timezone.utc) + timedelta(days=30)) == 1  # not the one filed


def test_a_photo_before_any_word_waits_for_the_report(rasa, here):
    rasa.metadata = {"media": ["a1"]}
    rasa.hears("…", "nlu_fallback")
    rasa.runs(clarify.ActionClarify())
    assert "What is wrong" in rasa.words()[0]
    rasa.metadata = {}
    report_pothole(rasa)
    assert rasa.slots["intake"]["photos"] == ["a1"]
    assert rasa.slots["photos"] is None


@pytest.mark.parametrize("said", ["never mind", "start over"])
def test_photos_of_a_report_that_was_given_up_go_with_no_other_and_are_deleted(rasa, here, server, tmp_path, said):
    photo = here.photos.keep(picture(), rasa.sender, datetime.now(timezone.utc))
    rasa.metadata = {"media": [photo.id]}
    rasa.says("a pothole", "report", service="pothole")
    rasa.metadata = {}
    assert rasa.slots["intake"]["photos"] == [photo.id]
    rasa.says(said)
    rasa.finishes()
    report_pothole(rasa)
    rasa.finishes()
    assert "media_url" not in server.rows[0]["form"]
    assert here.photos.forget_old(datetime.now(timezone.utc) + timedelta(days=8)) == 1
    assert here.photos.of(rasa.sender, [photo.id]) == [] and not list((tmp_path / "photos").iterdir())
