"""Learners written here: readable reference implementations, one module and one YAML each."""
