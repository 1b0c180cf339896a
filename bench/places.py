"""Geocoding of messy addresses made from the city pack's own points, next to range interpolation alone.

``python -m bench.places [COUNT] [SEED] [--errors]`` prints, for each kind of mess, the share right within 50 m, asked
back, and confidently wrong, and the CPU time of one look-up. What names two places equally well (a house number
that two streets of one name have, when the type is left out) is not findable: there asking is the right answer.
"""

from __future__ import annotations

import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from city311.city import load_pack
from city311.places import along, source
from city311.places.along import HouseNumber
from city311.places.build import ensure
from city311.places.gazetteer import Gazetteer
from city311.places.locate import Locator
from city311.places.model import Place, Point
from city311.places.words import DIRECTIONS, TYPES, name_of

HOUSE = Path(__file__).resolve().parent.parent
RIGHT_M = 50.0
_LONG = {"st": "Street", "ave": "Avenue", "rd": "Road", "pl": "Place", "dr": "Drive", "ct": "Court", "ter": "Terrace",
         "pkwy": "Parkway", "ln": "Lane", "cir": "Circle", "sq": "Square", "blvd": "Boulevard", "hwy": "Highway",
         "pk": "Park"}  # fmt: skip
_BEFORE = ("at ", "in front of ", "near ", "outside ", "it's at ", "across from ", "by ", "the address is ", "next to ",
           "there's a pothole at ", "on ")  # fmt: skip
_AFTER = (" please", ", Cambridge", ", Cambridge, MA 02139", " in Riverbend", ", on the sidewalk", " thanks", ", MA",
          " near the corner", " by the driveway", " cambridge ma")  # fmt: skip
_UNITS = (" apt 3", ", Apt 2B", " unit 12", " #4", " 2nd floor", ", Suite 200", " apt. b", " fl 2", " Unit 3R")
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


@dataclass(frozen=True)
class Case:
    """One messy text and where it means. ``findable`` is False where it fits two places equally well."""

    kind: str
    text: str
    point: Point
    number: HouseNumber | None = None
    street: str = ""
    findable: bool = True


