"""Simulated data with known ground truth, one module a domain."""
