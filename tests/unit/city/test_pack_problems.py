"""Every mistake a city can make in its pack is named with file, line and remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from city311.city import PackError, Problem, load_pack

PUERTO_CLARO = Path(__file__).parents[2] / "packs" / "puerto_claro"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PUERTO_CLARO, tmp_path / "pack"))


def change(folder: Path, name: str, old: str, new: str, *, nth: int = 1) -> int:
    """Replaces the nth ``old`` in a file; returns the line (from 1) where it stood."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    at = -1
    for _ in range(nth):
        at = text.index(old, at + 1)
    path.write_text(text[:at] + new + text[at + len(old) :], encoding="utf-8")
    return text.count("\n", 0, at) + 1


def problems(folder: Path) -> list[Problem]:
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    return caught.value.problems


def the_problem(folder: Path) -> Problem:
    found = problems(folder)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


def test_the_pack_is_right_before_it_is_broken(folder: Path) -> None:
    assert load_pack(folder).city.code == "puerto_claro"


def test_a_missing_file(folder: Path) -> None:
    (folder / "departments.yml").unlink()
    problem = the_problem(folder)
    assert problem.file == folder / "departments.yml"
    assert problem.line == 1
    assert "missing" in problem.message
    assert "Write it" in problem.remedy


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    found = problems(tmp_path / "nowhere")
    assert {problem.file.name for problem in found} == {"city.yml", "departments.yml", "services.yml", "calendar.yml"}
    assert all("CITY" in problem.remedy for problem in found)


def test_connectors_may_be_missing(folder: Path) -> None:
    assert not (folder / "connectors.yml").exists()
    workorders = load_pack(folder).workorders
    assert (workorders.url, workorders.own_numbers, workorders.extensions) == ("", True, True)


def test_a_connector_elsewhere_has_its_own_numbers(folder: Path) -> None:
    (folder / "connectors.yml").write_text("workorders: {kind: open311, url: 'https://311.example/v2'}\n")
    workorders = load_pack(folder).workorders
    assert (workorders.url, workorders.own_numbers, workorders.extensions) == ("https://311.example/v2", False, False)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("code: a\nname: [b\nphone: c\n", 3, "expected"),
        ("code: a\n\tname: b\n", 2, ""),
        ("code: a\nname: b\ncode: c\n", 3, "'code' twice"),
        ("code: *nothing\n", 1, "alias"),
        ("code: a\n---\ncode: b\n", 2, "document"),
    ],
)
def test_broken_yaml(folder: Path, text: str, line: int, words: str) -> None:
    (folder / "city.yml").write_text(text)
    problem = the_problem(folder)
    assert (problem.file.name, problem.line) == ("city.yml", line)
    assert words in problem.message
    assert "YAML" in problem.remedy


def test_bytes_that_are_no_text(folder: Path) -> None:
    (folder / "city.yml").write_bytes(b"code: caf\xe9\n")
    assert "UTF-8" in the_problem(folder).message


def test_an_empty_file(folder: Path) -> None:
    (folder / "services.yml").write_text("# nothing yet\n")
    problem = the_problem(folder)
    assert (problem.file.name, problem.line) == ("services.yml", 1)
    assert "object" in problem.remedy


def test_several_broken_files_are_all_named(folder: Path) -> None:
    (folder / "services.yml").write_text("a: [\n")
    (folder / "calendar.yml").unlink()
    change(folder, "city.yml", "phone:", "fone:")
    assert {problem.file.name for problem in problems(folder)} == {"services.yml", "calendar.yml", "city.yml"}


