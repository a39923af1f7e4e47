"""Files: found, read with their faults named, written whole or not at all."""
