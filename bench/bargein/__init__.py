"""The barge-in bench: labelled telephone audio, the very ear and floor that calls use, and a report.

Nothing here is part of a call, and no audio is kept in the repository: recordings come from Debian packages,
noises are synthesised, both from a seed.
"""
