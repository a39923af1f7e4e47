"""What is done to soft maps: views, windows, masks, sums, doubt."""
