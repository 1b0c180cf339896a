"""Conversations as short YAML files: who says what, what the bot must say, what must be stored.

::

    title: A resident corrects the street in the read-back
    by: sms                                  # or whatsapp: everybody has a phone; without it, the web
    language: es                             # that of the page; without it, the city's own
    talk:
    - resident: There is a huge pothole on Hampshire Street near Inman Square
    - bot: Which part of the street            # must stand in the answer to the line above
    - press: Bike lane                         # the button must be there
    - buttons: [Skip]                          # these must be there
    - photo: it looks like this                # a photo, with these words or none ("")
    - photo_from: 42.3946, -71.1284            # a photo without words, whose camera says that it stood there
    - picture: A photo of the problem          # a photo with this text stands in the answer; others cannot open it
    - pin: 42.3946, -71.1284                   # a shared position, without words
    - never: SR-                               # must not stand in the answer
    - ana: …                                   # somebody else, with a session of their own
    - unanswered: STOP                         # said, and nothing comes back (phones)
    - later: 3                                 # so many days pass (phones)
    - kill: actions                            # kill -9 of actions, dialogue or portal
    - finish: true                             # answers what is open with "skip" until the report is sent
    - desk: down                               # the desk answers no updates; `up` mends it
    - eventually: [{remarks: [bigger]}]        # what is stored will be like this, in a minute at most
    - crew: [--state, in_progress, --note, A crew comes on Friday]   # city311 requests update <last number> …
    stored:                                    # all requests of this conversation's residents, oldest first
    - service: pothole
      address: Oak Street                      # must stand in it
      description: huge
      answers: {where: bike_lane}
      lat: 42.394                              # to a thousandth of a degree
      photos: 1                                # how many, each of which the crew can open
      contact: anonymous                       # or what must stand in e-mail and phone
      by: ana
      people: 2                                # who made it and who follows it
      state: withdrawn
      remarks: [it got bigger]                 # what was said to the crew afterwards: how many, and what stands in each
    consents:                                  # entries of the consent ledger (phones)
    - {state: out, how: STOP}
    candidates:                                # choices kept for training, of this conversation
    - text: when they fix potholes             # must stand in it
      offered: [report/pothole, ask_question]
      chosen: report/pothole

``{number}`` stands for the number that the bot named last to whoever speaks, ``{number:ana}`` for ana's;
``{5000 letters}`` for as many.
"""

from __future__ import annotations

import io
import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml
from PIL import ExifTags, Image

from harness.phone import Phone
from harness.resident import Heard, Resident
from harness.stack import Stack

_NUMBER = re.compile(r"SR-\d{6,}")
_DIRECTIONS = frozenset(
    [
        "bot",
        "press",
        "buttons",
        "never",
        "kill",
        "crew",
        "heal",
        "photo",
        "photo_from",
        "picture",
        "pin",
        "unanswered",
        "later",
        "finish",
        "desk",
        "eventually",
    ]
)
_LONGEST_FORM = 12
_EVENTUALLY_S = 60


@dataclass
class Talk:
    """A conversation being played."""

    stack: Stack
    by: str = "web"
    language: str = ""
    residents: dict[str, Resident | Phone] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    speaker: str = "resident"
    photos: int = 0
    desk_down: bool = False
    record: list[str] = field(default_factory=list)

    def resident(self, name: str) -> Resident | Phone:
        if name not in self.residents:
            if self.by == "web":
                self.residents[name] = Resident(self.stack, name, self.language)
            else:
                self.residents[name] = Phone(self.stack, name, self.by, self.stack.lines)
        return self.residents[name]

    def fill(self, text: str) -> str:
        text = text.replace("{number}", self.numbers.get(self.speaker, "{number}"))
        text = re.sub(r"\{(\d+) letters\}", lambda found: "a" * int(found.group(1)), text)
        return re.sub(r"\{number:(\w+)\}", lambda found: self.numbers[found.group(1)], text)

    def say(self, name: str, text: str, **beside: Any) -> None:
        self.speaker = name
        text = self.fill(text)
        self.hear(name, text, self.resident(name).say(text, **beside))

    def hear(self, name: str, text: str, heard: Heard) -> None:
        self.record += [f"{name}: {text}", *(f"    bot: {message.get('text', '')}" for message in heard.messages)]
        found = _NUMBER.findall(heard.text)
        if found:
            self.numbers[name] = found[-1]


def play(path: Path, stack: Stack) -> Talk:
    """Plays a conversation and checks everything it says."""
    script = yaml.safe_load(path.read_text(encoding="utf-8"))
    talk = Talk(stack, script.get("by", "web"), script.get("language", ""))
    before = {row["id"] for row in _candidates(stack)}
    try:
        for line in script["talk"]:
            ((key, value),) = line.items()
            if key not in _DIRECTIONS:
                talk.say(key, str(value))
                continue
            _direct(talk, key, value)
    finally:
        if talk.desk_down:
            _direct(talk, "desk", "up")
    if "stored" in script:
        _check_stored(talk, script["stored"])
    if "consents" in script:
        _check_consents(talk, script["consents"])
    if "candidates" in script:
        _check_candidates([row for row in _candidates(stack) if row["id"] not in before], script["candidates"])
    return talk


