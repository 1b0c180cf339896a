"""Discovery, services, definitions: what a client reads before it asks for anything."""

import pytest
from xml_reading import as_text, from_xml

XML_ROOTS = {
    "discovery": "discovery",
    "services": "services",
    "services/pothole": "service_definition",
    "requests": "service_requests",
}


def test_discovery(client):
    found = client.get("discovery.json").json()
    (endpoint,) = found["endpoints"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["url"] == "https://311.example/open311/v2"
    assert endpoint["type"] == "production"
    assert set(endpoint["formats"]) == {"text/xml", "application/json"}
    assert "617-555-0100" in found["contact"]
    assert found["key_service"]
    assert found["changeset"]


def test_services(client):
    pothole, praise, leak = client.get("services.json").json()
    assert pothole == {
        "service_code": "pothole",
        "service_name": "Pothole <here> & there",
        "description": "A hole in the street.",
        "metadata": True,
        "type": "realtime",
        "keywords": "hole, crater",
        "group": "Streets & sidewalks",
    }
    assert praise["metadata"] is False  # a photo is no attribute
    assert leak["metadata"] is False  # its only question is the location


def test_definition(client):
    definition = client.get("services/pothole.json").json()
    assert definition["service_code"] == "pothole"
    shown = [(a["code"], a["datatype"], a["variable"], a["required"], a["order"]) for a in definition["attributes"]]
    assert shown == [
        ("lane", "singlevaluelist", True, True, 1),
        ("injury", "singlevaluelist", True, False, 2),
        ("note", "text", False, False, 3),
        ("depth", "number", True, False, 4),
        ("seen", "datetime", True, False, 5),
        ("plate", "string", True, False, 6),
        ("story", "text", True, False, 7),
        ("corner", "text", True, False, 8),
    ]
    lane, injury, *_ = definition["attributes"]
    assert lane["description"] == "What about lane?"
    assert lane["datatype_description"] == "Where on the street."
    assert lane["values"] == [{"key": "curb", "name": "Curb lane"}, {"key": "middle", "name": "Middle lane"}]
    assert injury["values"] == [{"key": "yes", "name": "Yes"}, {"key": "no", "name": "No"}]


@pytest.mark.parametrize(("path", "root"), XML_ROOTS.items())
def test_xml_says_what_json_says(client, pothole, path, root):
    client.post("requests.json", data=pothole)
    json, xml = client.get(f"{path}.json?extensions=true"), client.get(f"{path}.xml?extensions=true")
    assert json.headers["content-type"] == "application/json; charset=utf-8"
    assert xml.headers["content-type"] == "text/xml; charset=utf-8"
    head, _, body = xml.text.partition("\n")
    assert head == '<?xml version="1.0" encoding="UTF-8"?>'
    assert body.startswith(f"<{root}>")
    assert from_xml(xml.content) == as_text(json.json())


ABSENT = [
    "services/nothing.json",
    "tokens/123.json",
    "requests/SR-100009.json",
    "requests/nonsense.json",
    "requests/1.json",
    "services.json?jurisdiction_id=gotham",
    "requests.json?jurisdiction_id=gotham",
    "services/pothole.json?jurisdiction_id=gotham",
    "nothing.json",
    "services/pothole/extra.json",
    "requests/.json",
    "services/..%2f..%2fetc%2fpasswd.json",
]
NO_PATHS = ["", "nothing", "services.html", "services/pothole.csv", "services", "requests/", "services.json/"]


def test_what_is_not_there(client, subtests):
    for path in ABSENT + [path.replace(".json", ".xml") for path in ABSENT] + NO_PATHS:
        with subtests.test(path=path):
            answer = client.get(path)
            assert answer.status_code == 404
            (error,) = from_xml(answer.content) if ".xml" in path else answer.json()
            assert str(error["code"]) == "404"
            assert error["description"]


def test_our_jurisdiction_is_found_and_an_empty_one_is_none_at_all(client):
    for query in ("jurisdiction_id=smallville", "jurisdiction_id=", ""):
        assert client.get(f"services.json?{query}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "requests.json"),
        ("PUT", "requests/SR-100009.json"),
        ("POST", "services.json"),
        ("PATCH", "discovery.xml"),
    ],
)
def test_other_methods(client, method, path):
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == ("GET, POST" if path.startswith("requests.") else "GET")
    errors = answer.json() if path.endswith("json") else from_xml(answer.content)
    assert str(errors[0]["code"]) == "405"


@pytest.mark.parametrize(
    "path", ["requests.json?service_code=%00", "services/%00.json", "requests/%1b[2J.xml", "requests.json?%07=1"]
)
def test_control_characters(client, path):
    assert client.get(path).status_code == 400


def test_an_unexpected_error_has_no_stack_trace(pack, client, engine, caplog, capsys):
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        from sqlalchemy import text

        connection.execute(text("DROP TABLE desk_notes"))
        connection.execute(text("DROP TABLE desk_remarks"))
        connection.execute(text("DROP TABLE desk_requests"))
    for form, read in (("json", lambda answer: answer.json()), ("xml", lambda answer: from_xml(answer.content))):
        answer = client.get(f"requests.{form}?service_code=SECRET-WORDS")
        assert answer.status_code == 500
        (error,) = read(answer)
        assert str(error["code"]) == "500"
        assert "desk_requests" not in answer.text
        assert "Traceback" not in answer.text
    printed = capsys.readouterr()
    assert "SECRET-WORDS" not in caplog.text + printed.out + printed.err
    assert "open311.failed" in caplog.text + printed.out + printed.err
