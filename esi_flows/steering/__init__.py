"""Gives orders to groups and to the whole service.

Law: an order is durable in etcd before anything happens because of it, and is only written where it
can still be obeyed.
"""
