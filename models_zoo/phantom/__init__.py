"""Synthetic hand radiographs with true labels, in the layout of the hand-bone contest."""

from models_zoo.phantom.folder import PhantomSummary, make_phantom

__all__ = ["PhantomSummary", "make_phantom"]
