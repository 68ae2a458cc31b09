"""Transforms of real weights: folding, channel selection, least-squares reconstruction."""
