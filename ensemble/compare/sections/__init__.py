"""The sections of the page of a comparison, one module a theme."""
