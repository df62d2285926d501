"""From a change of an intent to the jobs that make it real.

Law of this package: pure. No I/O, no clock, no randomness but what is passed in; the same input
gives the same jobs.
"""
