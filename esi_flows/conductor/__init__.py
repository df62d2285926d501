"""The service that compiles changes, claims groups and runs them."""