class Mess:
    """Makes cases from the lists, by a seeded source of chance."""

    def __init__(self, lists: source.Lists, seed: int) -> None:
        self.chance = random.Random(seed)
        self.houses = [each for each in lists.addresses if each.low]
        self.crossings = [each for each in lists.intersections if len(each.streets) > 1]
        self.by_name: dict[tuple[int, str], set[str]] = {}
        self.by_street: dict[str, list[source.Address]] = {}
        for each in self.houses:
            self.by_name.setdefault((each.low, name_of(each.street).base), set()).add(each.street)
            self.by_street.setdefault(each.street, []).append(each)
        self.bases = {name_of(street).base for street in self.by_street}
        self.meeting: dict[frozenset[str], list[Point]] = {}
        for crossing in self.crossings:
            for one in crossing.streets:
                for two in crossing.streets:
                    if one < two:
                        self.meeting.setdefault(frozenset((one, two)), []).append(crossing.point)
        self.kinds: dict[str, Callable[[str], Case]] = {
            "plain": lambda kind: self._house(kind, lambda text, _: text),
            "casing": lambda kind: self._house(
                kind, lambda text, _: self.chance.choice((text.lower(), text.upper(), text.title()))
            ),
            "abbreviations": lambda kind: self._house(kind, self._respelt),
            "missing type": lambda kind: self._house(kind, self._typeless, typeless=True),
            "units": lambda kind: self._house(kind, lambda text, _: text + self.chance.choice(_UNITS)),
            "filler words": lambda kind: self._house(kind, self._wrapped),
            "one slip": lambda kind: self._slipped(kind, 1),
            "two slips": lambda kind: self._slipped(kind, 2),
            "everything": self._everything,
            "intersection": self._corner,
            "messy intersection": lambda kind: self._corner(kind, messy=True),
            "block": self._block,
        }

    def cases(self, count: int) -> list[Case]:
        """``count`` of each kind."""
        return [make(kind) for kind, make in self.kinds.items() for _ in range(count)]

    def _house(self, kind: str, change: Callable[[str, source.Address], str], *, typeless: bool = False) -> Case:
        each = self.chance.choice(self.houses)
        text = change(f"{each.number} {each.street}", each)
        namesakes = self.by_name[each.low, name_of(each.street).base]
        number = HouseNumber(each.low, each.high, each.suffix)
        return Case(kind, text, each.point, number, each.street, not (typeless and len(namesakes) > 1))

    def _respelt(self, text: str, _: source.Address) -> str:
        words = text.split()
        for at, word in enumerate(words[1:], start=1):
            short = TYPES.get(word.lower())
            if short in _LONG and at > 1:
                words[at] = self.chance.choice((_LONG[short], _LONG[short].lower(), f"{short.title()}.", short.upper()))
            if word in ("Massachusetts",):
                words[at] = "Mass"
        return " ".join(words)

    def _typeless(self, text: str, _: source.Address) -> str:
        words = text.split()
        for known in (DIRECTIONS, TYPES):
            if len(words) > 2 and words[-1].lower() in known:
                words.pop()
        return " ".join(words)

    def _wrapped(self, text: str, _: source.Address) -> str:
        return self.chance.choice(_BEFORE) + text + self.chance.choice(_AFTER)

    def _slip(self, word: str) -> str:
        at = self.chance.randrange(1 if self.chance.random() < 0.85 else 0, len(word))
        how = self.chance.randrange(4)
        if how == 0:
            return word[:at] + word[at + 1 :]
        if how == 1:
            return word[:at] + word[at] + word[at:]
        if how == 2 and at + 1 < len(word):
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        row = next((row for row in _KEYS if word[at].lower() in row), "e")
        near = row[max(0, min(len(row) - 1, row.find(word[at].lower()) + self.chance.choice((-1, 1))))]
        return word[:at] + near + word[at + 1 :]

    def _with_slips(self, street: str, count: int) -> str:
        words = street.split()
        long = [at for at, word in enumerate(words) if len(word) > 3 and word.lower() not in TYPES]
        for _ in range(count):
            if long:
                at = self.chance.choice(long)
                words[at] = self._slip(words[at])
        return " ".join(words)

    def _slipped(self, kind: str, count: int) -> Case:
        while True:
            case = self._house(kind, lambda _, each: f"{each.number} {self._with_slips(each.street, count)}")
            if count > 1 and len(name_of(case.street).base) < 7:
                continue
            told = name_of(re.sub(r"^\S+ (?:1/2 )?", "", case.text)).base
            other = told in self.bases and told != name_of(case.street).base
            return Case(kind, case.text, case.point, case.number, case.street, not other)

    def _everything(self, kind: str) -> Case:
        case = self._slipped(kind, 1)
        text = self._respelt(case.text, self.houses[0])
        text = self.chance.choice((text.lower(), text, text.upper()))
        if self.chance.random() < 0.4:
            text += self.chance.choice(_UNITS)
        text = self._wrapped(text, self.houses[0])
        return Case(kind, text, case.point, case.number, case.street, case.findable)

    def _corner(self, kind: str, *, messy: bool = False) -> Case:
        crossing = self.chance.choice(self.crossings)
        names = self.chance.sample(crossing.streets, 2)
        findable = all(crossing.point.metres_to(point) <= 2 * RIGHT_M for point in self.meeting[frozenset(names)])
        if messy:
            told = []
            for name in names:
                text = self._with_slips(name, 1) if self.chance.random() < 0.4 else name
                text = self._respelt(f"1 {text}", self.houses[0])[2:]
                if self.chance.random() < 0.4:
                    text = self._typeless(f"1 {text}", self.houses[0])[2:]
                told.append(text.lower() if self.chance.random() < 0.6 else text)
            joint = self.chance.choice((" and ", " & ", " / ", " @ ", " at ", " n ", " x ", "/", " near "))
            before = self.chance.choice(("", "corner of ", "the corner of ", "intersection of ", "at ", "pothole at "))
            return Case(kind, before + joint.join(told), crossing.point, findable=findable)
        return Case(kind, " & ".join(names), crossing.point, findable=findable)

    def _block(self, kind: str) -> Case:
        while True:
            each = self.chance.choice(self.houses)
            if each.low >= 100:
                break
        first = each.low // 100 * 100
        inside = [other.point for other in self.by_street[each.street] if first <= other.low < first + 100]
        middle = Point(statistics.fmean(point.lat for point in inside), statistics.fmean(point.lon for point in inside))
        street = self._respelt(f"1 {each.street}", each)[2:]
        form = self.chance.choice(("{} block of {}", "the {} block of {}", "{} blk {}", "{} block {}"))
        return Case(kind, form.format(first, street.lower()), middle)


