"""Measures tables of search spaces: architectures of a real supernet on real images."""
