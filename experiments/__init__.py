"""Experiments: one file each, run as ``python -m experiments.NAME``."""

import sys

from medjax import start

if sys.argv[0] == '-m':  # Python has this in its place while it looks for the module to run
  start.command()
