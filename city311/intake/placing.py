"""The place on the map: the resident's words become a point, a question, or somebody else's place.

Asked once for each new wording, before the next question. A place that cannot be found after one good question is taken
in the resident's own words, and the crew knows that nobody has checked it.
"""

from __future__ import annotations

from city311.city.model import Service
from city311.city.places import REFER
from city311.intake.definition import Kind
from city311.intake.phrases import Phrase, Say, own, pack
from city311.intake.reading import contains, words
from city311.intake.setting import PlaceFinder, Setting
from city311.intake.state import GIVEN, Answer, Spot, State
from city311.places import Ambiguous, Asset, Finding, Outside, Place, Point, Question, Unknown
from city311.places import Kind as PlaceKind

AS_WRITTEN = "as_written"
"""Kind of a spot that is only words."""
OUTSIDE, NOT_OURS, WHICH = "outside", "not_ours", "which"
"""Why the place is asked again, besides the values of :class:`~city311.places.Question`."""
_MOST_WORDS = 40
"""Of a place in the resident's own words."""
_STREET_KNOWN = frozenset({Question.NO_SUCH_NUMBER, Question.WHERE_ALONG})


def settle(setting: Setting, state: State) -> list[Say]:
    """Finds the place of the report on the map, where that is not done yet; what there is to say about it.

    Where it cannot be taken as it is, the answer goes and the state knows what to ask.
    """
    service, answer = setting.service(state), state.answers.get("location")
    if setting.places is None or service is None or answer is None or answer.status != GIVEN:
        return []
    step = setting.step(state, "location")
    if step is None or step.kind is not Kind.PLACE:
        return []
    if any(other.stop and other.code not in state.answers for other in setting.steps(state)):
        return []  # whether anyone is in danger comes first
    spot = state.spot
    if spot.label == answer.value:
        if spot.service == state.service or spot.kind == AS_WRITTEN:
            return []
        return _taken(setting, state, service, place_of(spot), answer)
    found = _of_the_kind(setting.places, state, answer.value) or setting.places.find(answer.value)
    if isinstance(found, Place):
        return _taken(setting, state, service, found, answer)
    return _not_taken(setting, state, found, answer)


def _of_the_kind(places: PlaceFinder, state: State, told: str) -> Finding | None:
    """The library on the street that was told when "which library?" was asked."""
    if state.lost != Question.WHICH_OF_ITS_KIND.value:
        return None
    found = places.find(f"{state.about} {told}")
    return found if isinstance(found, Place | Ambiguous) else None


def put_pin(setting: Setting, state: State, lat: float, lon: float) -> list[Say]:
    """Takes a shared position for the place of the report."""
    _forget(state)
    if setting.places is None:
        label = f"{lat:.5f}, {lon:.5f}"
        found: Place | Outside = Place(Point(lat, lon), label, PlaceKind.PIN, 1.0)
    else:
        found = setting.places.at(Point(lat, lon))
    if isinstance(found, Outside):
        state.answers.pop("location", None)
        state.place, state.lost = "", OUTSIDE
        return [Say(_outside(setting, found))]
    state.place, state.detailed = "", True
    state.spot = spot_of(found, "")
    state.answers["location"] = Answer(found.label, asked=False)
    return [Say(own("utter_pin_kept", place=found.label))]


def take_as_written(state: State, told: str) -> Answer:
    """The resident's own words for a place that is on no list."""
    _forget(state)
    state.spot = Spot(label=told, kind=AS_WRITTEN)
    return Answer(told)


def as_far_as_told(state: State) -> str:
    """The words for a place that was asked again in vain and may be taken as they are; an empty string for none."""
    return "" if state.lost in (OUTSIDE, NOT_OURS) else state.tried


def take_offer(state: State, offer: Spot) -> Answer:
    """The place that the resident picked among those offered."""
    said = state.tried
    _forget(state)
    state.spot = offer
    return Answer(offer.label, said if said != offer.label else "")


def offer_photo_place(setting: Setting, state: State) -> None:
    """Offers, once, the place where a photo was taken, if it is in this city. What the camera says stays with the
    photo: only the name of the place is kept here, and nothing is taken before the resident says so.
    """
    if state.photo_offered or state.offers or setting.places is None:
        return
    for photo in state.photos:
        taken_at = setting.taken_at(photo)
        found = setting.places.at(Point(*taken_at)) if taken_at is not None else None
        if isinstance(found, Place):
            state.photo_offered, state.photo_place = photo, found.label
            return


def question(state: State) -> Phrase | None:
    """How the place is asked again; None where the service's own question will do."""
    if state.photo_place:
        return own("utter_ask_photo_place", place=state.photo_place)
    if state.offers:
        if len(state.offers) == 1:
            return own("utter_ask_did_you_mean", place=state.offers[0].label)
        return own("utter_ask_which_place")
    simple = {
        OUTSIDE: "utter_ask_other_place",
        NOT_OURS: "utter_ask_other_place",
        Question.WHERE.value: "utter_ask_place_again",
        Question.WHICH_HOUSE.value: "utter_ask_which_house",
    }
    if state.lost in simple and not state.place:
        return own(simple[state.lost])
    about = {
        Question.NO_SUCH_NUMBER.value: "utter_ask_no_such_number",
        Question.NO_SUCH_CORNER.value: "utter_ask_no_such_corner",
        Question.NO_SUCH_ASSET.value: "utter_ask_no_such_asset",
        Question.WHICH_OF_ITS_KIND.value: "utter_ask_which_of_its_kind",
    }
    return own(about[state.lost], place=state.about) if state.lost in about else None


