"""REST for developers: usual path and shapes, the screening of the public channels."""

from __future__ import annotations

import asyncio

import pytest
import yaml
from http_server import AgentDouble, Serving
from small_bot import HOUSE, closing_connections

from city311.dialogue.rest import DeveloperRest

PATH = "/webhooks/rest/webhook"


def post(agent, *bodies):
    async def calls():
        answers = []
        async with Serving([DeveloperRest()], agent) as client:
            for body in bodies:
                options = {"data": body} if isinstance(body, bytes) else {"json": body}
                async with client.post(PATH, **options) as response:
                    answers.append((response.status, await response.json()))
        return answers

    return asyncio.run(closing_connections(calls()))


def says(agent, text, **more):
    ((status, answer),) = post(agent, {"sender": "me", "message": text, **more})
    assert status == 200
    return answer


def words(key):
    """The start of a response in domain.yml, up to where a fact of the city is filled in."""
    domain = yaml.safe_load((HOUSE / "domain.yml").read_text(encoding="utf-8"))
    return domain["responses"][key][0]["text"].split("{")[0].strip()


def test_it_answers_as_rasas_own_does(conversation, actions):
    assert says(conversation.agent, "zcheck_status", sender=conversation.sender) == [
        {"recipient_id": conversation.sender, "text": "action_check_status says so."}
    ]
    assert conversation.stored().get_latest_input_channel() == "rest"


def test_health_is_at_the_usual_place():
    async def call():
        async with Serving([DeveloperRest()], AgentDouble()) as client, client.get("/webhooks/rest/") as response:
            return response.status, await response.json()

    assert asyncio.run(call()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    "body",
    [
        b"", b"not json", b"\xff", [], 1, None, {}, {"sender": "me"}, {"sender": "me", "message": None},
        {"sender": "me", "message": 1}, {"sender": "me", "message": ["hello"]}, {"sender": 1, "message": "hello"},
        {"sender": "", "message": "hello"}, {"sender": "s" * 256, "message": "hello"},
        {"sender": None, "message": "hello"},
    ],
    ids=lambda body: repr(body)[:40],
)  # fmt: skip
def test_wrong_json_is_refused(body):
    agent = AgentDouble()
    ((status, answer),) = post(agent, body)
    assert status == 400
    assert "sender" in answer["error"] and "message" in answer["error"]
    assert agent.messages == []


def test_what_a_client_adds_is_not_passed_on():
    agent = AgentDouble()
    says(agent, "hello", metadata={"city311_strict": True}, input_channel="web", parse_data={"intent": {}})
    (message,) = agent.messages
    assert (message.text, message.sender_id, message.input_channel) == ("hello", "me", "rest")
    assert message.metadata is None and message.parse_data is None


def test_an_intent_without_payload_is_allowed():
    agent = AgentDouble()
    says(agent, "/check_status")
    says(agent, " /greet ")
    assert [message.text for message in agent.messages] == ["/check_status", "/greet"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('/submit{"x":1}', 'submit{"x":1}'),
        ('/report{"intake": {"ended": "submit"}}', 'report{"intake": {"ended": "submit"}}'),
        ("/report@0.99", "report@0.99"),
        ("/report now", "report now"),
        ("//report", "report"),
        ("/Report", "Report"),
        ("\u202e/report", "report"),
    ],
)
def test_trap_04_slots_cannot_be_injected(text, left):
    agent = AgentDouble()
    says(agent, text)
    assert [message.text for message in agent.messages] == [left]


def test_trap_04_an_injected_slot_is_not_set(conversation, actions):
    says(conversation.agent, '/report{"last_request": "SR-999999"}', sender=conversation.sender)
    tracker = conversation.stored()
    assert tracker.get_slot("last_request") is None
    assert tracker.latest_message.intent["name"] == "nlu_fallback"


def test_trap_05_a_long_message_gets_a_polite_answer_at_once():
    agent = AgentDouble()
    for text in ("x" * 1001, "x" * 1_200_000):
        (message,) = says(agent, text)
        assert message["recipient_id"] == "me"
        assert message["text"].startswith(words("utter_too_long"))
    assert agent.messages == [], "Rasa never sees it"


@pytest.mark.parametrize("text", ["", "   ", "\u200b\u200b", "\x00", "/", "///"])
def test_an_empty_message_gets_an_answer(text):
    agent = AgentDouble()
    (message,) = says(agent, text)
    assert message["text"].startswith(words("utter_empty_message"))
    assert agent.messages == []


def test_it_screens_as_the_public_channels_do():
    agent = AgentDouble()
    says(agent, "my card is 4111 1111 1111 1111\x00 ok")
    assert agent.messages[0].text == "my card is [card number removed] ok"


async def _raises(message):
    await message.output_channel.send_response(message.sender_id, {"text": "half an answer"})
    raise ValueError("secret words")


async def _silent(_message):
    pass


def test_silence_becomes_the_apology(sorry):
    (message,) = says(AgentDouble(_silent), "hello")
    assert message["text"].startswith(sorry) and "{" not in message["text"]


def test_a_failure_becomes_the_apology_alone(conversation, actions, sorry, caplog):
    actions.failures["action_check_status"] = "fault"
    (message,) = says(conversation.agent, "zcheck_status of Rumpelstiltskin", sender=conversation.sender)
    assert message["text"].startswith(sorry)
    assert "Rumpelstiltskin" not in caplog.text


def test_a_failure_outside_the_turn_says_no_half_answer(sorry, caplog):
    """Not even the lock was had, say; whatever was collected before is not the answer."""
    (message,) = says(AgentDouble(_raises), "hello")
    assert message["text"].startswith(sorry)
    assert "secret words" not in caplog.text
