"""Offers: what is asked where a message is not clear, what a choice leads to, and what of it is kept for training."""

from __future__ import annotations

import pytest
from played_rasa import FORM, answer_all

from actions.answers import ActionNotYet, ActionPerson
from actions.clarify import ActionClarify
from actions.offers import ActionTakeOffer, ValidateOfferForm
from city311.intake import from_slot

MIXED = {
    "intents": [("report", 0.39), ("ask_question", 0.3), ("nlu_fallback", 0.2)],
    "service": [("pothole", 0.86), ("pothole_alley", 0.13)],
}


def unsure(rasa, text="can you tell me about the potholes on Elm", **options):
    rasa.hears(text, "nlu_fallback", **{**MIXED, **options})
    rasa.runs(ActionClarify())
    return rasa.is_offered()


def kept(rasa):
    return [(one.text, one.offered, one.chosen) for one in rasa.here.candidates.all()]


def replayed(events):
    """The message that an offer's answer is taken for."""
    *_, listen, said = events
    assert (listen["event"], listen["name"]) == ("action", "action_listen")
    return said["parse_data"]


def test_a_report_and_a_question_are_offered_in_plain_words(rasa):
    unsure(rasa)
    assert rasa.buttons() == ["Report: Pothole in street", "Ask a question", "Something else"]
    shown = " ".join([*rasa.words(), *rasa.buttons()])
    assert "_" not in shown and "report/" not in shown


def test_services_alone_are_offered_by_their_names(rasa):
    unsure(rasa, intents=[("report", 0.11)], service=[("pothole", 0.5), ("cave_in", 0.45)])
    assert rasa.buttons() == ["Pothole in street", "Street cave-in or sinkhole", "Something else"]


@pytest.mark.parametrize("said", ["Report: Pothole in street", "1", "the first one", "pothole"])
def test_a_choice_is_done_as_if_it_had_been_said(rasa, said):
    unsure(rasa, location="Elm")
    message = replayed(rasa.answers(said, "report"))
    assert message["intent"]["name"] == "report"
    assert message["text"] == "can you tell me about the potholes on Elm"
    assert message["service_ranking"] == [{"code": "pothole", "confidence": 1.0}]
    assert {"entity": "location", "value": "Elm"} in message["entities"]
    assert rasa.slots["offer"] is None
    rasa.form()
    assert from_slot(rasa.slots["intake"]).service == "pothole"


def test_a_choice_is_kept_for_training_without_who_made_it(rasa):
    unsure(rasa, "potholes? call me 617-555-0123 or ana@example.org")
    rasa.answers("2")
    (text, offered, chosen) = kept(rasa)[0]
    assert chosen == "ask_question"
    assert offered == ("report/pothole", "ask_question")
    assert "potholes?" in text and "0123" not in text and "ana@" not in text
    with rasa.here.candidates._engine.connect() as connection:
        row = connection.exec_driver_sql("SELECT * FROM understanding_candidates").mappings().one()
    assert set(row) == {"id", "at", "language", "text", "offered", "chosen"}
    assert rasa.sender not in str(dict(row))


def test_something_else_is_kept_as_none_and_asked_in_other_words(rasa):
    unsure(rasa)
    assert rasa.answers("Something else", "report") == []
    assert rasa.spoken() == ["utter_say_otherwise"]
    assert kept(rasa)[0][2] == ""
    assert replayed(rasa.answers("big hole on Elm", "report", service="pothole"))["text"] == "big hole on Elm"


def test_the_second_miss_leads_to_a_person_and_success_starts_anew(rasa):
    rasa.hears("blub")
    rasa.message["intent"] = {"name": "nlu_fallback", "confidence": 0.9}
    rasa.runs(ActionClarify())
    rasa.is_offered()
    assert rasa.answers("qwertz") == []
    assert rasa.spoken()[0] == "utter_person_instead"
    assert rasa.spoken()[1] in ("utter_person_open", "utter_person_closed")
    assert rasa.here.pack.city.phone in rasa.words()[0]
    assert replayed(rasa.answers("thanks", "thank"))["intent"]["name"] == "thank"
    assert rasa.slots["offer"] is None
    unsure(rasa)
    assert rasa.slots["offer"]["misses"] == 0


