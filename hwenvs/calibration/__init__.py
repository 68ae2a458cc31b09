"""Measures tables on real networks and real images, and writes their cards."""
