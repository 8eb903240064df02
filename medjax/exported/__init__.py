"""Exported: a finished run as one file, and what it says of cases.

A file of ``export`` is used where nothing is trained: ``load`` needs JAX and NumPy, and of medjax
only what turns a network's numbers into what is said of a case.
"""
