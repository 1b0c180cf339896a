"""Fixes to Rasa 3.6.21. Each has a test that the original still looks as expected.

What is mended, and why (docs/developer.md has the long form):

- ``speed``: in ``speed.py`` and ``action_calls.py``.
- ``a failed action fails the turn``: Rasa swallows the failure of an action, logs the action as done and goes on, even
  to a confirmation. Here the turn is given up whole: nothing of it is stored, and the resident hears that it failed.
- ``no silence``: a turn without any message ends in an apology.
- ``no amnesia``: a tracker store that is down fails the turn instead of starting a new conversation.
- ``short sessions``: a long session is cut; slots and the open form are carried into the next one.
- ``private logs``: the words of residents never reach a log.
"""

from __future__ import annotations

import logging
from typing import Any

import rasa.core.actions.action as actions
import rasa.core.processor as processing
import rasa.core.tracker_store as tracker_stores
import rasa.utils.log_utils as log_utils
import structlog
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.shared.core.events import ActionExecuted, ActiveLoop, BotUttered, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from city311.dialogue import action_calls, speed
from city311.dialogue.replacing import replace

LONGEST_SESSION = 150
"""Events after which a session is cut and its state carried over."""
APOLOGY = "utter_apology"
STRICT = "city311_strict"
"""Metadata key with which a channel asks for failures as exceptions, because it can try the turn again."""

logger = logging.getLogger(__name__)


class TurnFailed(Exception):
    """A turn could not be done. Nothing of it was stored: it can be tried again."""


def apply() -> None:
    """Puts the fixes in place. Doing it twice changes nothing."""
    if getattr(processing.MessageProcessor.handle_message, "city311", False):
        return
    speed.apply()
    action_calls.apply()
    _failed_action_fails_the_turn()
    _no_amnesia()
    _short_sessions()
    _private_logs()


# ---- a failed action fails the turn; no silence ---------------------------------------------------------------------


