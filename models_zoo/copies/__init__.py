"""Changed copies of a labelled folder, made once and kept as files."""
