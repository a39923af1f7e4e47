"""Where predictions are wrong, and how: counts and distances, and a page of them."""