class _Watched:
    """An action that remembers how it failed, since Rasa swallows it."""

    def __init__(self, action: Any) -> None:
        self._action = action
        self.failure: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._action, name)

    async def run(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await self._action.run(*args, **kwargs)
        except actions.ActionExecutionRejection:
            raise
        except Exception as failure:
            self.failure = failure
            return []


def _failed_action_fails_the_turn() -> None:
    processor = processing.MessageProcessor
    run_action, prediction_loop, handle = (
        processor._run_action,
        processor._run_prediction_loop,
        processor.handle_message,
    )

    async def _run_action(self: Any, action: Any, *args: Any, **kwargs: Any) -> bool:
        watched = _Watched(action)
        another = await run_action(self, watched, *args, **kwargs)
        if watched.failure is not None:
            logger.error("action %s failed (%s)", action.name(), _causes(watched.failure))
            raise TurnFailed(action.name()) from watched.failure
        return bool(another)

    async def _run_prediction_loop(self: Any, output_channel: Any, tracker: DialogueStateTracker) -> None:
        await prediction_loop(self, output_channel, tracker)
        if tracker.is_paused() or _was_answered(tracker):
            return
        logger.error("a turn had no answer; apologising")
        await self._send_bot_messages([_apology(self, output_channel)], tracker, output_channel)
        tracker.update(_apology(self, output_channel), self.domain)

    async def handle_message(self: Any, message: UserMessage) -> Any:
        try:
            return await handle(self, message)
        except Exception as failure:
            if (message.metadata or {}).get(STRICT):
                raise
            logger.error("a turn failed (%s); apologising", _causes(failure))
            channel = message.output_channel
            if isinstance(channel, CollectingOutputChannel) and isinstance(channel.messages, list):
                channel.messages.clear()  # half a turn would mislead
            apology = _apology(self, channel)
            await channel.send_response(message.sender_id, {"text": apology.text})
            return channel.messages if isinstance(channel, CollectingOutputChannel) else None

    replace(processor, "_run_action", _run_action)
    replace(processor, "_run_prediction_loop", _run_prediction_loop)
    replace(processor, "handle_message", handle_message)


def _causes(failure: BaseException) -> str:
    """What failed and why, by the names of the errors and HTTP statuses only: their texts may hold residents' words."""
    names = []
    cause: BaseException | None = failure
    while cause is not None:
        status = getattr(cause, "status", None)
        names.append(type(cause).__name__ + (f" {status}" if isinstance(status, int) else ""))
        cause = cause.__cause__ or cause.__context__
    return " from ".join(names)


def _was_answered(tracker: DialogueStateTracker) -> bool:
    for event in reversed(tracker.events):
        if isinstance(event, BotUttered):
            return True
        if isinstance(event, UserUttered):
            return False
    return True


def _apology(processor: Any, output_channel: Any) -> BotUttered:
    response = processor.nlg.generate_from_slots(APOLOGY, {}, output_channel.name()) or {}
    return BotUttered(text=response.get("text", ""), metadata={"utter_action": APOLOGY})


# ---- no amnesia -----------------------------------------------------------------------------------------------------


def _no_amnesia() -> None:
    async def retrieve(self: Any, sender_id: str) -> DialogueStateTracker | None:
        return await self._tracker_store.retrieve(sender_id)

    async def retrieve_full_tracker(self: Any, sender_id: str) -> DialogueStateTracker | None:
        return await self._tracker_store.retrieve_full_tracker(sender_id)

    async def save(self: Any, tracker: DialogueStateTracker) -> None:
        await self._tracker_store.save(tracker)

    store = tracker_stores.FailSafeTrackerStore
    replace(store, "retrieve", retrieve)
    replace(store, "retrieve_full_tracker", retrieve_full_tracker)
    replace(store, "save", save)


# ---- short sessions -------------------------------------------------------------------------------------------------


def _short_sessions() -> None:
    expired = processing.MessageProcessor._has_session_expired

    def _has_session_expired(self: Any, tracker: DialogueStateTracker) -> bool:
        return len(tracker.events) > LONGEST_SESSION or bool(expired(self, tracker))

    async def run(_self: Any, _channel: Any, _nlg: Any, tracker: DialogueStateTracker, domain: Any) -> list[Any]:
        events: list[Any] = [SessionStarted()]
        if domain.session_config.carry_over_slots:
            events.extend(_carried(tracker))
        return [*events, ActionExecuted(actions.ACTION_LISTEN_NAME)]

    replace(processing.MessageProcessor, "_has_session_expired", _has_session_expired)
    replace(actions.ActionSessionStart, "run", run)


def _carried(tracker: DialogueStateTracker) -> list[Any]:
    """The state of a conversation as few events: its open form and the slots that hold something."""
    slots = [SlotSet(name, slot.value) for name, slot in tracker.slots.items() if slot.value is not None]
    form = [ActiveLoop(tracker.active_loop_name)] if tracker.active_loop_name else []
    return [*form, *slots]


# ---- private logs ---------------------------------------------------------------------------------------------------

_WORDS_OF_RESIDENTS = frozenset(
    {
        "text", "response_text", "user_text", "slot_values", "parse_data_text", "parse_data_entities",
        "prediction_events", "tracker_latest_message", "prefilled_slots", "message", "response", "slot_candidates",
        "rasa_event", "rasa_events", "tracker_states", "current_states", "old_states", "successes", "current_entity",
        "next_entity", "states", "entity", "token_text", "user_message", "json_message", "exception",
    }
)  # fmt: skip
"""Keys of Rasa's structured logs that may hold what a resident wrote (Rasa's own list for its paid anonymiser)."""


def without_words(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor that leaves out what residents wrote."""
    return {key: value for key, value in event.items() if key not in _WORDS_OF_RESIDENTS}


def _private_logs() -> None:
    # For a configuration still to come, and for the one in force: loggers already made share its list.
    replace(log_utils, "_anonymizer", without_words)
    processors = structlog.get_config()["processors"]
    if isinstance(processors, list) and without_words not in processors:
        processors.insert(0, without_words)