SCHEMA_MISTAKES = [
    ("city.yml", "timezone:", "timezon:", "'timezon'", "Did you mean 'timezone'?"),
    ("services.yml", "next_step: {en: The harbor", "next_stp: {en: The harbor", "'next_stp'", "'next_step'"),
    ("services.yml", "label: {en: Size", "labels: {en: Size", "'labels'", "Did you mean 'label'?"),
    ("services.yml", "unit: business_days", "unit: busines_days", '"busines_days"', "Did you mean 'business_days'?"),
    ("services.yml", "priority: urgent", "priority: soon", '"soon"', "Use one of: emergency, urgent"),
    ("services.yml", "type: choice", "type: choose", '"choose"', "Did you mean 'choice'?"),
    ("calendar.yml", "[friday, saturday]", "[freitag, saturday]", '"freitag"', "friday"),
    ("calendar.yml", 'day_ends: "15:00"', 'day_ends: "25:00"', '"25:00"', "match"),
    ("city.yml", 'emergency_phone: "112"', "emergency_phone: 112", "112", "quotes"),
    ("city.yml", "code: puerto_claro", "code: Puerto Claro", '"Puerto Claro"', "match"),
    ("city.yml", "name: Puerto Claro", "name: [Puerto, Claro]", "does not fit", "one string"),
    ("services.yml", "amount: 3, unit", "amount: three, unit", '"three"', "integer"),
    ("services.yml", "sla: {amount: 36, unit: hours}", "sla: {amount: 3, unit: none}", "makes no sense", "Take it out"),
    ("services.yml", "sla: {amount: 36, unit: hours}", "sla: {unit: hours}", "'amount' is missing", "Add 'amount'"),
    ("services.yml", "required: false", "required: perhaps", '"perhaps"', "boolean"),
    ("services.yml", "        when: future\n", "        when: later\n", '"later"', "past, future"),
]


@pytest.mark.parametrize(("file", "old", "new", "message", "remedy"), SCHEMA_MISTAKES)
def test_a_setting_that_the_schema_does_not_know(
    folder: Path, file: str, old: str, new: str, message: str, remedy: str
) -> None:
    line = change(folder, file, old, new)
    matching = [problem for problem in problems(folder) if message in problem.message and remedy in problem.remedy]
    assert [(problem.file.name, problem.line) for problem in matching] == [(file, line)]


def test_each_missing_setting_is_named_once(folder: Path) -> None:
    change(folder, "city.yml", 'phone: "+20 2 2555 0100"\n', "")
    change(folder, "city.yml", "timezone: Africa/Cairo\n", "")
    assert sorted(problem.message for problem in problems(folder)) == ["'phone' is missing.", "'timezone' is missing."]


def test_a_name_that_cannot_be_one(folder: Path) -> None:
    line = change(folder, "services.yml", "  boat_adrift:", "  Boat-Adrift:")
    problem = the_problem(folder)
    assert (problem.line, problem.where) == (line, "services.Boat-Adrift")


def test_a_safety_text_that_every_city_needs(folder: Path) -> None:
    change(folder, "city.yml", "self_harm:", "selfharm:")
    problem = the_problem(folder)
    assert (problem.file.name, problem.message) == ("city.yml", "'self_harm' is missing.")


CROSS_MISTAKES = [
    ("city.yml", "Africa/Cairo", "Africa/Kairo", "'Africa/Kairo' is no time zone", "IANA"),
    ("city.yml", "Africa/Cairo", "../../etc/passwd", "is no time zone", "IANA"),
    ("city.yml", "hours:", "catch_all_service: pothol\nhours:", "no service 'pothol'", "Did you mean 'pothole'?"),
    ("calendar.yml", "country: EG", "country: ZZ", "'ZZ' is not a country", "ISO code"),
    ("calendar.yml", "weekend:", "subdivision: XXX\nweekend:", "no part 'XXX'", "Use one of"),
    ("calendar.yml", "2026-11-24:", "2026-02-30:", "'2026-02-30' is no day", "year-month-day"),
    ("calendar.yml", "2026-11-27", "2026-13-01", "'2026-13-01' is no day", "year-month-day"),
    ("calendar.yml", 'day_ends: "15:00"', 'day_ends: "08:00"', "ends at 08:00", "after it starts"),
    (
        "calendar.yml",
        "weekend: [friday, saturday]",
        "weekend: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]",
        "Every day",
        "working day",
    ),
    ("services.yml", "department: harbor", "department: harbour", "no department 'harbour'", "Did you mean 'harbor'?"),
    ("services.yml", "group: water", "group: watr", "no group 'watr'", "Did you mean 'water'?"),
    ("services.yml", 'stop: {"yes": emergency}', 'stop: {"yes": emergncy}', "no safety text", "'emergency'"),
    ("services.yml", 'stop: {"yes": emergency}', "stop: {maybe: emergency}", "'maybe' is no answer", "yes, no"),
    ("services.yml", "only_if: {code: size", "only_if: {code: sizes", "'sizes'", "Did you mean 'size'?"),
    ("services.yml", "is: [ship]", "is: [shipp]", "'shipp' is no answer", "Did you mean 'ship'?"),
    ("services.yml", "code: tow_day", "code: size", "'size' stands twice", "code of its own"),
    ("services.yml", "code: ship, say", "code: rowboat, say", "same code", "code of its own"),
    (
        "services.yml",
        "label: {en: Day to tow it, es: Día de remolque}",
        "label: {es: Tamaño, en: Size}",
        "twice",
        "own",
    ),
    ("services.yml", "code: tow_day", "code: location", "'location' is a name", "another code"),
]


