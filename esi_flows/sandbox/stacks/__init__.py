"""Stacks: what they are, what is being done to them, and how far that is by now.

Law of this package: nothing runs. An operation is planned whole when it is asked for, and the
state at any time is computed from the plan and the clock.
"""
