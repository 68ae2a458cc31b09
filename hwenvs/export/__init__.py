"""Networks as files that other runtimes read."""
