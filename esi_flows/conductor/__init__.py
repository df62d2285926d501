"""The service that compiles changes, admits and claims groups, and runs them.

Law of this package: level-triggered. A watch only says where to look again; every decision is made
on what is stored now, and written on condition that it still is.
"""
