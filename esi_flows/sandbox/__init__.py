"""A cloud to try and test on: a simulated Keystone and Heat over real HTTP.

Law of this package: it knows the clients only by what they send. It answers as Keystone and Heat
do (status codes, headers and message texts included), keeps its state in one folder, and derives
every status from the clock, so that no thread belongs to any stack.
"""
