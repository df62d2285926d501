"""etcd behind one small interface.

Law of this package: an answer of False means *lost*, an exception means *unknown or not done*, and
a write whose fate is unknown is never sent again. An etcd client is imported here only.
"""
