"""What running a deployment would do, and why, computed before anything happens.

Law of this package: it never writes. It is given a store that can only be read, reads it at one
revision, and computes the rest with the very functions that compile and apply.
"""
