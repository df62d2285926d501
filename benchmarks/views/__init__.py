"""What drawing graphs of flows costs."""
