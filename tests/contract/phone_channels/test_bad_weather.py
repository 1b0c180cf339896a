"""Duplicates, reorders and failures on both sides: no turn, no answer is lost or doubled. The bench does thousands."""

from __future__ import annotations

from doubles.portal import Portal
from doubles.relay import RelayDouble
from doubles.storm import storm
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine


def test_nothing_is_lost_and_nothing_is_doubled(
    engine: Engine, portal: Portal, relay: RelayDouble, twilio: TwilioDouble
) -> None:
    damage = storm(engine, portal, relay, twilio, residents=8, each=8)
    assert damage.webhooks > damage.messages == 64
    assert damage.reordered > 50
    assert damage.sending_failures > 5
    assert (damage.lost_turns, damage.doubled_turns) == (0, 0)
    assert (damage.lost_answers, damage.doubled_answers) == (0, 0)
