"""Whose a place is, where it is not the city's."""

from __future__ import annotations

from city311.city.model import Service
from city311.city.places import PlaceNames, Responsible
from city311.places.model import Kind, Place


def whose(names: PlaceNames, place: Place, service: Service) -> Responsible | None:
    """Who looks after this place for this service instead of the city, by the pack's first rule that fits; or None."""
    rules = [rule for rule in names.responsible if _is_about(rule, service)]
    found = next((rule for rule in rules if _fits(rule, place)), None)
    if found is not None or place.kind is not Kind.INTERSECTION:
        return found
    # A corner of two streets, neither the city's: whose the first one is, they know whose the other is.
    owners = [next((rule for rule in rules if street in rule.streets), None) for street in place.streets]
    return owners[0] if owners and all(owners) else None


def _is_about(rule: Responsible, service: Service) -> bool:
    if not rule.groups and not rule.services:
        return True
    return service.group in rule.groups or service.code in rule.services


def _fits(rule: Responsible, place: Place) -> bool:
    if rule.streets and place.streets:
        on = [street in rule.streets for street in place.streets]
        # At a corner of two streets, one of them the city's, the city looks first.
        if all(on) if place.kind is Kind.INTERSECTION else any(on):
            return True
    if rule.areas and place.landmark in rule.areas:
        return True
    asset = place.asset
    return asset is not None and (asset.owner in rule.asset_owners or asset.description in rule.asset_descriptions)
