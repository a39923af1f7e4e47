"""What each part of an ensemble is worth: members, weights, thresholds, views, seconds."""
