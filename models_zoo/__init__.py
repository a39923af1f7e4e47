"""The zoo: makes members out of data, with the engine of `ensemble`."""
