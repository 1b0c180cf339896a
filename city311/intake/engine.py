"""The guided conversation: from a definition and the answers so far to the next question.

Pure: no Rasa, no network, no clock of its own. One message in, one :class:`Turn` out. What a message is taken for, in
this order: danger; a press of a button; cancel, back, skip and the like; a correction; an answer; something else that
the bot can answer at once (a digression); and if none of these, not understood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from city311.intake.acts import DANGER, SURE_DANGER, Utterance, asks
from city311.intake.alike import hear_same
from city311.intake.answers import Read, candidates, contact_in, only_contact, prefill, read
from city311.intake.asides import is_aside, is_bare_place, noted, split_off, stays_anonymous, unread
from city311.intake.asking import buttons
from city311.intake.choosing import clear_service, hear_service, offered_services, with_service
from city311.intake.commands import OTHER_MATTER, hurry, not_understood, obey, other_matter
from city311.intake.correcting import Correction, correction
from city311.intake.definition import OPEN_KINDS, Kind, Step
from city311.intake.digressing import digresses, is_about_another
from city311.intake.offering import hear_pin, hear_place
from city311.intake.photos import keep_photos
from city311.intake.phrases import Say, own
from city311.intake.promising import hear_how_soon
from city311.intake.reading import exactly, position, words, yes_or_no
from city311.intake.review import correct, edited, hear_change, hear_review, missing_place, sends
from city311.intake.same_place import at_same_place
from city311.intake.setting import Setting
from city311.intake.state import Answer, Other, Spot, State
from city311.intake.turn import Outcome, Turn, ask_next, end, open_step, presses, take

_NEVER_A_CONTACT = frozenset({Kind.CHOICE, Kind.YES_NO, Kind.DATE, Kind.PLACE, Kind.TEXT})
"""Steps without a format for which a phone number alone is no answer, but says how to reach the resident."""

_MOST_WORDS_OF_A_NUMBER = 3
"""Of a plate or an account as an answer: "MA 4TX 992"."""


def start(
    setting: Setting,
    heard: Utterance,
    form: str,
    *,
    service: str = "",
    contact: str = "",
    later: Sequence[Other] = (),
    before: Spot | None = None,
) -> Turn:
    """Begins a report with the resident's first words.

    Args:
        setting: surroundings.
        heard: the first message.
        form: id of this instance.
        service: code of the service where it is already chosen.
        contact: how to reach the resident, where a report before this one had it.
        later: problems that are to be offered after this one.
        before: the place of the report made just before, where there is one.
    """
    state = State(form=form, first=heard.text.strip(), later=list(later), before=before or Spot())
    heard = split_off(setting, state, heard)
    if contact:
        state.answers["contact"] = Answer(contact, asked=False)
    says = keep_photos(state, heard.photos)
    if heard.pin:
        says += hear_pin(setting, state, heard.pin)
    else:
        heard, said = at_same_place(setting, state, heard)
        says += said
    chosen = service if service in setting.pack.services else clear_service(setting, heard)
    if not chosen:
        prefill(setting, state, heard)
        state.candidates = offered_services(setting, heard)
        return ask_next(setting, Turn(state, says))
    return with_service(setting, state, chosen, heard, says)


def resume(setting: Setting, state: State) -> Turn:
    """Says the open question again, after a digression."""
    if state.quiet:
        return Turn(state, [Say(own("utter_report_kept"))])
    return ask_next(setting, Turn(state))


def hear(setting: Setting, state: State, heard: Utterance) -> Turn:
    """Takes one message into the conversation."""
    if heard.photos or heard.pin:
        return _hear_beside(setting, state, heard)
    quiet, state.quiet = state.quiet, False
    step = open_step(setting, state)
    heard = _pressed(setting, state, step, heard)
    if step.kind is Kind.REVIEW and (turn := edited(setting, state, heard)):
        return turn
    if heard.intent in DANGER and not _is_plain_answer(setting, state, step, heard):
        if heard.confidence < SURE_DANGER:
            # Perhaps: the way to help, and what was said counts all the same.
            state.quiet = quiet
            turn = hear(setting, state, replace(heard, intent="inform"))
            turn.says.insert(0, Say(own("utter_if_danger")))
            return turn
        split_off(setting, state, heard)
        state.quiet = True
        return Turn(state, outcome=Outcome.DIGRESS)
    agreed = bool(yes_or_no(heard.text, setting.lexicon)) or sends(setting, heard)
    if quiet and step.kind in (Kind.YES_NO, Kind.SAME, Kind.REVIEW) and agreed:
        # An "ok" to the safety text is no answer to the question before it.
        return ask_next(setting, Turn(state))
    if soon := hear_how_soon(setting, state, heard):
        return soon
    if hurried := hurry(setting, state, step, heard):
        return hurried
    if step.kind is Kind.REVIEW and stays_anonymous(setting, state, heard):
        return noted(setting, state, step, heard) or ask_next(setting, Turn(state))
    if step.kind is Kind.SAME:
        return hear_same(setting, state, heard)
    if step.kind is Kind.SERVICE:
        return hear_service(setting, state, heard)
    if step.kind is Kind.CHANGE:
        return hear_change(setting, state, heard)
    if step.kind is Kind.REVIEW and sends(setting, heard):
        return missing_place(setting, state) or end(state, "submit")
    if step.kind is Kind.REVIEW and presses(setting, heard, "utter_button_change"):
        return hear_review(setting, state, heard)
    if step.kind in _NEVER_A_CONTACT and not step.format and (reach := only_contact(setting, heard.text)):
        contact = setting.step(state, "contact")
        if contact is not None:
            return correct(setting, state, Correction(contact.code, Answer(reach, reach)), heard)
    if step.kind not in OPEN_KINDS and is_about_another(setting, state, heard):
        return Turn(state, outcome=Outcome.DIGRESS)
    answer = read(setting, state, step, heard)
    if asked := hear_place(setting, state, step, heard):
        return asked
    if answer.sure and answer.answer is not None:
        return take(setting, state, step, answer.answer, Utterance(""))
    if step.kind is Kind.YES_NO and contact_in(setting, heard.text, strictly=True):
        # "I don't have e-mail, call 617-555-0147" is no "no" to "is anyone hurt?"
        answer = Read()
    if done := obey(setting, state, step, heard, answer):
        return done
    if mend := correction(setting, state, step, heard):
        return correct(setting, state, mend, heard)
    if step.kind is Kind.REVIEW:
        return hear_review(setting, state, heard)
    aside = is_aside(setting, state, step, heard)
    if not aside and _digresses(setting, state, step, heard, answer):
        return Turn(state, outcome=Outcome.DIGRESS)
    if found := other_matter(setting, state, step, heard, answer):
        return found
    open_words = step.kind is Kind.DESCRIPTION
    beside = aside if open_words else unread(answer) and not answer.which and not answer.place
    if beside and (told := noted(setting, state, step, heard)):
        return told
    if answer.place:
        state.place, state.misses = answer.place, 0
        return ask_next(setting, Turn(state))
    if answer.answer is not None:
        return take(setting, state, step, answer.answer, heard)
    if step.kind is Kind.PHOTO and state.misses:
        state.asking, state.misses = "", 0
        return ask_next(setting, Turn(state))
    return not_understood(setting, state, step, heard, answer.which)


def _hear_beside(setting: Setting, state: State, heard: Utterance) -> Turn:
    """Photos and a pin, with words or without."""
    kind = open_step(setting, state).kind
    asked_for = (kind is Kind.PHOTO and bool(heard.photos)) or (kind is Kind.PLACE and heard.pin is not None)
    says = keep_photos(state, heard.photos)
    if heard.pin:
        says += hear_pin(setting, state, heard.pin)
    if asked_for:
        state.asking, state.misses = "", 0
    if not heard.text or asked_for:
        state.quiet = False
        return ask_next(setting, Turn(state, says))
    turn = hear(setting, state, replace(heard, photos=(), pin=None))
    turn.says[:0] = says
    return turn


def _pressed(setting: Setting, state: State, step: Step, heard: Utterance) -> Utterance:
    """The words of the button whose number or place in the list a message gives; else the message.

    Where a number is an answer of its own (how many, which house), it presses nothing.
    """
    if step.kind in (Kind.TEXT, Kind.NUMBER, Kind.PLACE):
        return heard
    shown = buttons(setting, state, step)
    if step.kind in (Kind.DESCRIPTION, Kind.CONTACT, Kind.DATE) and not heard.text.strip(" .#)").isdecimal():
        return heard
    if not shown or (step.kind is Kind.CHOICE and exactly(heard.text, candidates(setting, step))):
        return heard
    at = position(heard.text, len(shown), setting.lexicon)
    return Utterance(setting.words_of(shown[at])) if at is not None else heard


def _digresses(setting: Setting, state: State, step: Step, heard: Utterance, answer: Read) -> bool:
    lexicon = setting.lexicon
    if step.kind in OPEN_KINDS or answer.weak:
        return digresses(setting, state, heard, own_words=answer.answer is not None)
    if answer.answer is not None:
        # "what about SR-104217?" holds a number and is no answer to "how many?"
        asked = asks(heard, lexicon) or bool(heard.entity("request_number"))
        return asked and heard.confidence >= OTHER_MATTER and digresses(setting, state, heard, own_words=False)
    return digresses(setting, state, heard, own_words=False)


def _is_plain_answer(setting: Setting, state: State, step: Step, heard: Utterance) -> bool:
    """A button, a yes or a no, a plate, or a place and nothing else: no cry for help, whatever it sounds like."""
    if is_bare_place(setting, heard):
        return True
    if step.format and len(words(heard.text)) <= _MOST_WORDS_OF_A_NUMBER:
        # Said again, any words are taken for a number that was not understood; not these.
        return read(setting, replace(state, misses=0), step, heard).answer is not None
    return step.kind in (Kind.CHOICE, Kind.YES_NO) and read(setting, state, step, heard).sure