def _candidates(stack: Stack) -> list[dict[str, Any]]:
    return stack.rows("SELECT id, text, offered, chosen FROM understanding_candidates ORDER BY id")


def _check_candidates(rows: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    assert len(rows) == len(wanted), f"{len(rows)} candidates kept, not {len(wanted)}: {rows}"
    for row, expected in zip(rows, wanted, strict=True):
        assert _plain(expected.get("text", "")) in _plain(row["text"]), row
        assert row["chosen"] == expected["chosen"], row
        assert json.loads(row["offered"])[: len(expected.get("offered", []))] == expected.get("offered", []), row


def _check_consents(talk: Talk, wanted: list[dict[str, str]]) -> None:
    numbers = [one.number for one in talk.residents.values() if isinstance(one, Phone)]
    assert len(numbers) == 1, "who of them?"
    rows = talk.stack.rows(
        "SELECT state, how FROM consents JOIN correspondents USING (sender) WHERE number = :number ORDER BY id",
        number=numbers[0],
    )
    assert rows == wanted, rows


def _direct(talk: Talk, key: str, value: Any) -> None:
    resident = talk.resident(talk.speaker)
    heard = resident.last
    shown = "\n".join(talk.record)
    if key == "bot":
        for wanted in value if isinstance(value, list) else [value]:
            wanted = talk.fill(str(wanted))
            assert _plain(wanted) in _plain(heard.text), f"the bot did not say {wanted!r}:\n{shown}"
    elif key == "never":
        for unwanted in value if isinstance(value, list) else [value]:
            unwanted = talk.fill(str(unwanted))
            assert _plain(unwanted) not in _plain(heard.text), f"the bot said {unwanted!r}:\n{shown}"
    elif key == "buttons":
        missing = [title for title in value if title not in heard.buttons]
        assert not missing, f"no buttons {missing}, only {heard.buttons}:\n{shown}"
    elif key == "press":
        assert value in heard.buttons, f"no button {value!r}, only {heard.buttons}:\n{shown}"
        if isinstance(resident, Phone):
            talk.hear(talk.speaker, value, resident.press(value))
        else:
            talk.say(talk.speaker, value)
    elif key == "photo" and isinstance(resident, Phone):
        talk.hear(talk.speaker, f"(photo) {value}", resident.photo(str(value)))
    elif key == "unanswered":
        talk.say(talk.speaker, str(value))
        assert not resident.last.messages, f"there is an answer: {resident.last.messages}\n{shown}"
    elif key == "later":
        assert isinstance(resident, Phone)
        resident.days_pass(int(value))
    elif key == "photo":
        assert isinstance(resident, Resident)
        talk.photos += 1
        photo = resident.upload(_picture(talk.photos))
        talk.say(talk.speaker, str(value), photos=[photo])
    elif key == "photo_from":
        talk.photos += 1
        lat, lon = (float(part) for part in str(value).split(","))
        content = _picture(talk.photos, (lat, lon))
        if isinstance(resident, Phone):
            talk.hear(talk.speaker, "(photo)", resident.photo("", content))
        else:
            talk.say(talk.speaker, "", photos=[resident.upload(content)])
    elif key == "picture":
        pictures = [message["custom"]["image"] for message in heard.messages if "image" in message.get("custom", {})]
        assert [value] == [picture["alt"] for picture in pictures], f"no picture {value!r}: {pictures}\n{shown}"
        _check_picture(talk, pictures[0]["src"])
    elif key == "pin":
        lat, lon = (float(part) for part in str(value).split(","))
        if isinstance(resident, Phone):
            talk.hear(talk.speaker, "(pin)", resident.pin(lat, lon))
        else:
            talk.say(talk.speaker, "", location={"lat": lat, "lon": lon})
    elif key == "kill":
        talk.stack.kill(value)
        talk.record.append(f"({value} is killed)")
    elif key == "heal":
        talk.stack.wait_until_healthy()
    elif key == "finish":
        _finish(talk)
    elif key == "desk":
        talk.desk_down = value == "down"
        before, after = ("desk_remarks", "away") if talk.desk_down else ("away", "desk_remarks")
        talk.stack.change(f"ALTER TABLE {before} RENAME TO {after}")
    elif key == "eventually":
        _eventually(talk, value)
    elif key == "crew":
        done = talk.stack.crew("requests", "update", talk.numbers[talk.speaker], *[str(word) for word in value])
        assert done.exit_code == 0, done.output


def _finish(talk: Talk) -> None:
    """Answers the open questions until the report is sent."""
    for _ in range(_LONGEST_FORM):
        heard = talk.resident(talk.speaker).last
        if _NUMBER.search(heard.text):
            return
        known = [title for title in ("Yes, send it", "Skip", "I don't know") if title in heard.buttons]
        talk.say(talk.speaker, known[0] if known else heard.buttons[0] if heard.buttons else "skip")
    raise AssertionError("the report is not sent:\n" + "\n".join(talk.record))


def _eventually(talk: Talk, wanted: list[dict[str, Any]]) -> None:
    end = time.monotonic() + _EVENTUALLY_S
    while True:
        try:
            return _check_stored(talk, wanted)
        except AssertionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _picture(shade: int, taken_at: tuple[float, float] | None = None) -> bytes:
    target, exif = io.BytesIO(), Image.Exif()
    if taken_at is not None:
        gps, (lat, lon) = exif.get_ifd(ExifTags.IFD.GPSInfo), taken_at
        gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "S" if lat < 0 else "N", (abs(lat), 0.0, 0.0)
        gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = (
            "W" if lon < 0 else "E",
            (abs(lon), 0.0, 0.0),
        )
    Image.new("RGB", (64, 48), (40 * shade % 256, 90, 90)).save(target, "JPEG", exif=exif)
    return target.getvalue()


def _check_picture(talk: Talk, link: str) -> None:
    """Whoever was shown a photo can open it, small and without what else the file held; nobody else can."""
    stranger = Resident(talk.stack, "stranger")
    viewer = talk.resident(talk.speaker)
    assert isinstance(viewer, Resident)
    shown, refused = (one.http.get(f"{talk.stack.portal}{link}") for one in (viewer, stranger))
    assert not Image.open(io.BytesIO(shown.content)).getexif()
    assert refused.status_code == 404


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("**", "")).casefold()


