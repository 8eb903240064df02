"""``python -m medjax.security``: keys, encrypted sets, and who may read them."""

import sys

from medjax.security import commands

if __name__ == '__main__':
  sys.exit(commands.main(sys.argv[1:]))
