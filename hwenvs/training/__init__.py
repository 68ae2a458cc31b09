"""Trains networks of the zoo on real images, where no published weights can be had."""
