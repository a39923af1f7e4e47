"""A member learns: losses, steps, validation, averages, its state on disk."""