@pytest.mark.parametrize(("file", "old", "new", "message", "remedy"), CROSS_MISTAKES)
def test_what_does_not_fit_together(folder: Path, file: str, old: str, new: str, message: str, remedy: str) -> None:
    line = change(folder, file, old, new)
    matching = [problem for problem in problems(folder) if message in problem.message and remedy in problem.remedy]
    assert [problem.file.name for problem in matching] == [file]
    assert matching[0].line == line


def test_the_line_of_a_mistake_deep_inside(folder: Path) -> None:
    line = change(folder, "services.yml", "is: [ship]", "is: [shipp]")
    assert the_problem(folder).line == line
    assert str(the_problem(folder)).startswith(f"{folder / 'services.yml'}:{line}: services.boat_adrift.questions.2.")


def test_two_services_of_one_name(folder: Path) -> None:
    line = change(
        folder, "services.yml", "{en: Hole in the quay, es: Bache en el muelle}", "{en: BOAT adrift, es: Otro}"
    )
    problem = the_problem(folder)
    assert (problem.line, problem.message) == (line, "'boat_adrift' has the same name.")


def test_a_condition_on_what_gives_no_answer(folder: Path) -> None:
    change(folder, "services.yml", "code: size, is", "code: picture, is")
    line = change(
        folder,
        "services.yml",
        "      - code: ship_name",
        "      - {code: picture, label: Picture, ask: A photo?, type: photo, required: false}\n      - code: ship_name",
    )
    problem = the_problem(folder)
    assert "'picture' is a photo" in problem.message
    assert problem.line > line


def test_a_notice_with_a_condition(folder: Path) -> None:
    change(
        folder,
        "services.yml",
        "      - code: tow_day",
        "      - code: be_careful\n        label: Note\n        ask: Stay away.\n        type: notice\n"
        "        required: false\n        only_if: {code: size, is: [ship]}\n      - code: tow_day",
    )
    assert "notice" in the_problem(folder).message


def test_choices_belong_to_a_choice(folder: Path) -> None:
    change(folder, "services.yml", "type: choice", "type: text")
    line = change(folder, "services.yml", "choices:", "choices:")
    problem = the_problem(folder)
    assert (problem.line, problem.where) == (line, "services.boat_adrift.questions.1.choices")
    assert "makes no sense" in problem.message


def test_a_side_of_today_belongs_to_a_date(folder: Path) -> None:
    line = change(folder, "services.yml", "type: date", "type: text")
    problem = the_problem(folder)
    assert (problem.line, problem.where) == (line, "services.boat_adrift.questions.3.type")


@pytest.mark.parametrize("code", ["description", "contact"])
def test_what_every_report_asks_takes_text_also_in_other_words(folder: Path, code: str) -> None:
    change(folder, "services.yml", "code: tow_day", f"code: {code}")
    line = change(folder, "services.yml", "type: date", "type: date")
    problem = the_problem(folder)
    assert (problem.line, problem.remedy) == (line, "Write type: text, or choose another code.")


def test_all_mistakes_are_named_together(folder: Path) -> None:
    change(folder, "services.yml", "department: harbor", "department: a")
    change(folder, "services.yml", "department: harbor", "department: b")
    change(folder, "calendar.yml", "country: EG", "country: ZZ")
    assert len(problems(folder)) == 3
