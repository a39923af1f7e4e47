"""The sections of the page of a diagnosis, one module a theme."""
