"""From a resident's words to a point, or to one good question. Local and quick: the gazetteer is all it asks.

To be sure and wrong is the worst that can happen, as a crew then drives to the wrong street. So a place is given only
if it fits well and no other fits nearly as well; else the likely ones are offered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from city311.city.places import PlaceNames
from city311.places import along, grammar
from city311.places.gazetteer import Gazetteer, Numbered, Sight, along_metres
from city311.places.model import Ambiguous, Finding, Kind, Outside, Place, Point, Question, Unknown
from city311.places.words import DIRECTIONS, SEPARATORS, TYPES, name_of, squash, squashed, street_type

SURE_COST, SURE_LEAD = 2.0, 0.5
"""A place is given up to this cost, if the next one costs so much more."""
SURE_CORNER = 2.7
"""The same for two streets: that they meet says that both were meant."""
AS_TOLD, LEAD_AS_TOLD = 0.1, 0.3
"""Told as listed, letter by letter, a smaller lead will do: "Elm Street" is not "Elm Street North"."""
OFFER_COST = 2.8
_SLIP = 1.0
_OFFER_INSTEAD = 2.2
"""How much worse a place may fit that is offered for a house number that the street told does not have."""
_WORTH_A_LOOK = 1.7
"""Streets that cost so much more than the best are not searched for the house."""
_LEAD_AFTER_SLIPS = 0.6
_CLEAR = 1.3
_EXTRA_DIRECTION = 0.4
_SAME_SPOT_M, _SAME_CORNER_M = 60.0, 100.0
_MOST_OFFERED = 4
_NEAR_A_STREET_M = 90.0
_PIN_HOUSE_M, _PIN_STREET_M = 60.0, 40.0
_BORDER_M = 30.0
"""Pins this far outside the boundary are still taken: phones are not more exact."""
_WHOLE_NAME = 0.04
"""For each word left over: a longer name that fits is the likelier one."""
_EXACT, _UNEXPLAINED, _TYPE_LEFT_OUT = 0.4, 0.6, 1.9


@dataclass(frozen=True)
class _Candidate:
    place: Place
    cost: float


class Locator:
    """Finds places by words and by point. Safe between threads."""

    def __init__(self, gazetteer: Gazetteer, names: PlaceNames | None) -> None:
        self._gazetteer = gazetteer
        self._names = names

    # ---- by point --------------------------------------------------------------------------------------------------

    def at(self, point: Point) -> Place | Outside:
        """The place at a pin: labelled by the nearest house or corner."""
        if not self._gazetteer.contains(point, _BORDER_M):
            return Outside(point=point)
        street = self._gazetteer.street_at(point, _PIN_STREET_M)
        near = self._gazetteer.houses_around(point)
        sights = self._gazetteer.sights_around(point)
        label = f"{point.lat:.5f}, {point.lon:.5f}"
        if near and near[0][0] <= _PIN_HOUSE_M:
            label = f"{near[0][1].number} {self._gazetteer.streets[near[0][1].street]}"
        elif sights:
            label = sights[0].name
        elif street:
            label = f"{street} ({label})"
        return self._described(Place(point, label, Kind.PIN, 1.0, (street,) if street else ()))

    def areas(self, point: Point) -> dict[str, str]:
        """Layer → name of the area that a point lies in."""
        return self._gazetteer.areas_at(point)

    def labelled(self, place: Place, label: str, confidence: float, streets: tuple[str, ...]) -> Place:
        """A place at a point, with the label that a geocoder elsewhere gives it."""
        return replace(place, label=label, kind=Kind.GEOCODED, confidence=confidence, streets=streets)

    def _described(self, place: Place) -> Place:
        sights = self._gazetteer.sights_around(place.point) if not place.landmark else ()
        return replace(
            place,
            areas=self._gazetteer.areas_at(place.point),
            landmark=place.landmark or (sights[0].name if sights else ""),
            landmark_kind=place.landmark_kind or (sights[0].kind if sights else ""),
        )

    # ---- by words --------------------------------------------------------------------------------------------------

    def find(self, text: str) -> Finding:
        """What the words mean."""
        if (pin := grammar.coordinates(text)) is not None:
            return self.at(pin)
        told = grammar.take_apart(text, self._names)
        if told.neighbor:
            return Outside(told.neighbor)
        if not any(word.isalnum() for word in told.words):
            return Unknown(Question.WHICH_HOUSE if grammar.is_my_own(text) else Question.WHERE)
        if (road := self._numbered_road(told)) is not None:
            return Unknown(Question.WHERE_ALONG, road)
        tries = (self._pole, self._between, self._block, self._address, self._corner, self._landmark)
        question: Unknown | None = None
        for attempt in tries:
            found = attempt(told)
            if isinstance(found, Unknown) and found.question is not Question.NO_SUCH_ASSET:
                question = question or found
            elif found is not None:
                return found
        if question is not None:
            return question
        street = self._street(told)
        if grammar.is_my_own(text):
            return Unknown(Question.WHICH_HOUSE)
        if street:
            return Unknown(Question.WHERE_ALONG, street)
        return self._any_of_its_kind(told) or Unknown(Question.WHERE)

    def _numbered_road(self, told: grammar.Told) -> str | None:
        """ "Route 2" and nothing else: its number is no house's."""
        words = [word for word in told.words if word.isalnum()]
        words = words[1:] if words and words[0] in _ON else words
        if len(words) < 2 or not words[-1].isdigit():
            return None
        exact = self._gazetteer.matches(words, slips=False)
        return next((self._gazetteer.streets[street] for street, cost in exact.items() if cost < AS_TOLD), None)

    def _pole(self, told: grammar.Told) -> Finding | None:
        number = grammar.pole(told.raw)
        if not number:
            return None
        key = squash(number)
        street = self._street(told)
        found = self._gazetteer.assets_on(street, key) if street else ()
        if not found:
            found = self._gazetteer.assets(key)
        exact = [each for each in found if street or _same_marks(each.asset.id, number)]
        places = [self._asset_place(each) for each in (exact or found)]
        if len(exact) == 1:
            return places[0]
        if places:
            return Ambiguous(tuple(places[:_MOST_OFFERED]))
        # "light 12 Oak Street" may well be the house.
        return (
            None
            if not grammar.names_a_pole(told.raw) and any(True for _ in self._addresses(told))
            else Unknown(Question.NO_SUCH_ASSET, number)
        )

    def _asset_place(self, found: Numbered) -> Place:
        label = ", ".join(part for part in (found.asset.id, found.street) if part)
        streets = (found.street,) if found.street else ()
        return self._described(Place(found.point, label, Kind.ASSET, 0.99, streets, asset=found.asset))

    def _block(self, told: grammar.Told) -> Finding | None:
        block = grammar.block(told)
        if block is None:
            return None
        candidates: list[_Candidate] = []
        closest = (math.inf, "")
        for street, cost in self._streets_in(block.after, block.before).items():
            name = self._gazetteer.streets[street]
            closest = min(closest, (cost, name))
            spot = along.block(self._gazetteer, street, block.first, block.last)
            if spot is not None:
                place = Place(spot.point, f"{spot.number} {name}", Kind.BLOCK, 0.0, (name,))
                candidates.append(_Candidate(place, cost + spot.cost))
        return self._chosen(candidates, told) or (
            Unknown(Question.NO_SUCH_NUMBER, closest[1]) if closest[0] <= _SLIP else None
        )

    def _address(self, told: grammar.Told) -> Finding | None:
        candidates = list(self._addresses(told))
        listed_elsewhere = [each for each in candidates if each.place.kind is Kind.STREET]
        real = [each for each in candidates if each.place.kind is not Kind.STREET]
        named = min((each.cost for each in listed_elsewhere), default=math.inf)
        best = min((each.cost for each in real), default=math.inf)
        if named < _SLIP and best >= named + 0.6:
            # The street as told has no such house. Another of its name may have: "12 Park Avenue" for Park Street.
            name = next(each for each in listed_elsewhere if each.cost == named).place.label
            base = name_of(name).base
            namesakes = [each for each in real if any(name_of(street).base == base for street in each.place.streets)]
            offered = self._offered([each for each in namesakes if each.cost <= named + _OFFER_INSTEAD])
            return offered or Unknown(Question.NO_SUCH_NUMBER, name)
        return self._chosen(real, told) or self._no_such_number(listed_elsewhere, named)

    def _no_such_number(self, streets: list[_Candidate], cost: float) -> Unknown | None:
        if cost > SURE_COST:
            return None
        return Unknown(Question.NO_SUCH_NUMBER, next(each.place.label for each in streets if each.cost == cost))

    def _addresses(self, told: grammar.Told) -> Iterable[_Candidate]:
        """Every reading of a number and a street. A street without that number comes as ``Kind.STREET``."""
        for reading in grammar.numbered(told):
            if reading.word and min(self._starting((reading.word, *reading.after)).values(), default=math.inf) < _EXACT:
                continue
            streets = self._streets_in(reading.after, reading.before)
            most = min(OFFER_COST, min(streets.values(), default=0.0) + _WORTH_A_LOOK)
            for street, cost in streets.items():
                if cost > most:
                    continue
                name = self._gazetteer.streets[street]
                spot = along.house(self._gazetteer, street, reading.number)
                if spot is None:
                    yield _Candidate(Place(Point(0, 0), name, Kind.STREET, 0.0, (name,)), cost)
                    continue
                place = Place(spot.point, f"{spot.number} {name}", spot.kind, 0.0, (name,))
                yield _Candidate(place, cost + spot.cost)

    def _streets_in(self, after: tuple[str, ...], before: tuple[str, ...]) -> dict[int, float]:
        """Streets whose name the words after start with; failing that, the words before end with."""
        found = self._starting(after)
        if len(after) > 1 and after[0] in DIRECTIONS and min(found.values(), default=math.inf) > _SLIP:
            found = {street: cost + _EXTRA_DIRECTION for street, cost in self._starting(after[1:]).items()}
        if min(found.values(), default=math.inf) > _SLIP + 0.3:
            for street, cost in self._ending(before).items():
                found[street] = min(cost + 0.3, found.get(street, math.inf))
        return found

    def _starting(self, words: tuple[str, ...]) -> dict[int, float]:
        """Streets whose name the words start with. What a longer name explains better, a shorter one hardly means:
        "Ash Street Place" is no Ash Street, "12 Elm Street" no other Elm."""
        found: dict[int, float] = {}
        explained = False
        for end in range(len(words), 0, -1):
            # The first word is a name, even where it is called like a type: "Park Street" is no Park Avenue.
            is_type = end > 1 and street_type(words[end - 1])
            cut = not is_type and any(street_type(word) for word in words[end : end + 2])
            worse = _UNEXPLAINED if explained else _TYPE_LEFT_OUT if cut else 0.0
            near = self._gazetteer.matches(list(words[:end]))
            for street, cost in near.items():
                found[street] = min(cost + worse + (len(words) - end) * _WHOLE_NAME, found.get(street, math.inf))
            explained = explained or min(near.values(), default=math.inf) < _EXACT
        return found

    def _ending(self, words: tuple[str, ...]) -> dict[int, float]:
        """Streets whose name the words end with."""
        found: dict[int, float] = {}
        explained = False
        for start in range(len(words)):
            near = self._gazetteer.matches(list(words[start:]))
            worse = (_UNEXPLAINED if explained else 0.0) + start * _WHOLE_NAME
            for street, cost in near.items():
                found[street] = min(cost + worse, found.get(street, math.inf))
            explained = explained or min(near.values(), default=math.inf) < _EXACT
        return found

    def _corner(self, told: grammar.Told) -> Finding | None:
        candidates: list[_Candidate] = []
        apart: tuple[float, str] = (math.inf, "")
        for left, right, sure in grammar.corners(told):
            # "Mass Ave by the river" is no corner of River Street, nor of what sounds like it.
            most = OFFER_COST if sure else _CLEAR
            ones = {s: c for s, c in self._ending(left).items() if c <= most}
            twos = {s: c for s, c in self._starting(right).items() if c <= most}
            for one, cost in ones.items():
                meets = self._gazetteer.crossings(one)
                for two, other in twos.items():
                    name = f"{self._gazetteer.streets[one]} & {self._gazetteer.streets[two]}"
                    points = meets.get(two, ())
                    if not points and one != two and sure and cost + other < apart[0]:
                        apart = (cost + other, name)
                    for point in _apart(points):
                        streets = (self._gazetteer.streets[one], self._gazetteer.streets[two])
                        place = Place(point, name, Kind.INTERSECTION, 0.0, streets)
                        candidates.append(_Candidate(place, cost + other))
        candidates = candidates or self._side_by_side(told)
        chosen = self._chosen(candidates, told, sure_cost=SURE_CORNER)
        if chosen is None and apart[0] < _SLIP:
            return self._landmark(told) or Unknown(Question.NO_SUCH_CORNER, apart[1])
        return chosen

    def _side_by_side(self, told: grammar.Told) -> list[_Candidate]:
        """ "Rice St Mass Ave": two names and nothing else, of streets that meet."""
        words = tuple(word for word in told.words if word.isalnum() and word not in grammar.JOINTS)
        found: list[_Candidate] = []
        if not 2 <= len(words) <= 6 or len(words) != sum(word.isalnum() for word in told.words):
            return found
        for at in range(1, len(words)):
            twos = self._gazetteer.matches(list(words[at:]), slips=False)
            for one, cost in self._gazetteer.matches(list(words[:at]), slips=False).items() if twos else ():
                meets = self._gazetteer.crossings(one)
                names = self._gazetteer.streets
                found += [
                    _Candidate(
                        Place(point, f"{names[one]} & {names[two]}", Kind.INTERSECTION, 0.0, (names[one], names[two])),
                        cost + other,
                    )
                    for two, other in twos.items()
                    for point in _apart(meets.get(two, ()))
                ]
        return found

    def _between(self, told: grammar.Told) -> Finding | None:
        """ "Prospect between Broadway and Harvard": half way."""
        parts = grammar.between(told)
        if parts is None:
            return None
        candidates: list[_Candidate] = []
        for left, right, _ in grammar.corners(grammar.Told(parts[1], " ".join(parts[1]))):
            mains = self._ending(grammar.name_before(parts[0]))
            for main, cost in mains.items():
                meets = self._gazetteer.crossings(main)
                for one, first in self._ending(left).items():
                    for two, second in self._starting(right).items():
                        if one == two or one not in meets or two not in meets:
                            continue
                        pairs = [(a, b) for a in meets[one] for b in meets[two]]
                        a, b = min(pairs, key=lambda pair: pair[0].metres_to(pair[1]))
                        point = Point((a.lat + b.lat) / 2, (a.lon + b.lon) / 2)
                        names = [self._gazetteer.streets[street] for street in (main, one, two)]
                        label = f"{names[0]} ({names[1]} – {names[2]})"
                        place = Place(point, label, Kind.BLOCK, 0.0, (names[0],))
                        candidates.append(_Candidate(place, cost + first + second))
        return self._chosen(candidates, told)

    def _landmark(self, told: grammar.Told) -> Finding | None:
        words = [word for word in told.words if word.isalnum()]
        best: tuple[int, tuple[Sight, ...]] = (0, ())
        for start in range(len(words)):
            for end in range(min(len(words), start + 7), start, -1):
                if end - start <= best[0]:
                    break
                found = self._gazetteer.sights(squashed(words[start:end]), slips=True)
                if found:
                    best = (end - start, found)
                    break
        if not best[1]:
            return self._kind_of_landmark(told, words)
        places = [self._sight_place(sight) for sight in best[1]]
        return places[0] if len(places) == 1 else Ambiguous(tuple(places[:_MOST_OFFERED]))

    def _kind_of_landmark(self, told: grammar.Told, words: list[str]) -> Finding | None:
        """ "The library on Broadway"."""
        kinds = self._kinds(words)
        name = self._street(told, slips=False) if kinds else ""
        if not name:
            return None
        street = next(number for number, known in self._gazetteer.streets.items() if known == name)
        near = sorted(
            (metres, sight.id, sight)
            for kind in kinds
            for sight in self._gazetteer.sights_of(kind)
            if (metres := along_metres(self._gazetteer.stretches(street), sight.point))
            <= max(_NEAR_A_STREET_M, sight.radius_m)
        )
        addressed = [entry for entry in near if name in entry[2].at]
        places = [self._sight_place(sight) for _, _, sight in addressed or near]
        if not places:
            return None
        return places[0] if len(places) == 1 else Ambiguous(tuple(places[:_MOST_OFFERED]))

    def _any_of_its_kind(self, told: grammar.Told) -> Finding | None:
        """ "The library", of which a city may have one, a few to choose from, or more than can be shown."""
        kinds = self._kinds([word for word in told.words if word.isalnum()])
        if len(kinds) != 1:
            return None
        ((kind, called),) = kinds.items()
        sights = self._gazetteer.sights_of(kind)
        if len(sights) > _MOST_OFFERED:
            return Unknown(Question.WHICH_OF_ITS_KIND, called)
        return Ambiguous(tuple(self._sight_place(sight) for sight in sights)) if sights else None

    def _kinds(self, words: list[str]) -> dict[str, str]:
        """Kinds of landmarks that are told, and how each is called."""
        return {
            kind: name
            for kind, called in (self._names.kinds if self._names else {}).items()
            for name in called
            if _stands_alone(squashed_words(name).split(), words)
        }

    def _sight_place(self, sight: Sight) -> Place:
        label = f"{sight.name}, {sight.at}" if sight.at else sight.name
        return self._described(
            Place(sight.point, label, Kind.LANDMARK, 0.95, (), landmark=sight.name, landmark_kind=sight.kind)
        )

    def _street(self, told: grammar.Told, *, slips: bool = True) -> str:
        """The street that the words name most clearly; empty for none."""
        words = [word for word in told.words if word not in SEPARATORS and (word.isalnum() or word == "&")]
        best = (math.inf, 0, "")
        for start in range(len(words)):
            for end in range(start + 1, min(len(words), start + 5) + 1):
                window = words[start:end]
                if not any(word.isalpha() and len(word) > 2 for word in window) and not window[0][:1].isdigit():
                    continue
                for street, cost in self._gazetteer.matches(window, slips=False).items():
                    # A bare word is a street only after "on" or alone: "by the river" is no River Street.
                    bare = cost >= 0.3 and not (len(words) == len(window) or (start and words[start - 1] in _ON))
                    if cost <= 0.45 and not bare:
                        best = min(best, (cost, start - end, self._gazetteer.streets[street]))
        if best[2]:
            return best[2]
        if slips and len(words) <= 4:
            near = self._starting(tuple(words)) | self._ending(tuple(words))
            street, cost = min(near.items(), key=lambda item: item[1], default=(0, math.inf))
            return self._gazetteer.streets[street] if cost <= _SLIP + 0.3 else ""
        return ""

    # ---- which one -------------------------------------------------------------------------------------------------

    def _chosen(
        self, candidates: Iterable[_Candidate], told: grammar.Told, sure_cost: float = SURE_COST
    ) -> Finding | None:
        """The one place that fits, or those that may be meant; None for none."""
        ranked = self._ranked(candidates, told)
        if not ranked:
            return None
        best = ranked[0]
        lead = ranked[1].cost - best.cost if len(ranked) > 1 else math.inf
        wanted = LEAD_AS_TOLD if best.cost < AS_TOLD else SURE_LEAD if best.cost < _SLIP - 0.05 else _LEAD_AFTER_SLIPS
        if best.cost <= sure_cost and lead >= wanted:
            return self._described(replace(best.place, confidence=_confidence(best.cost, lead)))
        return self._offered([each for each in ranked if each.cost <= max(best.cost + 0.8, SURE_COST)])

    def _ranked(self, candidates: Iterable[_Candidate], told: grammar.Told) -> list[_Candidate]:
        """Cheapest first, one for each spot; those in another ZIP than told come later."""
        ranked: list[_Candidate] = []
        for each in sorted(candidates, key=lambda candidate: candidate.cost):
            if each.cost > OFFER_COST:
                break
            if told.zip and (found := self._gazetteer.areas_at(each.place.point).get("zip")) and found != told.zip:
                each = replace(each, cost=each.cost + 0.6)
            same = (other for other in ranked if other.place.point.metres_to(each.place.point) <= _SAME_SPOT_M)
            if not any(set(other.place.streets) & set(each.place.streets) for other in same):
                ranked.append(each)
        return sorted(ranked, key=lambda candidate: candidate.cost)

    def _offered(self, candidates: list[_Candidate]) -> Ambiguous | None:
        places: dict[str, Place] = {}
        twice: set[str] = set()
        for each in candidates:
            label = each.place.label
            place = self._described(replace(each.place, confidence=_confidence(each.cost, 0.0)))
            if label in places:
                twice.add(label)
                label = f"{label} ({place.areas.get('neighborhood') or place.zip})"
            places.setdefault(label, replace(place, label=label))
        for label in twice:
            place = places[label]
            places[label] = replace(place, label=f"{label} ({place.areas.get('neighborhood') or place.zip})")
        return Ambiguous(tuple(places.values())[:_MOST_OFFERED]) if places else None


