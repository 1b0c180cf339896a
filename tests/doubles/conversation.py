"""A small conversation for the relay double, with every kind of message that the page has to show."""

from __future__ import annotations

from typing import Any

from doubles.relay import Messages, Turn


def message(text: str, *choices: str | tuple[str, str], step: int = 0, of: int = 6) -> dict[str, Any]:
    pairs = [choice if isinstance(choice, tuple) else (choice, choice) for choice in choices]
    made: dict[str, Any] = {"text": text, "buttons": [{"title": title, "payload": words} for title, words in pairs]}
    if step:
        made["custom"] = {"progress": {"step": step, "of": of}}
    return made


REVIEW = [
    {"label": "Problem", "value": "Pothole in street", "edit": "Change: Problem"},
    {"label": "Place", "value": "Hampshire Street near Inman Square", "edit": "Change: Place"},
    {"label": "Size", "value": "As big as a car tire", "edit": "Change: Size"},
]
RECEIPT = [
    {"label": "Request number", "value": "SR-104217"},
    {"label": "Problem", "value": "Pothole in street"},
    {"label": "Place", "value": "Hampshire Street near Inman Square"},
    {"label": "Goes to", "value": "Street Department"},
    {"label": "Sent on", "value": "Sunday, November 22, 2026"},
]


def read_back() -> dict[str, Any]:
    said = "\n".join(f"• {line['label']}: {line['value']}" for line in REVIEW)
    made = message(f"Please check your report:\n{said}\nShall I send it?", "Yes, send it", "Change something")
    return {**made, "custom": {"card": {"kind": "review", "lines": REVIEW, "said": said}}}


def receipt() -> dict[str, Any]:
    made = message("Thank you. Your report is in. The number is **SR-104217**.")
    return {**made, "custom": {"card": {"kind": "receipt", "lines": RECEIPT, "said": ""}}}


def taking(kind: str, made: dict[str, Any]) -> dict[str, Any]:
    return {**made, "custom": {**made.get("custom", {}), "takes": kind}}


def small_conversation(turn: Turn) -> Messages:
    text = turn["text"].lower()
    answers: dict[str, Messages] = {
        "pothole": [
            message("I can report a **pothole** to the Street Department."),
            message("Is the pothole in a bike lane?", "Yes", "No", ("Skip this", "skip"), step=3),
        ],
        "no": [
            message(
                "How big is it?",
                ("As big as a plate", "1"),
                ("As big as a car tire", "2"),
                ("Bigger than a car tire", "3"),
                step=4,
            )
        ],
        "2": [read_back()],
        "change: place": [taking("place", message("Where is the pothole?", step=1))],
        "yes, send it": [
            receipt(),
            message(
                "A crew should come by Tuesday, 24 November. Weekends don't count.\n\n"
                "You can read about road repairs at https://millbrook.example/roads?a=1&b=2."
            ),
        ],
        "when": [taking("past_day", message("On what day was it?", "I don't know", step=2))],
        "which part": [
            message(
                "Which part of the street is it in?",
                *("Bike lane", "Crosswalk", "Lane by the curb", "Middle lane", "Somewhere else"),
                step=2,
            )
        ],
        "districts": [message("Which district?", *[(f"District {n}", f"{n}") for n in range(1, 13)])],
        "how many": [taking("number", message("How many rats did you see?"))],
        "markup": [
            message(
                '<img src=x onerror="window.broken=1"> <b>not bold</b> [x](javascript:alert(1)) javascript:alert(2) '
                'https://millbrook.example/"onmouseover="window.broken=2',
                "<script>window.broken=3</script>",
            )
        ],
        "مرحبا": [message("مرحبا! أين الحفرة؟ (Hampshire Street)", "نعم", "لا")],
        "long": [message("Donaudampfschifffahrtsgesellschaft" * 12, "W" * 120, "short")],
    }
    for words, messages in answers.items():
        if text == words or (len(words) > 3 and words in text):
            return messages
    return [message(f"You wrote: {turn['text']}")]
