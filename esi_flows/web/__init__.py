"""The pages that show flows in a browser, live.

Law: everybody who looks is shown one copy of the store, kept current by a watch. Nothing is written
but the orders of people, and only where it was started to let them.
"""