_ON = frozenset({"on", "of", "along", "near", "by", "off", "at"})


def squashed_words(text: str) -> str:
    """Lower case with single spaces."""
    return " ".join(text.casefold().split())


def _stands_alone(kind: list[str], words: list[str]) -> bool:
    """Whether the words of a kind of landmark are told, and not as a street's name ("Park Street")."""
    ends = (at + len(kind) for at in range(len(words)) if words[at : at + len(kind)] == kind)
    return any(end == len(words) or words[end] not in TYPES for end in ends)


def _same_marks(listed: str, told: str) -> bool:
    return listed.casefold().replace(" ", "") == told.casefold().replace(" ", "").replace("–", "-")


def _apart(points: tuple[Point, ...]) -> list[Point]:
    """Points that are one crossing for a crew, as one: their middle."""
    groups: list[list[Point]] = []
    for point in points:
        for group in groups:
            if any(point.metres_to(other) <= _SAME_CORNER_M for other in group):
                group.append(point)
                break
        else:
            groups.append([point])
    return [Point(sum(p.lat for p in g) / len(g), sum(p.lon for p in g) / len(g)) for g in groups]


def _confidence(cost: float, lead: float) -> float:
    """0 to 1; a rank more than a probability."""
    return round(max(0.05, 0.99 - 0.16 * cost - (0.3 if lead < SURE_LEAD else 0.0)), 2)
