"""Choosing the service: at once where the ranking is clear, else with the resident.

Changing it keeps the answers that still fit.
"""

from __future__ import annotations

from city311.intake.acts import BACK, CANCEL, RESTART, SKIP, UNKNOWN, Utterance, act
from city311.intake.answers import prefill
from city311.intake.asides import piece_of_place, put_place, remark
from city311.intake.asking import FAINT_SERVICE
from city311.intake.definition import SERVICE, Kind, Step
from city311.intake.digressing import digresses
from city311.intake.people import person
from city311.intake.photos import note_photos
from city311.intake.phrases import Say, own, pack
from city311.intake.places import needs_detail
from city311.intake.reading import Candidate, is_one_of, pick, words, yes_or_no
from city311.intake.setting import Setting
from city311.intake.state import GIVEN, Answer, State
from city311.intake.turn import Outcome, Turn, ask_next, end, presses, stopped_by

SURE_SERVICE = 0.55
"""Share of the ranking from which the best service is taken without asking."""
SURE_OF_FEW_WORDS, _FEW_WORDS = 0.82, 3
"""… of a message of so few words: "tree problem" may be any of five things."""
LIKELY_SERVICE, CLEAR_LEAD = 0.3, 3.0
"""… or from this share, if it is so many times as likely as the next."""
OFFER_FROM = 0.12
"""Share of the best service from which kinds of problems are offered on buttons; below, it is asked openly."""
_TELLS_NO_MATTER = frozenset({"affirm", "deny", "dont_know", "skip", "repeat", "thank", "greet", "goodbye", "abuse"})
_MAY_TELL_A_MATTER = frozenset({"report", ""})
_SURE_ACT = 0.5
"""Confidence from which a message of these intents names no problem, whatever its words are like."""
_WORDS_OF_A_PROBLEM = 4
_MISSES_TO_A_PERSON = 2
WORDS_OF_A_MATTER = 7
"""Words from which a message that fits no kind of problem may still be a matter of its own."""


def hear_service(setting: Setting, state: State, heard: Utterance) -> Turn:
    """Takes a message while the kind of problem is the open question."""
    names = [
        Candidate(code, tuple(setting.words_of(pack(word)) for word in (service.name, *service.keywords)))
        for code in state.candidates
        if (service := setting.pack.services.get(code)) is not None
    ]
    picked = pick(heard.text, names, setting.lexicon) if names else None
    if picked and len(picked.codes) == 1:
        return with_service(setting, state, picked.codes[0], heard, [])
    control = act(heard, setting.lexicon)
    if names and control == "" and yes_or_no(heard.text, setting.lexicon) == "yes" and not heard.entity("location"):
        if len(names) == 1:
            return with_service(setting, state, names[0].code, heard, [])
        state.misses += 1
        return ask_next(setting, Turn(state, [Say(own("utter_which_one"))]))
    if control == CANCEL:
        return end(state, "cancelled")
    if control == RESTART:
        return end(state, "restarted")
    if control == BACK:
        return _leave_service(setting, state)
    refused = bool(names) and (
        is_one_of(heard.text, setting.lexicon.something_else) or presses(setting, heard, "utter_button_something_else")
    )
    if refused and setting.service(state) is not None:
        return _leave_service(setting, state)
    if names and (place := piece_of_place(setting, state, heard)):
        put_place(setting, state, place)
        return ask_next(setting, Turn(state, [Say(own("utter_noted", label=own("utter_label_location"), value=place))]))
    tells = heard.intent not in _TELLS_NO_MATTER or heard.confidence < _SURE_ACT
    chosen = clear_service(setting, heard) if tells and not refused else ""
    if names and chosen not in state.candidates and not _tells_anew(heard):
        chosen = ""  # "it's been like this for weeks" is no better told matter
    if chosen:
        if not state.first or not names:
            state.first = heard.text.strip()
        else:
            remark(setting, state, SERVICE, heard)
        return with_service(setting, state, chosen, heard, [])
    if not refused and digresses(setting, state, heard, own_words=False):
        return Turn(state, outcome=Outcome.DIGRESS)
    kept = [name.code for name in names]
    anew = heard.intent in _MAY_TELL_A_MATTER or not names
    offered = [] if refused else (offered_services(setting, heard) if anew else []) or kept
    state.misses += 1
    says: list[Say] = []
    if not refused and _tells_anew(heard):
        state.first = heard.text.strip()
    elif names and not refused and remark(setting, state, SERVICE, heard):
        says = [Say(own("utter_remark_kept"))]
    prefill(setting, state, heard)
    fallback = setting.pack.city.catch_all_service
    if (state.misses >= 2 or control in (SKIP, UNKNOWN)) and fallback and fallback not in offered:
        offered = [*offered[:2], fallback]
    state.candidates = offered
    if state.misses >= _MISSES_TO_A_PERSON:
        says += person(setting)
    return ask_next(setting, Turn(state, says))


