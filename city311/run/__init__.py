"""Starts an installation: secrets, database, model, the three processes, and what happens when one of them dies.

`city311.run.start.run` and `city311.run.training.train` are what the command line calls.
"""
