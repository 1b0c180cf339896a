"""POST requests: what is taken, what is refused, and that a refusal stores nothing."""

import json
from datetime import datetime, timedelta

import pytest
from conftest import EMERGENCY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from xml_reading import as_text, from_xml

from city311.requests import desk
from city311.store import keys, numbers
from city311.store.base import reading, writing
from city311.store.desk import DeskRequest

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def stored(engine) -> int:
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(DeskRequest))


def refused(client, engine, status, parameters, **more):
    before = stored(engine)
    answer = client.post("requests.json", data=parameters, **more)
    assert answer.status_code == status, answer.text
    errors = answer.json()
    assert errors
    assert all(set(error) == {"code", "description"} for error in errors)
    assert stored(engine) == before
    return " ".join(error["description"] for error in errors)


def test_a_request_is_made(client, engine, pothole):
    answer = client.post("requests.json", data=pothole)
    assert answer.status_code == 200
    (made,) = answer.json()
    assert numbers.parse(made["service_request_id"]) == made["service_request_id"]
    assert made["service_notice"] == "A crew looks at it."
    assert "token" not in made
    (shown,) = client.get(f"requests/{made['service_request_id']}.json").json()
    assert shown["status"] == "open"
    assert shown["service_code"] == "pothole"
    assert shown["agency_responsible"] == "Streets & Bridges"
    assert shown["description"] == "A hole"
    assert (shown["lat"], shown["long"]) == (42.3736, -71.1097)
    requested = datetime.fromisoformat(shown["requested_datetime"])
    expected = datetime.fromisoformat(shown["expected_datetime"])
    assert requested.utcoffset() in (timedelta(hours=-5), timedelta(hours=-4))
    assert (expected.date() - requested.date()).days == 3


def test_the_answer_in_xml(client, pothole):
    (made,) = from_xml(client.post("requests.xml", data=pothole).content)
    assert numbers.parse(made["service_request_id"])


def test_multipart(client, pothole):
    answer = client.post("requests.json", files={name: (None, value) for name, value in pothole.items()})
    assert answer.status_code == 200, answer.text


