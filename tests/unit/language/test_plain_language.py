"""What residents read is plain: short sentences, easy words, whole sentences that can be translated.

The reading grade is Flesch-Kincaid's (Kincaid et al. 1975). Syllables are counted from groups of vowels, as textstat's
own count downloads a dictionary.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from city311.city import load_pack
from city311.language.responses import city_values

HOUSE = Path(__file__).parents[3]
RIVERBEND = load_pack(HOUSE / "cities" / "riverbend")
RESPONSES: dict[str, list[str]] = {
    key: [variant["text"] for variant in variants]
    for key, variants in yaml.safe_load((HOUSE / "domain.yml").read_text(encoding="utf-8"))["responses"].items()
}
_HIGHEST_GRADE = 8
_MOST_WORDS = 24
_FEWEST_WORDS = 7
"""A grade says nothing of fewer words: one long name decides it."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def pack_texts() -> Iterator[tuple[str, str]]:
    yield "city.yml hours", RIVERBEND.city.hours
    for key, text in RIVERBEND.city.safety.items():
        yield f"city.yml safety.{key}", text
    for service in RIVERBEND.services.values():
        yield f"{service.code}.description", service.description
        yield f"{service.code}.next_step", service.next_step
        if service.location.ask:
            yield f"{service.code}.location.ask", service.location.ask
        for question in service.questions:
            yield f"{service.code}.{question.code}.ask", question.ask
            if question.explain:
                yield f"{service.code}.{question.code}.explain", question.explain


def sentences(text: str) -> list[str]:
    text = re.sub(r"\*\*|^• ", "", text, flags=re.MULTILINE)
    text = re.sub(r"\b([ap])\.m\.", r"\1m", text)
    text = re.sub(r"\d[\d-]*\d", "9", _PLACEHOLDER.sub("it", text))
    parts = re.split(r"(?<=[.!?:])\s+|\n", text)
    return [part.strip() for part in parts if any(letter.isalpha() for letter in part)]


def syllables(word: str) -> int:
    word = word.casefold().replace("'", "")
    count = len(re.findall(r"[aeiouy]+", word))
    silent = re.search(r"[^aeiouy]e(?:d|s)?$", word)
    spoken = re.search(r"(?:[td]ed|[^aeiouyl]le[ds]?|(?:[sxzg]|c|ch|sh)es)$", word)
    count -= bool(silent and not spoken)
    if not re.search(r"(?:tion|sion|cial|tial|cious)", word):
        count += len(re.findall(r"ia|io(?!n)|ua[^r]|eo(?!ple)|iu|[ye]ing", word))
    return max(count, 1)


def grade(sentence: str) -> float:
    words = re.findall(r"[A-Za-z][A-Za-z']*|\d+", sentence)
    return 0.39 * len(words) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def too_hard(text: str) -> list[str]:
    return [
        f"{sentence} (grade {grade(sentence):.1f}, {len(sentence.split())} words)"
        for sentence in sentences(text)
        if len(sentence.split()) > _MOST_WORDS
        or (len(sentence.split()) >= _FEWEST_WORDS and grade(sentence) > _HIGHEST_GRADE)
    ]


@pytest.mark.parametrize("key", list(RESPONSES))
def test_the_bots_own_sentences_are_easy_to_read(key: str) -> None:
    assert [hard for text in RESPONSES[key] for hard in too_hard(text)] == []


def test_the_citys_sentences_are_easy_to_read() -> None:
    texts = list(pack_texts())
    assert len(texts) > 700
    assert {where: hard for where, text in texts if (hard := too_hard(text))} == {}


@pytest.mark.parametrize(
    ("word", "count"),
    [
        *[("the", 1), ("crew", 1), ("asked", 1), ("needed", 2), ("table", 2), ("places", 2), ("broken", 2)],
        *[("people", 2), ("family", 3), ("vehicle", 3), ("emergency", 4), ("utility", 4), ("automated", 4)],
    ],
)
def test_syllables_are_counted(word: str, count: int) -> None:
    assert syllables(word) == count


def test_hard_words_and_long_sentences_are_found() -> None:
    assert too_hard("The municipality endeavors to facilitate remediation of the reported infrastructure deficiency.")
    assert too_hard("We will come and look at it " + "and then we go " * 6 + "home.")
    assert too_hard("A crew will look at the hole and fill it.") == []


def test_questions_of_the_city_end_as_questions_or_as_requests() -> None:
    for service in RIVERBEND.services.values():
        for question in service.questions:
            assert question.ask.rstrip()[-1] in ".?!", (service.code, question.code)
            assert question.ask[0].isupper(), (service.code, question.code)


_NO_SENTENCES = (
    "utter_option_",
    "utter_label_",
    "utter_value_",
    "utter_button_",
    "utter_review_line",
    "utter_list_line",
)


@pytest.mark.parametrize("key", [key for key in RESPONSES if not key.startswith(_NO_SENTENCES)])
def test_each_response_is_made_of_whole_sentences(key: str) -> None:
    """Pieces that code puts together can't be translated: other languages order and bend them in other ways."""
    for text in RESPONSES[key]:
        assert re.search(r"(?:[.!?:]|\}|\*\*)$", text.strip()), text
        assert re.match(r"[\"“*]*(?:[A-Z]|\{)", text), text
        assert not re.search(r"\}[A-Za-z]", text), f"letters are glued to a value: {text}"
        assert not re.search(r"\b(?:a|an)\s+\{", text, re.IGNORECASE), f"an article bends with its value: {text}"
        assert not re.search(r"\{\w+\}\s*\(s\)|\(s\)", text), f"a plural is put together: {text}"


