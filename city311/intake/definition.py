"""What a guided conversation asks: its steps, made from the city pack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from city311.city.model import LocationType, Question, QuestionType, Service
from city311.intake.phrases import Phrase, own, pack


class Kind(str, Enum):
    """What a step takes for an answer."""

    SERVICE = "service"
    PLACE = "place"
    CHOICE = "choice"
    YES_NO = "yes_no"
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    DESCRIPTION = "description"
    CONTACT = "contact"
    PHOTO = "photo"
    SAME = "same"
    CHANGE = "change"
    REVIEW = "review"


OPEN_KINDS = frozenset({Kind.PLACE, Kind.TEXT, Kind.DESCRIPTION})
"""Steps that take a resident's own words."""


@dataclass(frozen=True)
class Option:
    """One choice: its code, the words on the button, other words for it."""

    code: str
    say: Phrase
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One question of a guided conversation.

    Attributes:
        code: name of the answer.
        notices: told once, before the question.
        stop: answer → key of a safety text that ends the conversation.
        only_if: earlier answer → values after which this step is asked.
        place: which kind of place, for ``Kind.PLACE``.
        ahead: the day asked for is one to come, for ``Kind.DATE``.
    """

    code: str
    kind: Kind
    label: Phrase
    ask: Phrase
    explain: Phrase | None = None
    required: bool = True
    unknown: bool = False
    options: tuple[Option, ...] = ()
    stop: Mapping[str, str] = field(default_factory=dict)
    format: str = ""
    only_if: tuple[str, tuple[str, ...]] | None = None
    notices: tuple[Phrase, ...] = ()
    place: LocationType = LocationType.NONE
    ahead: bool = False


YES_NO = (Option("yes", own("utter_button_yes")), Option("no", own("utter_button_no")))

SERVICE = Step("service", Kind.SERVICE, own("utter_label_service"), own("utter_ask_service"))
SAME = Step("same", Kind.SAME, own("utter_label_review"), own("utter_ask_same"))
"""About a report that is there already; asked only when one is likely to be the same."""

CHANGE = Step("change", Kind.CHANGE, own("utter_label_review"), own("utter_ask_change"))
REVIEW = Step(
    "review",
    Kind.REVIEW,
    own("utter_label_review"),
    own("utter_ask_review"),
    own("utter_explain_review"),
    options=YES_NO,
)

PHOTO = Step(
    "photo", Kind.PHOTO, own("utter_label_photo"), own("utter_ask_photo"), own("utter_explain_photo"), required=False
)
"""Not asked by itself: it is there once a photo has come, so that the read-back shows it and it can be changed."""

_KINDS = {
    QuestionType.CHOICE: Kind.CHOICE,
    QuestionType.YES_NO: Kind.YES_NO,
    QuestionType.TEXT: Kind.TEXT,
    QuestionType.NUMBER: Kind.NUMBER,
    QuestionType.DATE: Kind.DATE,
}


def service_request(service: Service, *, told: bool, invites_photos: bool = False) -> tuple[Step, ...]:
    """The steps of a report: place, the service's own questions, description, contact.

    Questions whose answer may stop everything come first: danger is asked before anything else.
    A service may word the description and the contact itself, by a question with that code.
    A photo is no question of its own: the service's words for it come with the question for the description.

    Args:
        service: what is reported.
        told: whether the resident's own words already say what is wrong; then the description is optional.
        invites_photos: whether the channel can carry a photo, and none has come yet.
    """
    own_steps, trailing = _questions(service.questions)
    if invites_photos:
        invitations = (pack(one.ask) for one in service.questions if one.type is QuestionType.PHOTO)
        trailing = (*trailing, *invitations)
    urgent = tuple(step for step in own_steps if step.stop)
    place: tuple[Step, ...] = ()
    if service.location.type is not LocationType.NONE:
        place = (
            Step(
                "location",
                Kind.PLACE,
                own("utter_label_location"),
                pack(service.location.ask),
                own("utter_explain_location"),
                place=service.location.type,
            ),
        )
    description = Step(
        "description",
        Kind.DESCRIPTION,
        own("utter_label_description"),
        own("utter_ask_more") if told else own("utter_ask_description"),
        own("utter_explain_description"),
        required=not told,
        notices=trailing,
    )
    contact = Step(
        "contact",
        Kind.CONTACT,
        own("utter_label_contact"),
        own("utter_ask_contact"),
        own("utter_explain_contact"),
        required=True,
    )
    own_words = {step.code: step for step in own_steps}
    rest = tuple(step for step in own_steps if not step.stop and step.code not in ("description", "contact"))
    return (
        *urgent,
        *place,
        *rest,
        _in_own_words(description, own_words.get("description")),
        _in_own_words(contact, own_words.get("contact")),
    )


def _in_own_words(step: Step, worded: Step | None) -> Step:
    if worded is None:
        return step
    return replace(
        step,
        label=worded.label,
        # Once something is told, only more of it is asked.
        ask=worded.ask if step.required else step.ask,
        explain=worded.explain or step.explain,
        notices=(*worded.notices, *step.notices),
    )


def _questions(questions: tuple[Question, ...]) -> tuple[tuple[Step, ...], tuple[Phrase, ...]]:
    """The steps of a service's own questions, and the notices that come after the last of them."""
    steps: list[Step] = []
    notices: tuple[Phrase, ...] = ()
    for question in questions:
        if question.type is QuestionType.NOTICE:
            notices = (*notices, pack(question.ask))
            continue
        if question.type is QuestionType.PHOTO:
            continue
        steps.append(_step(question, notices))
        notices = ()
    return tuple(steps), notices


def _step(question: Question, notices: tuple[Phrase, ...]) -> Step:
    options: tuple[Option, ...] = YES_NO
    if question.type is not QuestionType.YES_NO:
        options = tuple(Option(choice.code, pack(choice.say), choice.also) for choice in question.choices)
    return Step(
        code=question.code,
        kind=_KINDS[question.type],
        label=pack(question.label),
        ask=pack(question.ask),
        explain=pack(question.explain) if question.explain else None,
        required=question.required,
        unknown=question.unknown,
        options=options,
        stop=question.stop,
        format=question.format,
        only_if=(question.only_if.code, question.only_if.values) if question.only_if else None,
        notices=notices,
        ahead=question.when == "future",
    )