def _tells_anew(heard: Utterance) -> bool:
    """Whether a message tells the problem again, and better, rather than more of it ("mornings and evenings")."""
    return heard.intent == "report" and heard.confidence >= _SURE_ACT and len(words(heard.text)) >= _WORDS_OF_A_PROBLEM


def clear_service(setting: Setting, heard: Utterance) -> str:
    """Code of the service that a message is clearly about, or ""."""
    ranking = _ranking(setting, heard)
    if not ranking:
        return ""
    fallback = setting.pack.city.catch_all_service
    best, share = ranking[0]
    if best == fallback and share >= SURE_SERVICE:
        # "I want to report a problem" says nothing yet
        return best if len(words(heard.text)) >= WORDS_OF_A_MATTER else ""
    # "I have several things to report: a pothole …": what fits everything is no rival of what fits this.
    named = [(code, chance) for code, chance in ranking if code != fallback]
    if not named:
        return ""
    best, share = named[0]
    second = named[1][1] if len(named) > 1 else 0.0
    if len(words(heard.text)) <= _FEW_WORDS:
        return best if share >= SURE_OF_FEW_WORDS else ""
    return best if share >= SURE_SERVICE or (share >= LIKELY_SERVICE and share >= CLEAR_LEAD * second) else ""


def offered_services(setting: Setting, heard: Utterance) -> list[str]:
    """Codes of up to three services that a message may be about."""
    fallback = setting.pack.city.catch_all_service
    ranking = [(code, share) for code, share in _ranking(setting, heard) if code != fallback]
    if not ranking or ranking[0][1] < OFFER_FROM:
        return []
    return [code for code, share in ranking[:3] if share >= FAINT_SERVICE]


def with_service(setting: Setting, state: State, code: str, heard: Utterance, says: list[Say]) -> Turn:
    """Fixes the service; answers that its steps share with the old one are kept."""
    before = {step.code: step for step in setting.steps(state)}
    state.service, state.candidates, state.asking, state.misses = code, [], "", 0
    state.told = bool(state.first)
    state.answers = {
        step.code: state.answers[step.code]
        for step in setting.every_step(state)
        if step.code in state.answers and _means_the_same(step, before.get(step.code), state.answers[step.code])
    }
    state.history = [name for name in state.history if name in state.answers]
    _place_of(setting, state)
    prefill(setting, state, heard)
    if state.first != heard.text.strip():
        known = state.place or (state.answers["location"].value if "location" in state.answers else "")
        prefill(setting, state, Utterance(state.first, entities={"location": [known]} if known else {}))
    note_photos(state)
    if stopped := stopped_by(setting, state):
        return stopped
    service = setting.pack.services[code]
    says.append(Say(own("utter_report_started", service=pack(service.name))))
    return ask_next(setting, Turn(state, says))


def _ranking(setting: Setting, heard: Utterance) -> list[tuple[str, float]]:
    return [(code, share) for code, share in heard.services if code in setting.pack.services]


def _means_the_same(step: Step, before: Step | None, answer: Answer) -> bool:
    """Whether an answer given to ``before`` answers ``step`` too: two services may use one code for two things."""
    if step.kind in (Kind.PLACE, Kind.DESCRIPTION, Kind.CONTACT) or before is None:
        return True
    options = {option.code for option in step.options}
    same = step.kind is before.kind and step.label == before.label
    return same and (not options or answer.value in options or (answer.status != GIVEN and step.unknown))


def _place_of(setting: Setting, state: State) -> None:
    """Asks the detail of a street that was told before it was clear what is reported."""
    step, answer = setting.step(state, "location"), state.answers.get("location")
    if step is None:
        state.place = ""
    elif (
        answer is not None
        and not (answer.asked or state.detailed)
        and needs_detail(answer.value, step.place, setting.lexicon)
    ):
        state.place = answer.value
        del state.answers["location"]


def _leave_service(setting: Setting, state: State) -> Turn:
    """Back from the choice of a service: to the report if there is one, else nowhere."""
    if setting.service(state) is None:
        return ask_next(setting, Turn(state, [Say(own("utter_nothing_before"))]))
    state.asking, state.candidates, state.misses = "", [], 0
    return ask_next(setting, Turn(state))
