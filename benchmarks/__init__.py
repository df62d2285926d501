"""What things cost: programs that measure, and the generators of what they measure."""
