"""Masks as runs of foreground: their strings, tables, sets and shapes."""
