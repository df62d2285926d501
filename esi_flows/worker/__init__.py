"""Handlers on other machines, through TaskFlow's worker-based engine and a broker.

Law: a worker writes nothing. It takes a step only while the conductor's claim stands and its errand
is not revoked, which it asks etcd before each step; the outcome is the conductor's to record.
"""
