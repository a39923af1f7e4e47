"""Jobs: the members of a zoo planned, trained side by side, told about."""
