"""What durability costs: the same flows on our engine and on others, in one run on one machine.

Law of this package: nothing is measured that is not durable on disk at its end, unless its line
says so, and all that is compared was measured in the same run, beside what the disk can do.
"""
