"""What runs inside Rasa's own process: language understanding, relay, words, tracker store, and fixes to Rasa.

Whichever of them Rasa loads first, the fixes come with it.
"""

from city311.dialogue import later

later.install()  # before anything imports Rasa

from city311.dialogue import fixes  # noqa: E402

fixes.apply()
