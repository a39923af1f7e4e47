"""Data sets: images, their labels in any layout, people, splits."""
