"""Examples that a network learns from: read, kept, changed, mixed, put into batches."""
