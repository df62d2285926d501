"""Everything that is wrong with a catalog and its deployments, told at once and offline.

Law of this package: it never raises because of what it reads, and never asks anything but files; an
error is told only of what cannot work whatever the values are, anything less is a warning.
"""