def stored(talk: Talk) -> list[dict[str, Any]]:
    """What the system of record holds from this conversation's residents, oldest first."""
    found = []
    for name, resident in talk.residents.items():
        # The sender id stays on the server; the turns of this session tell it.
        turn = resident.history()
        if not turn:
            continue
        senders = talk.stack.rows("SELECT sender FROM turns WHERE id = :id", id=turn[0]["turn"])
        for row in talk.stack.rows(
            "SELECT number, external_id FROM service_requests WHERE reporter = :sender ORDER BY number",
            sender=senders[0]["sender"],
        ):
            desk = talk.stack.crew("requests", "show", str(row["external_id"] or row["number"]), "--json")
            assert desk.exit_code == 0, f"{row['number']} is not at the desk: {desk.output}"
            found.append({"by": name, "number": row["number"], **json.loads(desk.stdout)})
    return sorted(found, key=lambda row: str(row["number"]))


def _check_stored(talk: Talk, wanted: list[dict[str, Any]]) -> None:
    rows = stored(talk)
    shown = "\n".join(talk.record) + "\n" + json.dumps(rows, indent=1, default=str)
    assert len(rows) == len(wanted), f"{len(rows)} requests stored, not {len(wanted)}:\n{shown}"
    for row, expected in zip(rows, wanted, strict=True):
        for key, value in expected.items():
            _check_field(row, key, value, shown)


def _check_field(row: dict[str, Any], key: str, value: Any, shown: str) -> None:
    if key == "photos":
        opened = [requests.get(address, timeout=15) for address in row["media_urls"]]
        assert len(opened) == value and all(one.headers["content-type"] == "image/jpeg" for one in opened), shown
    elif key == "service":
        assert row["service_code"] == value, shown
    elif key == "lat":
        assert row["lat"] is not None and abs(row["lat"] - value) < 0.001, f"lat: {shown}"
    elif key == "people":
        assert row["people"] == value, shown
    elif key == "by":
        assert row["by"] == value, shown
    elif key == "state":
        assert row["state"] == value, shown
    elif key == "remarks":
        said = [remark["text"] for remark in row["remarks"]]
        assert len(said) == len(value), f"remarks: {shown}"
        assert all(_plain(part) in _plain(text) for part, text in zip(value, said, strict=True)), f"remarks: {shown}"
    elif key in ("address", "description"):
        assert _plain(str(value)) in _plain(str(row[key] or "")), f"{key}: {shown}"
    elif key == "contact":
        contact = f"{row.get('email') or ''} {row.get('phone') or ''}".strip()
        assert contact == "" if value == "anonymous" else str(value) in contact, f"contact: {shown}"
    elif key == "answers":
        for code, answer in value.items():
            have = row["attributes"].get(code)
            assert (have if isinstance(have, list) else [have]) == [str(answer)], f"{code}: {shown}"
    else:
        raise AssertionError(f"stored: {key!r} is not a field that can be checked")