def test_an_unclear_answer_is_asked_again_once(rasa):
    unsure(rasa)
    assert rasa.answers("hm") == []
    assert rasa.spoken() == ["utter_which_one"]
    assert rasa.buttons()[0] == "Report: Pothole in street"


@pytest.mark.parametrize("intent", ["check_status", "talk_to_person", "report", "cancel", "start_over", "greet"])
def test_whoever_says_something_clear_instead_is_heard(rasa, intent):
    unsure(rasa)
    assert replayed(rasa.answers("something clear of another kind", intent))["intent"]["name"] == intent
    assert kept(rasa) == []


def test_a_place_said_to_an_offer_is_kept(rasa):
    unsure(rasa)
    assert rasa.answers("on Oak Street", "inform", location="Oak Street") == []
    message = replayed(rasa.answers("1"))
    assert {"entity": "location", "value": "Oak Street"} in message["entities"]


def test_danger_in_an_offer_comes_first_and_the_offer_is_kept(rasa):
    unsure(rasa)
    rasa.hears("my house is on fire", "emergency")
    events = rasa.runs(ValidateOfferForm())
    assert events[-1]["event"] == "action_execution_rejected"
    rasa.events.append({"event": "action", "name": "action_safety"})
    rasa.runs(ValidateOfferForm())
    assert rasa.spoken() == ["utter_offer_kept"]
    assert rasa.answers("ok", "affirm") == []
    assert replayed(rasa.answers("1"))["intent"]["name"] == "report"


def test_perhaps_danger_begins_with_the_way_to_help(rasa):
    unsure(rasa, intents=[("report", 0.3), ("emergency", 0.2), ("ask_question", 0.3)])
    assert rasa.spoken() == ["utter_if_danger", "utter_ask_meaning"]


@pytest.mark.parametrize("broken", [None, 3, {"kind": "unsure", "labels": ["report/no_such"]}, {"odd": 1}])
def test_an_offer_of_another_version_lets_the_message_through(rasa, broken):
    rasa.slots["offer"] = broken
    assert replayed(rasa.answers("thanks", "thank"))["intent"]["name"] == "thank"


def test_a_database_that_is_down_costs_the_candidate_only(rasa):
    unsure(rasa)
    with rasa.here.candidates._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE understanding_candidates")
    assert replayed(rasa.answers("1"))["intent"]["name"] == "report"


# -- two problems


def report_with_another(rasa, **options):
    rasa.hears(
        "pothole at 10 Elm Street and graffiti at 10 Pine Road",
        "report",
        service="pothole",
        also=[("graffiti_public", "graffiti at 10 Pine Road")],
        **options,
    )
    rasa.message["entities"] = [
        {"entity": "location", "value": "10 Elm Street"},
        {"entity": "location", "value": "10 Pine Road"},
    ]
    rasa.form()


@pytest.mark.parametrize("ending", ["submit", "cancel"])
def test_the_other_problem_is_offered_after_the_first(rasa, ending):
    report_with_another(rasa)
    assert from_slot(rasa.slots["intake"]).answers["location"].value == "10 Elm Street"
    if ending == "submit":
        answer_all(rasa, {"where": "Bike lane", "contact": "ana@example.org", "review": "Yes, send it"})
    else:
        rasa.says("cancel", "cancel")
    rasa.finishes()
    offer = rasa.is_offered()
    assert "Graffiti on public property" in offer[-1]
    assert rasa.buttons() == ["Yes, report it", "No, thanks"]
    message = replayed(rasa.answers("yes", "affirm"))
    assert message["text"] == "graffiti at 10 Pine Road"
    rasa.slots["intake"] = None
    rasa.form()
    state = from_slot(rasa.slots["intake"])
    assert (state.service, state.answers["location"].value) == ("graffiti_public", "10 Pine Road")
    if ending == "submit":
        assert state.answers["contact"].value == "ana@example.org", "not asked again"
    assert kept(rasa) == [], "an offer of a second problem says nothing of how it was understood"


def test_no_thanks_leaves_it(rasa):
    report_with_another(rasa)
    rasa.says("cancel", "cancel")
    rasa.finishes()
    rasa.is_offered()
    rasa.answers("No, thanks", "deny")
    assert rasa.slots["offer"] is None
    assert not [event for event in rasa.events if event["event"] == "user" and event["text"].startswith("graffiti")]


