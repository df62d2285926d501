"""The courses of groups that have ended: found, exported, pinned, and removed when they are old.

Law: a course is never changed, but by the orders that were given to its group; a pinned one is
never removed.
"""
