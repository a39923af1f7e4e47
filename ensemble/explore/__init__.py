"""What a person should know of a data set before training."""
