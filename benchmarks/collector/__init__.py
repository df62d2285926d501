"""What watching very many targets costs one collector."""
