"""Networks that other programs trained become members: weights found, renamed and checked."""
