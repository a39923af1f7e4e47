"""How alike prediction files are, in run space; no labels needed."""