def test_multipart_with_a_file_is_refused(client, engine, pothole):
    refused(client, engine, 400, pothole, files={"media": ("hole.jpg", b"\xff\xd8\xff", "image/jpeg")})


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"service_code": "pothole"}', "application/json"),
        (b"<a/>", "text/xml"),
        (b"service_code=pothole", "multipart/form-data"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"\xff\xfe", FORM["content-type"]),
        (b"description=%ff%fe", FORM["content-type"]),
        (b"description=%ED%A0%80", FORM["content-type"]),  # a surrogate
        (b"&".join(b"a%d=1" % n for n in range(1000)), FORM["content-type"]),
        (
            b"--x\r\nContent-Disposition: form-data; name=description\r\n\r\n\xff\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_unreadable_bodies(client, engine, body, content_type):
    answer = client.post("requests.json", content=body, headers={"content-type": content_type})
    assert answer.status_code == 400
    assert answer.json()[0]["code"] == 400


def test_empty_body_misses_the_key(client, engine):
    assert "api_key" in refused(client, engine, 403, {})


def test_large_bodies(client, engine, pothole):
    big = {**pothole, "description": "x" * 1_000_001}
    refused(client, engine, 413, big)

    def chunks():
        for _ in range(20):
            yield b"x" * 100_000

    answer = client.post("requests.xml", content=chunks(), headers=FORM)
    assert answer.status_code == 413
    assert from_xml(answer.content)[0]["code"] == "413"


@pytest.mark.parametrize("wrong", ["", "x", "\x7f", "0" * 43, "é"])
def test_wrong_keys(client, engine, pothole, wrong):
    status = 400 if wrong == "\x7f" else 403
    refused(client, engine, status, {**pothole, "api_key": wrong})


def test_revoked_key(client, engine, pothole):
    (row,) = keys.list_keys(engine)
    keys.revoke_key(engine, row.id)
    refused(client, engine, 403, pothole)


REFUSALS = [
    ({"service_code": ""}, 400, "service_code"),
    ({"service_code": "nothing"}, 404, "service_code"),
    ({"service_code": "<b>"}, 404, "service_code"),
    ({"jurisdiction_id": "gotham"}, 404, "jurisdiction_id"),
    ({"lat": "", "long": ""}, 400, "location"),
    ({"lat": ""}, 400, "together"),
    ({"long": ""}, 400, "together"),
    ({"lat": "91"}, 400, "lat"),
    ({"lat": "-90.0001"}, 400, "lat"),
    ({"long": "180.1"}, 400, "long"),
    ({"lat": "nan"}, 400, "lat"),
    ({"lat": "1e1"}, 400, "lat"),
    ({"lat": "１０"}, 400, "lat"),
    ({"long": "inf"}, 400, "long"),
    ({"lat": "42,37"}, 400, "lat"),
    ({"description": "x" * 4001}, 400, "description"),
    ({"description": "null\x00byte"}, 400, "description"),
    ({"description": "\x1b[2J"}, 400, "description"),
    ({"description": "\uffff"}, 400, "description"),
    ({"first_name": "x" * 201}, 400, "first_name"),
    ({"na\x00me": "x"}, 400, "parameter name"),
    ({"media_url": "javascript:alert(1)"}, 400, "media_url"),
    ({"media_url": "file:///etc/passwd"}, 400, "media_url"),
    ({"media_url": "https://user:pass@host/x"}, 400, "media_url"),
    ({"media_url": "http://[broken"}, 400, "media_url"),
    ({"media_url": "https://"}, 400, "media_url"),
    ({"media_url": 'https://host/"><script>'}, 400, "media_url"),
    ({"attribute[lane]": ""}, 400, "attribute[lane]"),
    ({"attribute[lane]": "sidewalk"}, 400, "one of: curb, middle"),
    ({"attribute[lane]": "Middle lane"}, 400, "one of"),
    ({"attribute[lane]": ["middle", "curb"]}, 400, "one value"),
    ({"attribute[nothing]": "x"}, 400, "attribute[nothing]"),
    ({"attribute[photo]": "x"}, 400, "attribute[photo]"),
    ({"attribute[note]": "x"}, 400, "attribute[note]"),
    ({"attribute[<b>]": "x"}, 400, "An attribute is unknown"),
    ({"attribute": "x"}, 400, "attribute[CODE]"),
    ({"attribute[]": "x"}, 400, "attribute[CODE]"),
    ({"attribute[a][b]": "x"}, 400, "attribute[CODE]"),
    ({"attribute[injury]": "perhaps"}, 400, "yes, no"),
    ({"attribute[depth]": "deep"}, 400, "number"),
    ({"attribute[depth]": "unknown"}, 400, "number"),
    ({"attribute[depth]": "1e999"}, 400, "number"),
    ({"attribute[seen]": "yesterday"}, 400, "date"),
    ({"attribute[seen]": "2026-02-30"}, 400, "date"),
    ({"attribute[seen]": "2026-01-31T08:00:00"}, 400, "zone"),
    ({"attribute[plate]": "ABC\n123"}, 400, "single line"),
    ({"attribute[story]": "x" * 4001}, 400, "4000"),
    ({"attribute[lane]": "curb"}, 400, "attribute[corner]"),
    ({"attribute[injury]": "yes"}, 400, EMERGENCY),
    ({"service_request_id": "SR-100009"}, 403, "service_request_id"),
]


def test_refusals(client, engine, pothole, subtests):
    for change, status, says in REFUSALS:
        with subtests.test(change=repr(change)[:80]):
            assert says in refused(client, engine, status, {**pothole, **change})


def test_all_that_is_wrong_is_said_at_once(client, engine, pothole):
    wrong = {**pothole, "lat": "91", "attribute[lane]": "", "attribute[depth]": "deep", "media_url": "x"}
    said = refused(client, engine, 400, wrong)
    assert all(word in said for word in ("lat", "attribute[lane]", "attribute[depth]", "media_url"))


VARIANTS = [
    {"lat": "", "long": "", "address_string": "Main Street & 1st"},
    {"lat": "", "long": "", "address_id": "4711"},
    {"lat": "-90", "long": "180"},
    {"jurisdiction_id": "smallville"},
    {"attribute[lane]": "unknown"},
    {"attribute[lane]": ["middle", "middle", ""]},
    {"attribute[lane]": "curb", "attribute[corner]": "Elm"},
    {"attribute[lane]": "curb", "attribute[corner]": "unknown"},
    {"attribute[lane][]": "middle"},
    {"attribute[injury]": "no"},
    {"attribute[depth]": "3.5"},
    {"attribute[depth]": ""},
    {"attribute[seen]": "2026-01-31"},
    {"attribute[seen]": "2026-01-31T08:00:00-05:00"},
    {"media_url": ["https://photos.example/1.jpg", "http://photos.example/2.jpg"]},
    {"description": "", "phone": "", "email": ""},
    {"something_new": "is ignored"},
]


def test_variants_that_are_taken(client, engine, pothole, subtests):
    for count, change in enumerate(VARIANTS, start=1):
        with subtests.test(change=repr(change)):
            answer = client.post("requests.json", data={**pothole, **change})
            assert answer.status_code == 200, answer.text
            assert stored(engine) == count


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"service_code": "praise"}, 200),
        ({"service_code": "praise", "lat": "95", "long": "1"}, 400),
        ({"service_code": "leak"}, 400),
        ({"service_code": "leak", "address_string": "1 Elm St"}, 200),
        ({"service_code": "leak", "address_string": "1 Elm St", "attribute[address]": "1 Elm St"}, 200),
    ],
)
def test_location_by_service(client, key, parameters, status):
    assert client.post("requests.json", data={"api_key": key, **parameters}).status_code == status


