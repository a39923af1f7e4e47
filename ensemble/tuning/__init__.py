"""Which weights and thresholds, learned from labelled images, and what they are honestly worth."""
