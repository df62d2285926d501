"""Where Heat differs from what was recorded.

Law of this package: it only reads. It is given a store that cannot write and a view of Heat that
knows no call but GET; what it finds is told without secrets.
"""
