"""The engine: images, labels, members, views, soft maps, masks and scores."""

__version__ = "0.1.0"
