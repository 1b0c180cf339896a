"""What a message may mean when it is not clear: the likeliest things this assistant can do, in plain words."""

from __future__ import annotations

from city311.intake.acts import DANGER, Utterance
from city311.intake.phrases import Phrase, own, pack
from city311.intake.setting import Setting

REPORT = "report"
_PREFIX = "report/"
OPTIONS = {
    "ask_question": "utter_option_ask_question",
    "check_status": "utter_option_check_status",
    "list_requests": "utter_option_list_requests",
    "add_to_request": "utter_option_add_to_request",
    "withdraw_request": "utter_option_withdraw_request",
    "reopen_request": "utter_option_reopen_request",
    "follow_request": "utter_option_follow_request",
    "search_records": "utter_option_search_records",
    "view_bill": "utter_option_view_bill",
    "pay_bill": "utter_option_pay_bill",
    "dispute_bill": "utter_option_dispute_bill",
    "payment_plan": "utter_option_payment_plan",
    "permit_status": "utter_option_permit_status",
    "apply_permit": "utter_option_apply_permit",
    "apply_license": "utter_option_apply_license",
    "benefits_screening": "utter_option_benefits_screening",
    "crisis_info": "utter_option_crisis_info",
    "talk_to_person": "utter_option_talk_to_person",
    "privacy": "utter_option_privacy",
    "change_language": "utter_option_change_language",
}
"""Intents that can be offered, with the response that names each on a button. Small talk and the acts of a
conversation ("yes", "go back") are nothing to offer, and danger is never a button."""
PLAUSIBLE = 0.15
"""Chance from which a meaning is offered as one of two or three; below, it is at most the nearest there is."""
CLEAR, RIVAL = 0.65, 0.2
"""Chance from which the likeliest meaning is taken without asking, and that of another which makes it doubtful."""
MAYBE_DANGER = 0.1
"""Chance of danger from which a question back begins with the way to help."""
_ALSO_A_REPORT = frozenset({"dispute_bill"})
"""What a report does as well, where the city takes such reports: nobody is asked to choose between the two."""
_MOST = 3
_REPORT_FROM = 0.12
_PADDING = ("check_status", "ask_question")
"""What is offered where nothing comes near at all."""
_NEAR = 0.02


def label_of(service: str) -> str:
    """The label of a report of ``service``, as training data has it."""
    return f"{_PREFIX}{service}"


def service_in(label: str) -> str:
    """The service of a label, or an empty string."""
    return label.removeprefix(_PREFIX) if label.startswith(_PREFIX) else ""


def meanings(setting: Setting, heard: Utterance) -> list[tuple[str, float]]:
    """Everything a message may mean that can be offered: (label, chance), likeliest first."""
    fallback = setting.pack.city.catch_all_service
    chances = dict(heard.intents)
    reported = chances.get(REPORT, 0.0)
    found = [(name, chance) for name, chance in chances.items() if name in OPTIONS]
    found += [
        (label_of(code), reported * share)
        for code, share in heard.services
        if code in setting.pack.services and code != fallback
    ]
    return sorted(found, key=lambda each: -each[1])


def plausible(setting: Setting, heard: Utterance) -> list[str]:
    """Labels of the two or three meanings between which a resident must choose; fewer where there is no such choice."""
    found = [label for label, chance in meanings(setting, heard)[:_MOST] if chance >= PLAUSIBLE]
    reports = any(service_in(label) for label in found)
    return [label for label in found if not (reports and label in _ALSO_A_REPORT)]


def nearest(setting: Setting, heard: Utterance) -> list[str]:
    """Labels of the two things this assistant can do that come nearest to a message."""
    near = [label for label, chance in meanings(setting, heard)[:2] if chance >= _NEAR]
    return list(dict.fromkeys([*near, *_PADDING]))[:2]


def is_unsure(setting: Setting, heard: Utterance) -> bool:
    """Whether a message that was taken for one meaning may well have been another, and both can be offered."""
    others = [chance for name, chance in heard.intents if name != heard.intent and name in (*OPTIONS, REPORT)]
    rivals = heard.confidence < CLEAR and max(others, default=0.0) >= RIVAL
    return rivals and len(plausible(setting, heard)) > 1


def perhaps_a_report(setting: Setting, heard: Utterance) -> bool:
    """Whether an unclear message is likelier a report than anything else that can be offered."""
    found = meanings(setting, heard)
    reported = dict(heard.intents).get(REPORT, 0.0)
    others = max((chance for label, chance in found if not service_in(label)), default=0.0)
    return heard.intent == "nlu_fallback" and reported >= _REPORT_FROM and reported >= 2 * others


def danger_chance(heard: Utterance) -> float:
    """How likely a message speaks of danger."""
    return sum(chance for name, chance in heard.intents if name in DANGER)


def title(setting: Setting, label: str, *, among: list[str]) -> Phrase:
    """The words on the button of a meaning: the service's name alone where all are reports, else what is done."""
    service = setting.pack.services.get(service_in(label))
    if service is None:
        return own(OPTIONS[label])
    if all(service_in(other) for other in among):
        return pack(service.name)
    return own("utter_option_report", service=pack(service.name))
