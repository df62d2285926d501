"""A job group becomes a TaskFlow graph flow and runs on TaskFlow's parallel engine.

Law of this package: nothing happens outside before what it rests on is durable in etcd, and every
write of a group is one transaction fenced by its claim. What TaskFlow lacks is added by
subclassing, here and nowhere else.
"""
