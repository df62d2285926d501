"""The services as HTTP: parse a request, call one function, shape the answer.

Law of this package: no state and no rules of its own; what Keystone and Heat decide is decided
below it.
"""
