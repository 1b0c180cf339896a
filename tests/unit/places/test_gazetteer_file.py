"""The gazetteer is made once, by one process, anew when the pack changes; and what is wrong in the lists is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from city311.city import PackError, load_pack
from city311.places import ensure, open_places, problems

HOUSE = Path(__file__).resolve().parents[3]


def test_it_is_made_once_and_anew_after_a_change(town: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    first = ensure(load_pack(town), tmp_path, steps.append)
    told = len(steps)
    assert told
    assert ensure(load_pack(town), tmp_path, steps.append) == first
    assert len(steps) == told

    addresses = town / "places" / "addresses.tsv"
    addresses.write_text(addresses.read_text(encoding="utf-8") + "99\tPark St\t40.001\t-70.009\n", encoding="utf-8")
    second = ensure(load_pack(town), tmp_path)

    assert second != first
    assert [path.name for path in second.parent.glob("*.sqlite")] == [second.name]


def test_several_processes_may_ask_at_once(town: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from city311.city import load_pack; from city311.places import ensure;"
        "print(ensure(load_pack(Path(sys.argv[1])), Path(sys.argv[2]), lambda step: print(step, file=sys.stderr)))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(town), str(tmp_path / "var")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=HOUSE,
        )
        for _ in range(3)
    ]  # fmt: skip
    answers = [process.communicate(timeout=120) for process in started]

    assert [process.returncode for process in started] == [0, 0, 0], answers
    assert len({out for out, _ in answers}) == 1
    assert sum(bool(err) for _, err in answers) == 1, "more than one process made it"


def test_a_pack_without_places_has_none(tmp_path: Path) -> None:
    pack = load_pack(HOUSE / "tests" / "packs" / "puerto_claro")

    assert open_places(pack, tmp_path) is None
    assert problems(pack) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "line"),
    [
        ("addresses.tsv", "number\tstreet", "house\tstreet", 1),
        ("addresses.tsv", "20\tPark St", "twenty\tPark St", 4),
        ("addresses.tsv", "20\tPark St\t40.001000", "20\tPark St\tnorth", 4),
        ("addresses.tsv", "20\tPark St\t40.001000", "20\tPark St\t140.0", 4),
        ("addresses.tsv", "20\tPark St\t40.001000", "20\tPark St", 4),
        ("street_lines.tsv", "1\t99", "one\t99", 2),
        ("street_lines.tsv", ", 40.001000 -70.010000", "", 2),
        ("intersections.tsv", "Harper St & Park Ave", "", 3),
        ("landmarks.tsv", "12 Park St", "12 Nowhere St", 2),
        ("landmarks.tsv", "\t120", "\tbig", 3),
        ("assets.tsv", "44-71", "", 2),
        ("boundary.geojson", '"Polygon"', '"Point"', 1),
        ("boundary.geojson", '"features"', '"feature"', 1),
        ("places.yml", "Grand: Grand Boulevard Rd", "Grand: Small Lane", 5),
        ("places.yml", "streets: [Route Rd]", "streets: [Rute Rd]", 14),
    ],
)
def test_a_mistake_is_named_with_file_and_line(town: Path, name: str, old: str, new: str, line: int) -> None:
    path = town / "places" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    found = problems(load_pack(town))

    assert found
    assert (found[0].file, found[0].line) == (path, line)
    assert found[0].message
    assert found[0].remedy


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("action: refer", "action: send", "responsible.power.action"),
        ("    department:", "    departmnt:", "responsible.power.departmnt"),
        ("source: invented", "sauce: invented", "places"),
    ],
)
def test_a_mistake_in_the_names_is_named(town: Path, old: str, new: str, where: str) -> None:
    path = town / "places" / "places.yml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    with pytest.raises(PackError) as caught:
        load_pack(town)

    assert any(problem.file == path and where in problem.where for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("routes", "where"),
    [
        ("[{when: {landmark_kind: [castle]}, department: harbor}]", "when.landmark_kind"),
        ("[{when: {landmark_kind: [park]}, department: castle}]", "department"),
        ("[{when: {answers: {castle: [big]}}, department: harbor}]", "when.answers.castle"),
        ("[{when: {}, department: harbor}]", "when"),
        ("[{when: {hours: never}, department: harbor}]", "when.hours"),
    ],
)
def test_a_mistake_in_a_route_is_named(town: Path, routes: str, where: str) -> None:
    path = town / "services.yml"
    text = path.read_text(encoding="utf-8")
    at = text.index("    priority:")
    path.write_text(f"{text[:at]}    routes: {routes}\n{text[at:]}", encoding="utf-8")
    line = text.count("\n", 0, at) + 1

    with pytest.raises(PackError) as caught:
        load_pack(town)

    assert [(problem.file, problem.line) for problem in caught.value.problems] == [(path, line)]
    assert caught.value.problems[0].where.endswith(where)
