"""etcd behind one small interface.

Law of this package: an answer of False means *lost*, an exception means *unknown or not done*, and
a write whose fate is unknown is never sent again. Only :mod:`esi_flows.store.etcd` imports an etcd client.
"""