def spoken() -> Iterator[tuple[str, str, set[str]]]:
    """(file, response, names of the values) of every ``own("utter_…", …)`` in the code."""
    for folder in ("actions", "city311/intake"):
        for path in sorted((HOUSE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "own"):
                    continue
                if path.name == "definition.py":
                    continue  # names of steps; asking.py gives them their values
                if node.args and isinstance(node.args[0], ast.Constant):
                    yield path.name, str(node.args[0].value), {str(keyword.arg) for keyword in node.keywords}


def test_each_response_that_is_said_gets_its_values() -> None:
    facts = set(city_values(RIVERBEND, "en"))
    calls = list(spoken())
    assert len(calls) > 40
    for path, key, values in calls:
        assert key in RESPONSES, f"{path}: {key} is not in domain.yml"
        for text in RESPONSES[key]:
            assert set(_PLACEHOLDER.findall(text)) - facts <= values, f"{path}: {key} needs more values"


def test_each_response_that_code_names_exists() -> None:
    for folder in ("actions", "city311/intake", "city311/channels"):
        for path in sorted((HOUSE / folder).rglob("*.py")):
            for key in re.findall(r"[\"'](utter_\w*[a-z])[\"']", path.read_text(encoding="utf-8")):
                # utter_action: where Rasa's events keep the name of a response
                assert key in RESPONSES or key == "utter_action", f"{path.name}: {key} is not in domain.yml"


# ---- no words for people in Python ----------------------------------------------------------------------------------

_FOR_OPERATORS = (
    "city311/cli/",
    "city311/run/",
    "city311/store/",
    "city311/settings.py",
    "city311/city/load.py",
    "city311/places/build.py",
    "city311/places/source.py",
    "city311/requests/delivery.py",  # why a delivery failed, kept for the operator
)
_FOR_PROGRAMS = (
    "actions/server.py",
    "city311/channels/web.py",
    "city311/dialogue/relay.py",
    "city311/dialogue/rest.py",
    "city311/portal/app.py",
    "city311/portal/edge.py",
    "city311/portal/hooks.py",
    "city311/portal/open311.py",
    "city311/portal/open311_form.py",
    "city311/portal/photos.py",
    "city311/portal/reaching.py",
    "city311/requests/desk_remarks.py",
    "city311/portal/web.py",
    "city311/requests/desk.py",
    "city311/requests/desk_rules.py",
)
"""Their errors go to other programs, or to the crew's commands."""
_READ_NOT_SAID = (
    "city311/dialogue/nlu/",
    "city311/connectors/",
    "city311/places/grammar.py",
    "city311/places/words.py",
)
"""Lists of words to recognise; errors that capabilities catch."""
_NOT_FOR_RESIDENTS = _FOR_OPERATORS + _FOR_PROGRAMS + _READ_NOT_SAID
_TECHNICAL_CALLS = frozenset(
    {"compile", "sub", "search", "match", "fullmatch", "debug", "info", "warning", "error", "exception", "text"}
    | {"execute", "APIRouter", "FastAPI", "getenv", "split"}
)
_TECHNICAL_KEYWORDS = frozenset({"summary", "description", "title", "help"})
_CODE = re.compile(
    r"\b(?:CREATE|SELECT|INSERT|UPDATE|DELETE|DROP|PRAGMA|BEGIN|FROM|WHERE|ORDER BY|LIMIT) |\bAS [a-z_]+$|=>"
)
"""SQL and JavaScript."""
_LIKE_A_PHRASE = re.compile(r"[^\W\d_]{2,} [^\W\d_]{2,}|^\W*\[[^\W\d_]{4,}\]\W*$")


def phrases_in(code: str) -> list[str]:
    """Strings of a module that read like words for people: not docstrings, errors, log entries or patterns."""
    technical: set[int] = set()
    found = []
    for node in ast.walk(ast.parse(code)):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts = [node.value]
        elif isinstance(node, ast.Raise):
            parts = [node]
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            keywords = [word.value for word in node.keywords if word.arg in _TECHNICAL_KEYWORDS]
            parts = [node] if name in _TECHNICAL_CALLS else list(keywords)
        technical.update(id(inner) for part in parts for inner in ast.walk(part))
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in technical
            and not _CODE.search(node.value)
            and _LIKE_A_PHRASE.search(node.value)
        ):
            found.append(node.value)
    return found


def test_no_words_for_people_are_in_python() -> None:
    """They could not be translated, and a city could not change them."""
    modules = [path for folder in ("actions", "city311") for path in sorted((HOUSE / folder).rglob("*.py"))]
    names = {path: path.relative_to(HOUSE).as_posix() for path in modules}
    stale = [name for name in _NOT_FOR_RESIDENTS if not any(each.startswith(name) for each in names.values())]
    assert stale == []
    watched = [path for path in modules if not names[path].startswith(_NOT_FOR_RESIDENTS)]
    assert len(watched) > 40
    said = {names[path]: found for path in watched if (found := phrases_in(path.read_text(encoding="utf-8")))}
    assert said == {}, "write them into domain.yml or into the page"


@pytest.mark.parametrize(
    "code",
    [
        'CARD_REMOVED = "[card number removed]"',
        'REMOVED = "[removed]"',
        'say("Your report is in.")',
        'text = f"Thank you, {name}"',
        'return "número de tarjeta"',
    ],
)
def test_words_in_python_are_found(code: str) -> None:
    assert phrases_in(code)


@pytest.mark.parametrize(
    "code",
    [
        '"""What it does."""',
        'raise ValueError("not a day")',
        'log.warning("turn failed")',
        'say("utter_apology")',
        're.compile(r"[abcd]")',
        'x = "[a-z]"',
        'router.get("/", summary="State of it")',
    ],
)
def test_what_nobody_reads_on_a_page_is_no_finding(code: str) -> None:
    assert phrases_in(code) == []
