"""The sections of the page of an exploration, one module a theme; each is None without data."""
