"""``python -m medjax.security``: keys, encrypted sets, and data without names."""

import sys

from medjax.deidentify import command as deidentify
from medjax.security import commands

if __name__ == '__main__':
  sys.exit(commands.main(sys.argv[1:], deidentify.COMMANDS))