def main(arguments: Sequence[str]) -> None:
    """Prints the figures."""
    numbers = [int(word) for word in arguments if word.isdecimal()]
    count, seed = (numbers + [400, 7][len(numbers) :])[:2]
    pack = load_pack(HOUSE / "cities" / "riverbend")
    lists = source.read(pack)
    with tempfile.TemporaryDirectory() as folder:
        gazetteer = Gazetteer(ensure(pack, Path(folder)))
        locator = Locator(gazetteer, pack.places)
        cases = Mess(lists, seed).cases(count)
        _print(locator, gazetteer, cases, "--errors" in arguments)


def _print(locator: Locator, gazetteer: Gazetteer, cases: list[Case], errors: bool) -> None:
    times: list[float] = []
    rows: dict[str, list[tuple[bool, bool, bool]]] = {}
    for case in cases:
        started = time.thread_time()
        found = locator.find(case.text)
        times.append((time.thread_time() - started) * 1000)
        near = isinstance(found, Place) and found.point.metres_to(case.point) <= RIGHT_M
        rows.setdefault(case.kind, []).append((case.findable, near, isinstance(found, Place) and not near))
        if errors and case.findable and not near:
            what = found.label if isinstance(found, Place) else str(found)[:150]
            away = f"{found.point.metres_to(case.point):.0f} m" if isinstance(found, Place) else ""
            print(f"  {case.kind:18} {case.text!r:50} [{case.street}] -> {what} {away}")
    print(f"{'':20}  findable   right  asked back  wrong")
    every = [row for group in rows.values() for row in group]
    for kind, group in [*rows.items(), ("all", every)]:
        findable = [row for row in group if row[0]]
        right = sum(row[1] for row in findable) / len(findable)
        wrong = sum(row[2] for row in group) / len(group)
        asked = 1 - right - sum(row[2] for row in findable) / len(findable)
        print(f"{kind:20} {len(findable) / len(group):9.1%} {right:7.1%} {asked:11.1%} {wrong:6.2%}")
    times.sort()
    print(f"one look-up, CPU time: p50 {times[len(times) // 2]:.2f} ms, p99 {times[int(len(times) * 0.99)]:.2f} ms")
    plain = [case for case in cases if case.kind == "plain"]
    ids = {name: number for number, name in gazetteer.streets.items()}
    ranges = [
        point.metres_to(case.point)
        for case in plain
        if case.number and (point := along.interpolated(gazetteer, ids[case.street], case.number.low)) is not None
    ]
    ours = [found.point.metres_to(case.point) for case in plain if isinstance(found := locator.find(case.text), Place)]
    print("plain addresses, metres from the listed point:")
    for name, metres in (("range interpolation alone", sorted(ranges)), ("ours", sorted(ours))):
        middle, ninety = metres[len(metres) // 2], metres[int(len(metres) * 0.9)]
        right = sum(each <= RIGHT_M for each in metres) / len(plain)
        print(f"  {name:26} matched {len(metres) / len(plain):.1%}, median {middle:.0f}, p90 {ninety:.0f}, "
              f"right within {RIGHT_M:.0f} m {right:.1%}")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