def test_no_sla_no_date(client, key):
    (made,) = client.post("requests.json", data={"api_key": key, "service_code": "praise"}).json()
    (shown,) = client.get(f"requests/{made['service_request_id']}.json").json()
    assert shown["expected_datetime"] is None


def test_readers_get_no_contact(client, pothole):
    secret = {
        "first_name": "Ana",
        "last_name": "Lopezini",
        "email": "ana@example.org",
        "phone": "617-555-0177",
        "device_id": "device-99",
        "account_id": "account-88",
        "description": "I am ana lopezini, call +1 (617) 555-0177 or 6175550177, ana@example.org. 2026-01-31 <b>",
        "attribute[story]": "a private story",
        "attribute[plate]": "4ABC12",
        "address_string": "10 Elm St, 02139-4307, ring 617.555.0177",
    }
    (made,) = client.post("requests.json", data={**pothole, **secret}).json()
    number = made["service_request_id"]
    for path in (f"requests/{number}", "requests", f"requests.json?service_request_id={number}&x="):
        for form in ("json", "xml"):
            text = client.get(f"{path}.{form}?extensions=true").text
            assert number in text
            for private in ("lopezini", "555", "example.org", "device-99", "account-88", "private story", "4ABC12"):
                assert private not in text.lower()
    (shown,) = client.get(f"requests/{number}.json").json()
    assert shown["description"] == "I am [removed], call [removed] or [removed], [removed] 2026-01-31 <b>"
    assert shown["address"] == "10 Elm St, 02139-4307, ring [removed]"


def test_own_numbers_are_made_once(client, engine, pothole, own_key):
    with writing(engine) as session:
        number = numbers.allocate(session)
    mine = {**pothole, "api_key": own_key, "service_request_id": number}
    first = client.post("requests.json", data=mine).json()
    assert first[0]["service_request_id"] == number
    # The same again, even in other words, makes nothing and answers the same.
    for again in (
        mine,
        {**mine, "description": "Other words"},
        {**mine, "service_request_id": number.lower()},
        {**mine, "lat": "x"},
    ):
        answer = client.post("requests.json", data=again)
        assert (answer.status_code, answer.json()) == (200, first)
    assert stored(engine) == 1
    assert desk.show(engine, number).description == "A hole"


