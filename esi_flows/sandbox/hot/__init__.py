"""The Heat Orchestration Template language.

Law of this package: pure. A template is parsed into frozen objects; what it refuses, it refuses
with the message that Heat gives for the same text.
"""
