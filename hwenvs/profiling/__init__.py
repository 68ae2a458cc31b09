"""Measures how long the layers of networks take on this machine, and writes tables of it."""
