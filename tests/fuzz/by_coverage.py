"""Tries one reader with files that reach new parts of it, until it is stopped (needs atheris).

python tests/fuzz/by_coverage.py DICOM -max_total_time=3600
"""

import pathlib
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).parents[1]), str(pathlib.Path(__file__).parent)]
import atheris  # noqa: E402

with atheris.instrument_imports(include=['medjax', 'pydicom', 'nibabel', 'tifffile', 'wfdb']):
  import parsers

import test_parsers  # noqa: E402


def main() -> None:
  """Begins with the whole files."""
  found = parsers.all_parsers()
  if len(sys.argv) < 2 or sys.argv[1] not in found:
    sys.exit(f'error: expected one of {", ".join(found)}')
  parser = found[sys.argv.pop(1)]
  with tempfile.TemporaryDirectory() as corpus:
    for number, seed in enumerate(parser.seeds):
      (pathlib.Path(corpus) / str(number)).write_bytes(seed)
    atheris.Setup([*sys.argv, corpus], lambda content: test_parsers.check(parser, content))
    atheris.Fuzz()


if __name__ == '__main__':
  main()
