"""Pruned and quantized networks as files that other programs run."""
