"""What kinds of resources there are, and which templates their changes use.

Law of this package: a catalog is loaded whole or not at all, and never changes afterwards; a new
version is a new catalog.
"""
