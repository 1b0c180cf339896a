"""What is not understood, and what is danger."""

from __future__ import annotations

import pytest
from played_rasa import FORM

from actions.clarify import ActionClarify
from actions.safety import ActionSafety
from city311.intake import from_slot


def clarifies(rasa, text, intent="nlu_fallback", **options):
    rasa.hears(text, intent, **options)
    return rasa.runs(ActionClarify())


def listens(events):
    """Without it, a turn for which no rule fits would run the action again and again."""
    (event,) = events
    assert (event["event"], event["name"]) == ("followup", "action_listen")


def offers_something(events):
    assert [(event["event"], event["name"]) for event in events] == [("slot", "offer"), ("followup", "offer_form")]


def test_a_number_alone_is_asked_about(rasa):
    listens(clarifies(rasa, "SR-104215", request_number="SR-104215"))
    assert rasa.spoken() == ["utter_status_unknown"]


def test_a_number_comes_before_a_likely_problem(rasa):
    clarifies(rasa, "SR-104215 pothole", service="pothole", request_number="SR-104215")
    assert rasa.spoken() == ["utter_status_unknown"]


def test_a_place_alone_asks_what_is_there(rasa):
    (kept, *events) = clarifies(rasa, "22 Prospect Street", "inform", location="22 Prospect Street")
    listens(events)
    assert (kept["name"], kept["value"]) == ("location", "22 Prospect Street"), "for the report that follows"
    words = rasa.words()
    assert rasa.spoken() == ["utter_ask_what_there"]
    assert "22 Prospect Street" in words[0]


def test_something_like_a_problem_begins_a_report(rasa):
    intents = [("report", 0.38), ("ask_question", 0.1)]
    (event,) = clarifies(rasa, "broken thing", service=[("pothole", 0.2), ("noise", 0.1)], intents=intents)
    assert (event["event"], event["name"]) == ("followup", FORM)
    assert rasa.words() == [], "the form speaks"


@pytest.mark.parametrize("ranking", [(), [("pothole", 0.1)], [("no_such_service", 0.9)]])
def test_anything_else_says_so_and_offers_the_nearest_two(rasa, ranking):
    offers_something(clarifies(rasa, "blub", service=ranking))
    assert rasa.spoken() == [], "the offer speaks"
    rasa.is_offered()
    assert rasa.spoken() == ["utter_lost"]
    assert len(rasa.buttons()) == 3 and rasa.buttons()[-1] == "Something else"


def test_a_place_with_a_problem_is_a_report(rasa):
    intents = [("report", 0.39)]
    options = {"service": "pothole", "location": "22 Prospect Street", "intents": intents}
    (event,) = clarifies(rasa, "mess at 22 Prospect Street", **options)
    assert event["name"] == FORM


def test_a_message_without_any_understanding(rasa):
    rasa.message = {}
    offers_something(rasa.runs(ActionClarify()))
    rasa.is_offered()
    assert rasa.spoken() == ["utter_lost"]


@pytest.mark.parametrize("intent", ["emergency", "self_harm"])
def test_danger_gets_the_citys_own_words(rasa, pack, intent):
    rasa.hears("help", intent)
    assert rasa.runs(ActionSafety()) == []
    assert rasa.words() == [pack.city.safety[intent]]


def test_danger_of_no_known_kind_is_an_emergency(rasa, pack):
    rasa.hears("help", "something_new")
    rasa.runs(ActionSafety())
    assert rasa.words() == [pack.city.safety["emergency"]]


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("I smell gas in the hallway", "emergency_gas"),
        ("the CO alarm won't stop", "emergency_carbon"),
        ("a power line is down and sparking", "emergency_utility"),
        ("my kitchen is on fire", "emergency_fire"),
        ("he has a gun", "emergency_violence"),
        ("a man was hit by a car", "emergency_hurt"),
        ("the gassy soda is flat", "emergency"),
    ],
)
def test_each_kind_of_danger_has_its_own_words(rasa, pack, said, key):
    rasa.hears(said, "emergency")
    rasa.runs(ActionSafety())
    assert rasa.words() == [pack.city.safety[key]]


def test_thoughts_of_suicide_are_met_with_care_whatever_else_is_named(rasa, pack):
    rasa.hears("I have a gun and want to end it", "self_harm")
    rasa.runs(ActionSafety())
    assert rasa.words() == [pack.city.safety["self_harm"]]


def test_a_problem_told_beside_a_danger_waits_until_it_is_over(rasa):
    rasa.hears("fire next door! and a pothole on Elm", "emergency", also=[("pothole", "a pothole on Elm")])
    offers_something(rasa.runs(ActionSafety()))
    assert "When you are safe" in rasa.is_offered()[0]


def test_in_the_middle_of_a_report_danger_makes_no_offer(rasa):
    rasa.loop = FORM
    rasa.hears("fire! and a pothole on Elm", "emergency", also=[("pothole", "a pothole on Elm")])
    assert rasa.runs(ActionSafety()) == []


def sounds_dangerous(rasa, said="tree fell on a car", confidence=0.31):
    rasa.hears(said, "emergency", confidence=confidence, service="tree_emergency", location="88 Elm St")
    return rasa.runs(ActionSafety())


@pytest.mark.parametrize("said", ["no one is hurt", "its not an emergency", "everyone is fine", "Yes, report it"])
def test_what_was_no_danger_after_all_becomes_a_report(rasa, pack, said):
    offers_something(sounds_dangerous(rasa))
    assert rasa.words() == [pack.city.safety["emergency_hurt"]], "first the way to help"
    (offered,) = rasa.is_offered()
    assert "If no one is in danger" in offered and "Tree or limb down" in offered
    *_, message = rasa.answers(said, "deny")
    assert message["parse_data"]["intent"]["name"] == "report"
    assert message["parse_data"]["service_ranking"] == [{"code": "tree_emergency", "confidence": 1.0}]
    assert [(one.text, one.chosen) for one in rasa.here.candidates.all()] == [
        ("tree fell on a car", "report/tree_emergency")
    ]
    rasa.form()
    state = from_slot(rasa.slots["intake"])
    assert state.service == "tree_emergency" and "location" in state.answers
    assert state.asking in ("on_wires", "injury"), "whether there is danger is asked all the same"


def test_a_no_leaves_it_at_the_way_to_help(rasa):
    offers_something(sounds_dangerous(rasa))
    rasa.is_offered()
    rasa.answers("No, thanks", "deny")
    assert rasa.slots["offer"] is None and rasa.slots.get("intake") is None


def test_certain_danger_is_never_offered_as_a_report(rasa):
    assert sounds_dangerous(rasa, "a tree fell on my husband", 0.8) == []


def test_who_tells_on_where_it_is_goes_on_with_the_report(rasa):
    rasa.hears("needles in the playground", "emergency", confidence=0.4, service="hazmat_drop")
    offers_something(rasa.runs(ActionSafety()))
    rasa.is_offered()
    *_, message = rasa.answers("Dana Park", "inform", location="Dana Park")
    assert message["parse_data"]["text"] == "needles in the playground"
    assert {"entity": "location", "value": "Dana Park"} in message["parse_data"]["entities"]


def test_who_tells_on_what_it_is_goes_on_with_the_report(rasa):
    rasa.hears("needles in the playground", "emergency", confidence=0.4, service="hazmat_drop")
    offers_something(rasa.runs(ActionSafety()))
    rasa.is_offered()
    *_, message = rasa.answers("on the ground by the swings", "inform")
    assert message["parse_data"]["text"] == "needles in the playground\non the ground by the swings"
