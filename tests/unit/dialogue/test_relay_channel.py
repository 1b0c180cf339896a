"""The relay: who may use it, what it takes, what it gives back, and that a turn is done once."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest
from http_server import AgentDouble, Serving
from rasa.core.lock_store import InMemoryLockStore
from rasa.core.tracker_store import AwaitableTrackerStore, FailSafeTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from small_bot import RELAY_SECRET, closing_connections

from city311 import settings
from city311.dialogue.fixes import STRICT, TurnFailed
from city311.dialogue.relay import Relay, warm_up
from city311.dialogue.tracker_store import TrackerStore

PATH = "/webhooks/relay/turn"
SECRET = {"X-City311-Secret": RELAY_SECRET}


def turn(text="hello", **changes):
    metadata = {"turn": "t1", "retry": False, "language": "en", **changes.pop("metadata", {})}
    return {"sender": "web-1", "text": text, "channel": "web", "metadata": metadata, **changes}


def post(agent, *bodies, headers=SECRET):
    """Sends each body in turn; the (status, answer) of each."""

    async def calls():
        answers = []
        async with Serving([Relay()], agent) as client:
            for body in bodies:
                options = {"data": body} if isinstance(body, bytes) else {"json": body}
                async with client.post(PATH, headers=headers, **options) as response:
                    answers.append((response.status, await response.json()))
        return answers

    return asyncio.run(closing_connections(calls()))


def heard(body):
    agent = AgentDouble()
    ((status, answer),) = post(agent, body)
    assert (status, answer) == (200, {"messages": [{"text": "Hello."}]})
    (message,) = agent.messages
    return message


# -- who may


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-City311-Secret": ""}, {"X-City311-Secret": "guess"}, {"X-City311-Secret": RELAY_SECRET + " x"},
     {"Authorization": RELAY_SECRET}],
)  # fmt: skip
def test_trap_15_nobody_without_the_secret(headers):
    agent = AgentDouble()
    assert post(agent, turn(), headers=headers) == [(401, {"error": "wrong secret"})]
    assert agent.messages == []


def test_trap_15_the_token_does_not_travel_in_the_address():
    agent = AgentDouble()

    async def call():
        serving = Serving([Relay()], agent)
        async with serving as client, client.post(f"{PATH}?token={RELAY_SECRET}", json=turn()) as response:
            return response.status

    assert asyncio.run(call()) == 401


def test_a_secret_of_bytes_that_are_no_text_is_wrong():
    """aiohttp would not send it; a raw connection does."""

    async def call():
        serving = Serving([Relay()], AgentDouble())
        async with serving:
            return await asyncio.get_running_loop().run_in_executor(None, raw, serving.port)

    def raw(port):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(
                b"POST /webhooks/relay/turn HTTP/1.1\r\nHost: x\r\nX-City311-Secret: \xff\xfe\r\n"
                b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
            )
            return connection.recv(100)

    assert asyncio.run(call()).startswith(b"HTTP/1.1 401")


def test_without_a_secret_of_its_own_the_relay_does_not_start(monkeypatch, tmp_path):
    monkeypatch.setenv("CITY311_DATA", str(tmp_path))
    monkeypatch.delenv("CITY311_RELAY_SECRET")
    with pytest.raises(settings.MissingSetting, match="CITY311_RELAY_SECRET"):
        Relay().blueprint(None)


# -- what it takes


@pytest.mark.parametrize(
    "body",
    [
        b"", b"not json", b"\xff\xfe", b"[" * 100_000, [], [turn()], "text", 1, None, {},
        turn(sender=None), turn(sender=""), turn(sender=7), turn(sender="s" * 256), turn(sender=["web-1"]),
        turn(text=None), turn(text=""), turn(text=5), turn(text={"a": 1}), turn(text="x" * 2001),
        turn(channel=None), turn(channel=""), turn(channel=["web"]),
        {**turn(), "metadata": "t1"}, {**turn(), "metadata": [1]},
    ],
    ids=lambda body: repr(body)[:40],
)  # fmt: skip
def test_what_is_no_turn_is_refused(body):
    agent = AgentDouble()
    assert post(agent, body) == [(400, {"error": "not a turn"})]
    assert agent.messages == []


def test_a_get_is_no_turn():
    async def call():
        async with Serving([Relay()], AgentDouble()) as client, client.get(PATH, headers=SECRET) as response:
            return response.status

    assert asyncio.run(call()) == 405


def test_the_channel_of_the_turn_becomes_rasas():
    message = heard(turn("hello", channel="sms", sender="sms-7"))
    assert (message.text, message.sender_id, message.input_channel) == ("hello", "sms-7", "sms")
    assert message.output_channel.name() == "sms", "so that Rasa takes responses written for that channel"
    assert message.metadata == {"turn": "t1", "language": "en", STRICT: True}
    assert message.parse_data is None


def test_trap_04_metadata_of_a_caller_cannot_add_anything():
    message = heard(turn(metadata={"turn": 5, "language": None, "slots": {"intake": 1}, STRICT: False}))
    assert message.metadata == {"turn": "5", "language": "", STRICT: True}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/submit", "submit"),
        ('/submit{"x":1}', 'submit{"x":1}'),
        ("///restart", "restart"),
        (" /restart", "restart"),
        ("\n/restart", "restart"),
        ("/ /restart", "restart"),
        ("/\u00a0/restart", "restart"),
        ("\uff0frestart", "restart"),
        ("/", "…"),
        (" / ", "…"),
        ("22/7 Main Street", "22/7 Main Street"),
    ],
)
def test_trap_04_a_leading_slash_is_never_a_command(text, left):
    assert heard(turn(text)).text == left


# -- what it gives back


def answering(*messages):
    async def answer(message):
        for each in messages:
            await message.output_channel.send_response(message.sender_id, dict(each))

    return AgentDouble(answer)


def test_a_message_comes_back_whole():
    said = {
        "text": "First part.\n\nSecond part.",
        "buttons": [{"title": "Yes", "payload": "Yes"}],
        "custom": {"progress": {"step": 1, "of": 4}},
    }
    more = {"quick_replies": [], "elements": None, "image": None, "attachment": None, "utter_action": "utter_x"}
    ((status, answer),) = post(answering({**said, **more}), turn())
    assert (status, answer) == (200, {"messages": [said]})


def test_messages_come_in_their_order():
    ((_status, answer),) = post(answering({"text": "one"}, {"text": "two"}, {"text": "three"}), turn())
    assert [message["text"] for message in answer["messages"]] == ["one", "two", "three"]


def failing(failure):
    async def answer(message):
        await message.output_channel.send_response(message.sender_id, {"text": "half an answer"})
        raise failure

    return AgentDouble(answer)


@pytest.mark.parametrize("failure", [TurnFailed("action_x"), ValueError("secret words"), asyncio.TimeoutError()])
def test_a_turn_that_failed_can_be_sent_again(failure, caplog):
    ((status, answer),) = post(failing(failure), turn("secret words"))
    assert (status, answer) == (503, {"error": "the turn was not done"})
    assert f"turn failed ({type(failure).__name__})" in caplog.text
    assert "secret words" not in caplog.text


def test_no_answer_at_all_is_no_success():
    ((status, answer),) = post(answering(), turn())
    assert (status, answer) == (503, {"error": "no answer"})


# -- with the model: once


def sent(conversation, *bodies):
    return post(conversation.agent, *({**body, "sender": conversation.sender} for body in bodies))


def again(body):
    return {**body, "metadata": {**body["metadata"], "retry": True}}


def test_the_form_answers_with_buttons_and_progress_in_one_message(conversation, actions):
    ((status, answer),) = sent(conversation, turn("zreport a pothole"))
    assert status == 200
    assert answer["messages"] == [
        {
            "text": "Question 1?",
            "buttons": [{"title": "Yes", "payload": "Yes"}],
            "custom": {"progress": {"step": 1, "of": 3}},
        }
    ]
    assert conversation.stored().get_latest_input_channel() == "web"


def test_the_language_and_the_channel_reach_the_action(conversation, actions):
    """city311's actions read the one from the message's metadata, the other from the last event of the resident."""
    sent(conversation, turn("zcheck_status please", channel="sms", metadata={"language": "es"}))
    (call,) = actions.calls
    assert call["tracker"]["latest_message"]["metadata"]["language"] == "es"
    users = [event for event in call["tracker"]["events"] if event["event"] == "user"]
    assert users[-1]["input_channel"] == "sms"


def test_a_retry_of_a_done_turn_gives_the_same_messages_and_does_nothing(conversation, actions):
    actions.answers_needed = 1
    first = turn("zreport a pothole")
    (done,) = sent(conversation, first)
    calls, events = len(actions.calls), conversation.events()
    assert len(done[1]["messages"]) == 2
    assert sent(conversation, again(first), again(first)) == [done, done]
    assert len(actions.calls) == calls
    assert conversation.events() == events


def test_a_retry_finds_an_earlier_turn_of_the_session(conversation, actions):
    bodies = [turn(f"zgreet {n}", metadata={"turn": f"t{n}"}) for n in range(3)]
    answers = sent(conversation, *bodies)
    assert sent(conversation, again(bodies[1])) == [answers[1]]
    assert conversation.events().count("user") == 3


def test_a_retry_of_a_turn_that_was_not_done_does_it(conversation, actions):
    actions.failures["action_check_status"] = "fault"
    body = turn("zcheck_status please")
    assert sent(conversation, body, again(body)) == [(503, {"error": "the turn was not done"})] * 2
    assert conversation.stored() is None
    actions.failures.clear()
    ((status, answer),) = sent(conversation, again(body))
    assert (status, answer) == (200, {"messages": [{"text": "action_check_status says so."}]})
    assert conversation.events().count("user") == 1


def test_a_retry_without_a_turn_id_recognises_nothing(conversation, actions):
    body = turn("zgreet", metadata={"turn": ""})
    sent(conversation, body, again(body))
    assert conversation.events().count("user") == 2


def test_a_new_turn_with_the_same_words_is_a_new_turn(conversation, actions):
    sent(conversation, turn("zgreet"), turn("zgreet", metadata={"turn": "t2"}))
    assert conversation.events().count("user") == 2


def test_an_apology_is_the_answer_of_a_retry_too(conversation, actions, sorry):
    actions.failures["action_check_status"] = "silent"
    body = turn("zcheck_status please")
    first, second = sent(conversation, body, again(body))
    assert first == second
    assert first[1]["messages"][0]["text"].startswith(sorry)


def test_a_retry_waits_for_the_turn_that_is_still_at_work(conversation, actions):
    """The portal may lose its patience with a turn that then succeeds."""
    body = {**turn("zcheck_status please"), "sender": conversation.sender}
    actions.failures["action_check_status"] = "hang"

    async def both():
        async with Serving([Relay()], conversation.agent) as client:

            async def call(it):
                async with client.post(PATH, headers=SECRET, json=it) as response:
                    return response.status, await response.json()

            loop = asyncio.get_running_loop()
            first = asyncio.create_task(call(body))
            assert await loop.run_in_executor(None, actions.arrived.wait, 20)
            second = asyncio.create_task(call(again(body)))
            # the retry is at the lock: it has taken its ticket behind the first
            while len(conversation.agent.lock_store.get_lock(conversation.sender).tickets) < 2:
                await asyncio.sleep(0.01)
            actions.failures.clear()
            actions.release.set()
            return await asyncio.gather(first, second)

    first, second = asyncio.run(closing_connections(both()))
    assert first == second == (200, {"messages": [{"text": "action_check_status says so."}]})
    assert conversation.events().count("user") == 1
    assert [call["next_action"] for call in actions.calls] == ["action_check_status"]


def test_a_store_that_is_down_is_a_503(conversation, actions, agent, monkeypatch):
    async def retrieve(_sender):
        raise RuntimeError("no database")

    monkeypatch.setattr(agent.tracker_store._tracker_store, "retrieve", retrieve)
    body = turn("zgreet")
    assert sent(conversation, body, again(body)) == [(503, {"error": "the turn was not done"})] * 2


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"location": {"lat": 42.36, "lon": -71}}, {"location": {"lat": 42.36, "lon": -71.0}}),
        ({"location": {"lat": 91, "lon": 0}}, {}),
        ({"location": {"lat": "42", "lon": -71}}, {}),
        ({"location": {"lat": True, "lon": 0}}, {}),
        ({"location": [42, -71]}, {}),
        ({"location": {"lat": 42}}, {}),
        ({"media": ["a1", "a2"]}, {"media": ["a1", "a2"]}),
        ({"media": ["a1", 7, "", None]}, {"media": ["a1"]}),
        ({"media": "a1"}, {}),
        ({"something": "else"}, {}),
    ],
)
def test_what_comes_beside_the_text_reaches_the_actions(sent, kept):
    message = heard(turn(metadata=sent))
    extra = {name: value for name, value in message.metadata.items() if name not in ("turn", "language", STRICT)}
    assert extra == kept


# -- forgetting


def forget(body, headers=SECRET, agent=None):
    async def call():
        async with (
            Serving([Relay()], agent or AgentDouble()) as client,
            client.post("/webhooks/relay/forget", headers=headers, json=body) as response,
        ):
            return response.status

    return asyncio.run(closing_connections(call()))


@pytest.mark.parametrize("headers", [{}, {"X-City311-Secret": "guess"}])
def test_nobody_without_the_secret_makes_it_forget(headers):
    assert forget({"sender": "web-1"}, headers) == 401


@pytest.mark.parametrize("body", [{}, [], {"sender": 3}, {"sender": ""}, {"sender": "x" * 300}])
def test_who_is_to_be_forgotten_must_be_said(body):
    assert forget(body) == 400


def test_a_sender_is_forgotten(tmp_path):
    agent = AgentDouble()
    store = TrackerStore(Domain.empty(), url=f"sqlite:///{tmp_path / 'dialogue.db'}")
    agent.tracker_store = FailSafeTrackerStore(AwaitableTrackerStore(store))
    agent.lock_store = InMemoryLockStore()

    async def talk(sender):
        tracker = await store.get_or_create_tracker(sender)
        tracker.update(UserUttered("hello"))
        await store.save(tracker)

    for sender in ("web-1", "web-2"):
        asyncio.run(talk(sender))
    assert forget({"sender": "web-1"}, agent=agent) == 200
    assert list(asyncio.run(store.keys())) == ["web-2"]
    store.engine.dispose()


def test_a_store_that_cannot_forget_says_so():
    """The double's agent has no store at all."""
    assert forget({"sender": "web-1"}) == 503


# -- the start


def test_the_start_understands_a_message_and_stores_nothing(agent, monkeypatch):
    heard = []

    async def parsed(message, *args, **kwargs):
        heard.append(message)

    monkeypatch.setattr(agent, "parse_message", parsed)
    before = set(asyncio.run(agent.tracker_store.keys()))
    try:
        asyncio.run(warm_up(agent))
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
    assert len(heard) == 1
    assert set(asyncio.run(agent.tracker_store.keys())) == before


def test_the_start_without_a_model_is_no_failure():
    asyncio.run(warm_up(None))
    gc.unfreeze()