def test_three_problems_are_offered_one_by_one(rasa):
    rasa.hears(
        "pothole, graffiti, dead light",
        "report",
        service="pothole",
        also=[("graffiti_public", "graffiti"), ("light_out", "dead light"), ("no_such", "x")],
    )
    rasa.form()
    rasa.says("cancel", "cancel")
    rasa.finishes()
    rasa.is_offered()
    rasa.answers("no", "deny")
    assert "street light" in rasa.is_offered()[-1]


def test_starting_over_forgets_the_other_problem(rasa):
    report_with_another(rasa)
    rasa.says("start over", "start_over")
    rasa.finishes()
    assert rasa.slots.get("offer") is None


# -- the kinds of problems on buttons inside a report


def test_the_kind_that_was_chosen_is_kept_for_training(rasa):
    rasa.says("a broken thing", "report", service=[("pothole", 0.4), ("cave_in", 0.35)])
    rasa.says("Pothole in street", "report", service="pothole")
    assert kept(rasa) == [("a broken thing", ("report/pothole", "report/cave_in"), "report/pothole")]


def test_none_of_the_kinds_is_kept_too(rasa):
    rasa.says("a broken thing", "report", service=[("pothole", 0.4), ("cave_in", 0.35)])
    rasa.says("Something else", "report")
    assert kept(rasa)[0][2] == ""


# -- perhaps no report at all


def test_a_report_that_may_be_a_question_is_asked_first(rasa):
    rasa.hears("when do they fix potholes", "report", confidence=0.55, **MIXED)
    rasa.form()
    assert (rasa.slots["requested_slot"], rasa.slots.get("intake")) == (None, None)
    rasa.loop = None
    rasa.finishes()
    rasa.is_offered()
    assert rasa.buttons()[:2] == ["Report: Pothole in street", "Ask a question"]


def test_a_clear_report_is_not_asked(rasa):
    rasa.hears("pothole", "report", confidence=0.9, **MIXED)
    rasa.form()
    assert rasa.loop == FORM and rasa.slots["requested_slot"] == "answer"


# -- what can't be done yet


@pytest.mark.parametrize(
    "intent",
    ["ask_question", "search_records", "crisis_info", "view_bill", "pay_bill", "dispute_bill", "payment_plan",
     "permit_status", "apply_permit", "apply_license", "benefits_screening", "fund_balance"],
)  # fmt: skip
def test_what_cannot_be_done_yet_says_so_with_phone_and_hours(rasa, pack, intent):
    rasa.hears("please", intent)
    rasa.runs(ActionNotYet())
    (said,) = rasa.words()
    assert "can't" in said or "don't have" in said
    assert "617-555-01" in said and pack.city.hours in said


def test_a_question_about_something_that_can_be_reported_offers_the_report(rasa):
    rasa.hears("when do they fix potholes", "ask_question", service="pothole")
    rasa.runs(ActionNotYet())
    rasa.is_offered()
    assert rasa.buttons() == ["Pothole in street", "No, thanks"]
    assert replayed(rasa.answers("1"))["text"] == ""


def test_a_question_in_the_middle_of_a_report_offers_nothing(rasa):
    rasa.loop = FORM
    rasa.hears("when do they fix potholes", "ask_question", service="pothole")
    assert rasa.runs(ActionNotYet()) == []


def test_a_bill_question_that_may_be_a_dispute_is_asked(rasa):
    rasa.hears("about my bill", "view_bill", confidence=0.5, intents=[("view_bill", 0.5), ("dispute_bill", 0.4)])
    rasa.runs(ActionNotYet())
    rasa.is_offered()
    assert rasa.buttons() == ["See my bill", "Say that a bill is wrong", "Something else"]


def test_a_person_comes_with_whether_they_are_there(rasa):
    rasa.hears("a real person please", "talk_to_person")
    rasa.runs(ActionPerson())
    assert rasa.spoken()[0] == "utter_person" and len(rasa.words()) == 2


def test_taking_an_offer_that_is_gone_is_harmless(rasa):
    rasa.slots["offer"] = None
    assert {event["event"] for event in rasa.runs(ActionTakeOffer())} == {"slot"}
