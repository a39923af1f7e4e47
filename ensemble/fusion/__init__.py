"""Members together: soft maps, what each weighs, their sums, masks of image after image."""