def place_buttons(state: State) -> tuple[Phrase, ...]:
    """What can be pressed when the place is asked again."""
    if state.photo_place:
        return (own("utter_button_photo_place"), own("utter_button_other_place"))
    if state.lost in (OUTSIDE, NOT_OURS):
        return (own("utter_button_cancel"),)
    offered = tuple(Phrase(text=offer.label) for offer in state.offers)
    return (*offered, own("utter_button_as_written")) if state.tried else offered


def _taken(setting: Setting, state: State, service: Service, place: Place, answer: Answer) -> list[Say]:
    rule = setting.places.whose(place, service) if setting.places is not None else None
    if rule is not None and rule.action != REFER:
        _drop(state, answer)
        state.lost = NOT_OURS
        return [Say(pack(rule.tell))]
    said = answer.said or answer.value
    news = rule is not None and state.spot.rule != rule.code
    _forget(state)
    state.place = ""
    state.spot = spot_of(place, service.code, rule.code if rule is not None else "")
    state.answers["location"] = Answer(place.label, said if said != place.label else "", asked=answer.asked)
    _note_asset(setting, state, service, place)
    return [Say(pack(rule.tell))] if rule is not None and news else []


def _note_asset(setting: Setting, state: State, service: Service, place: Place) -> None:
    """Answers the question for the number of a pole by the pole that the place is."""
    code = service.duplicate.asset if service.duplicate is not None else ""
    if place.asset is not None and code and code not in state.answers and setting.step(state, code) is not None:
        state.answers[code] = Answer(place.asset.id, asked=False)


def _not_taken(setting: Setting, state: State, found: Finding, answer: Answer) -> list[Say]:
    if isinstance(found, Unknown) and found.question is Question.WHERE_ALONG and _is_whole(setting, answer.value):
        # All of a street is no point, and no question more would make it one.
        state.answers["location"] = take_as_written(state, answer.value)
        return []
    asked_before = state.tried
    _drop(state, answer)
    if isinstance(found, Outside):
        state.lost = OUTSIDE
        return [Say(_outside(setting, found))]
    if isinstance(found, Unknown) and asked_before and found.question is not Question.WHICH_HOUSE:
        state.answers["location"] = take_as_written(state, _both(asked_before, answer.value))
        return [Say(own("utter_place_unverified"))]
    state.tried = answer.value
    if isinstance(found, Ambiguous):
        state.lost, state.offers = WHICH, [spot_of(place, "") for place in found.candidates]
    elif isinstance(found, Unknown):
        state.lost, state.about = found.question.value, found.about
        if found.question in _STREET_KNOWN:
            state.place = found.about
    return []


def _is_whole(setting: Setting, told: str) -> bool:
    """ "Otis Street, the whole street"."""
    return contains(told, setting.lexicon.whole_street)


def _both(first: str, then: str) -> str:
    """Two wordings of one place that is on no map: the crew may find it by both."""
    if set(words(first)) <= set(words(then)) or len(words(first)) + len(words(then)) > _MOST_WORDS:
        return then
    return f"{first}; {then}"


def _drop(state: State, answer: Answer) -> None:
    _forget(state)
    state.answers.pop("location", None)
    state.history = [code for code in state.history if code != "location"]
    state.place, state.misses = "", 0
    state.tried = answer.value


def _forget(state: State) -> None:
    """What was asked about an earlier wording."""
    state.offers, state.lost, state.about, state.tried = [], "", "", ""


def _outside(setting: Setting, found: Outside) -> Phrase:
    names = setting.pack.places
    town = next((town for town in names.neighbors if town.code == found.neighbor), None) if names else None
    if town is not None:
        key = "utter_place_neighbor" if town.phone else "utter_place_neighbor_unknown"
        return own(key, town=town.name, phone=town.phone)
    return pack(names.outside) if names is not None and names.outside else own("utter_place_outside")


def spot_of(place: Place, service: str, rule: str = "") -> Spot:
    """A found place as the state keeps it."""
    asset = place.asset or Asset("", "")
    return Spot(
        label=place.label,
        kind=place.kind.value,
        lat=place.point.lat,
        lon=place.point.lon,
        areas=dict(place.areas),
        streets=list(place.streets),
        landmark=place.landmark,
        landmark_kind=place.landmark_kind,
        asset=asset.id,
        asset_kind=asset.kind,
        asset_owner=asset.owner,
        asset_description=asset.description,
        service=service,
        rule=rule,
    )


def place_of(spot: Spot) -> Place:
    """The same, back again."""
    asset = Asset(spot.asset, spot.asset_kind, spot.asset_owner, spot.asset_description) if spot.asset else None
    return Place(
        Point(spot.lat, spot.lon),
        spot.label,
        PlaceKind(spot.kind),
        1.0,
        tuple(spot.streets),
        dict(spot.areas),
        spot.landmark,
        spot.landmark_kind,
        asset,
    )