def test_our_own_client_names_the_department(client, engine, pothole, own_key):
    mine = {**pothole, "api_key": own_key, "agency_responsible": "Parks & Recreation"}
    number = client.post("requests.json", data=mine).json()[0]["service_request_id"]
    assert desk.show(engine, number).agency == "Parks & Recreation"


@pytest.mark.parametrize("agency", ["Parks & Recreation", "Ministry of Magic", "'; --"])
def test_nobody_else_does_nor_one_that_is_none(client, engine, pothole, own_key, agency):
    key = pothole["api_key"] if agency == "Parks & Recreation" else own_key
    sent = {**pothole, "api_key": key, "agency_responsible": agency}
    number = client.post("requests.json", data=sent).json()[0]["service_request_id"]
    assert desk.show(engine, number).agency == "Streets & Bridges"


def test_own_numbers_must_be_numbers_and_free(client, engine, pothole, own_key):
    mine = {**pothole, "api_key": own_key}
    for wrong in ("1", "SR-104217", "SR-10421", "<b>", "' OR 1=1 --"):
        refused(client, engine, 400, {**mine, "service_request_id": wrong})
    (taken,) = client.post("requests.json", data=pothole).json()
    refused(client, engine, 400, {**mine, "service_request_id": taken["service_request_id"]})


def test_a_number_that_a_caller_brought_is_not_given_again(client, engine, pothole, own_key):
    brought = numbers.make(numbers.FIRST_SERIAL)  # the sequence has not reached it
    client.post("requests.json", data={**pothole, "api_key": own_key, "service_request_id": brought})
    made = [client.post("requests.json", data=pothole).json()[0]["service_request_id"] for _ in range(3)]
    assert len({brought, *made}) == 4
    assert stored(engine) == 4


# What XML can carry: everything but controls, surrogates and two non-characters.
words = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\t\n\r"
    ),
    min_size=1,
    max_size=200,
).filter(lambda text: text.strip())
HOSTILE = [
    "<script>alert(1)</script>",
    "]]>&lt;![CDATA[<x>",
    "'; DROP TABLE desk_requests; --",
    "&amp;&#0;&undefined;",
    "\u202eevil\u2066",
    "🕳️👩‍🚒 e\u0301",
    "{{7*7}} ${jndi:ldap://x} %s %n",
    '/submit{"x": 1}',
    "a\r\nb\rc\td",
    "../../etc/passwd",
    "=cmd|' /C calc'!A0",
]


def round_trip(client, engine, pothole, text):
    answer = client.post(
        "requests.json", data={**pothole, "description": text, "address_string": text, "attribute[story]": text}
    )
    assert answer.status_code == 200, answer.text
    number = answer.json()[0]["service_request_id"]
    kept = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    row = desk.show(engine, number)
    assert (row.description, row.address, row.attributes["story"]) == (kept, kept, kept)
    shown = json.loads(client.get(f"requests/{number}.json?extensions=true").content)
    assert from_xml(client.get(f"requests/{number}.xml?extensions=true").content) == as_text(shown)
    if "@" not in text and sum(character.isdigit() for character in text) < 7:
        assert shown[0]["description"] == kept


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(client, engine, pothole, text):
    round_trip(client, engine, pothole, text)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=words)
def test_any_text_comes_back(client, engine, pothole, text):
    round_trip(client, engine, pothole, text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300))
def test_any_bytes_get_an_error_in_the_format(client, body):
    for content_type in (FORM["content-type"], "multipart/form-data; boundary=x"):
        answer = client.post("requests.xml", content=body, headers={"content-type": content_type})
        assert answer.status_code in (400, 403)
        assert from_xml(answer.content)[0]["code"] == str(answer.status_code)
