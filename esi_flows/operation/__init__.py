"""What a service shows to those who operate it: health, metrics, logs, signals.

Law of this package: it only looks on. What is observed goes on in the same way when nobody looks,
and no secret is in anything that is shown.
"""
