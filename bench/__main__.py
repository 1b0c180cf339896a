"""``make bench``: the figures about whole turns. Other figures have commands of their own, named in the README."""

from bench.turns import main

main()
