"""What planning costs, and how that grows with the number of intents."""
