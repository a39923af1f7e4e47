"""One reader a label layout; all give `Label`s for sample names."""
