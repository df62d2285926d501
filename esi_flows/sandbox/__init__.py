"""A cloud to try and test on: a simulated Keystone and Heat over real HTTP."""
