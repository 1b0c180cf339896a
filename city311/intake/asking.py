"""How each step is asked: its words, its buttons, how far along it is."""

from __future__ import annotations

from datetime import date

from city311.intake.answers import value_phrase
from city311.intake.definition import CHANGE, SERVICE, Kind, Step
from city311.intake.phrases import Card, CardLine, Image, Phrase, Say, own, pack
from city311.intake.placing import place_buttons, question
from city311.intake.reading import Candidate
from city311.intake.setting import Setting
from city311.intake.state import SKIPPED, State
from city311.language.dates import day_words
from city311.language.measures import distance_words

FAINT_SERVICE = 0.06
"""Share of the ranking below which a service is not offered."""


def ask(setting: Setting, state: State, step: Step) -> list[Say]:
    """The messages that ask ``step``: its notices the first time, then the question."""
    if step.kind is Kind.SERVICE:
        return [Say(_ask_service(setting, state), buttons(setting, state, step))]
    if step.kind is Kind.CHANGE:
        return [Say(CHANGE.ask, buttons(setting, state, step))]
    if step.kind is Kind.REVIEW:
        return [_review(setting, state, step)]
    if step.kind is Kind.SAME:
        return _same(setting, state, step)
    says: list[Say] = []
    if step.notices and step.code not in state.noticed:
        state.noticed.append(step.code)
        says.extend(Say(notice) for notice in step.notices)
    done, of = _progress(setting, state)
    says.append(Say(_question(state, step), buttons(setting, state, step), step=done, of=of, takes=_takes(step)))
    return says


def edit(step: Step) -> Phrase:
    """What a resident says, or presses, to change one line of the read-back."""
    return own("utter_button_edit", label=step.label)


def buttons(setting: Setting, state: State, step: Step) -> tuple[Phrase, ...]:
    """What can be pressed, in order; a channel without buttons numbers them."""
    if step.kind is Kind.SERVICE:
        names = [pack(setting.pack.services[code].name) for code in state.candidates if code in setting.pack.services]
        only_rest = state.candidates == [setting.pack.city.catch_all_service]
        return (*names, own("utter_button_something_else")) if names and not only_rest else tuple(names)
    if step.kind is Kind.CHANGE:
        return (*(label for _, label in _labels(setting, state)), own("utter_button_cancel"))
    if step.kind is Kind.REVIEW:
        return (own("utter_button_send"), own("utter_button_change"))
    if step.kind is Kind.PLACE and (offered := place_buttons(state)):
        return offered
    if step.kind is Kind.SAME:
        return tuple(own(f"utter_button_{name}") for name in ("same", "different", "cannot_tell"))
    pressed = [option.say for option in step.options]
    if step.kind is Kind.CONTACT:
        pressed.append(own("utter_button_anonymous"))
    elif not step.required:
        pressed.append(own("utter_button_skip"))
    elif step.unknown:
        pressed.append(own("utter_button_unknown"))
    return tuple(pressed)


def explain(step: Step) -> list[Say]:
    """Why the step is asked or what is meant, where there is something to say."""
    return [Say(step.explain)] if step.explain is not None else []


def label_options(setting: Setting, state: State) -> list[Candidate]:
    """The answers that can be changed, as things to pick by their label."""
    return [
        Candidate(code, (setting.words_of(label), code.replace("_", " "), *setting.lexicon.names.get(code, ())))
        for code, label in _labels(setting, state)
    ]


def _labels(setting: Setting, state: State) -> list[tuple[str, Phrase]]:
    answered = [(step.code, step.label) for step in setting.steps(state) if step.code in state.answers]
    return [(SERVICE.code, SERVICE.label), *answered]


def _question(state: State, step: Step) -> Phrase:
    if step.kind is Kind.PLACE and (again := question(state)) is not None:
        return again
    if step.kind is Kind.PLACE and state.place:
        return own("utter_ask_place_detail", place=state.place)
    return step.ask


def _takes(step: Step) -> str:
    if step.kind is Kind.DATE:
        return "coming_day" if step.ahead else "past_day"
    return step.kind.value if step.kind in (Kind.PLACE, Kind.NUMBER, Kind.CONTACT, Kind.PHOTO) else ""


def _ask_service(setting: Setting, state: State) -> Phrase:
    if any(code in setting.pack.services for code in state.candidates):
        return own("utter_ask_which_service")
    return own("utter_ask_service_again") if state.misses else SERVICE.ask


def _progress(setting: Setting, state: State) -> tuple[int, int]:
    steps = setting.steps(state)
    done = sum(step.code in state.answers for step in steps)
    return min(done + 1, len(steps)), len(steps)


def _same(setting: Setting, state: State, step: Step) -> list[Say]:
    """What is known of a report that may be the same: what, where, how far, when, and how it stands."""
    one, service = state.alike[0], setting.service(state)
    values = {
        "service": pack(service.name) if service else "",
        "date": day_words(date.fromisoformat(one.day), setting.language),
        "place": one.address,
    }
    country = setting.pack.calendar.country
    if one.metres >= 0:
        values["distance"] = distance_words(one.metres, setting.language, country)
    far = one.metres >= 0
    known = ("both" if far else "place") if one.address else ("distance" if far else "thing")
    image = Image(one.photo, own("utter_alt_same_photo")) if one.photo else None
    return [
        Say(own(f"utter_same_{known}", **values), image=image),
        Say(own(f"utter_same_is_{one.state}")),
        Say(own("utter_ask_same_closed" if one.state == "closed" else "utter_ask_same"), buttons(setting, state, step)),
    ]


def _review(setting: Setting, state: State, review: Step) -> Say:
    """Everything back, one line an answer, then the question."""
    lines: list[CardLine] = []
    service = setting.service(state)
    if service is not None:
        lines.append(CardLine(SERVICE.label, pack(service.name), edit(SERVICE)))
    for step in setting.steps(state):
        answer = state.answers.get(step.code)
        if step.code == "description":
            if said := description(state):
                lines.append(CardLine(step.label, said, edit(step) if answer is not None else None))
        elif answer is not None and answer.status != SKIPPED:
            lines.append(CardLine(step.label, value_phrase(setting, step, answer), edit(step)))
    answers = "\n".join(
        setting.words_of(own("utter_review_line", label=line.label, value=line.value)) for line in lines
    )
    return Say(
        own("utter_ask_review", answers=answers),
        buttons(setting, state, review),
        card=Card("review", tuple(lines), said=answers),
    )


def description(state: State) -> str:
    """What the resident said is wrong: the first words, what was added when asked, and what was said in between."""
    added = state.answers.get("description")
    parts = [state.first if state.told else "", added.value if added is not None else "", *state.remarks]
    return "\n".join(part for part in parts if part)
