"""The verb ``bench``: how fast an experiment trains here."""

import pathlib
from collections.abc import Sequence

from medjax import config as config_lib
from medjax import sealed
from medjax.arguments import Flag, Verb
from medjax.verbs.run import Run


def bench(run: Run, words: Sequence[str]) -> None:
  """Measures, prints a table and writes it as JSON."""
  from medjax.bench import run as benches

  measured = benches.bench(run.experiment(), run.config, run.devices)
  benches.table(run.name, measured)
  path = run.output(pathlib.Path(f'{run.name}-bench.json'))
  about = {'experiment': run.name, 'config': config_lib.to_dict(run.config)}
  sealed.write(path, {**about, **measured})
  print(f'measurements: {path}')


VERB = Verb(
  'bench',
  'measure how fast this experiment trains here, part by part',
  bench,
  (Flag('output', '', 'where it writes (default NAME-bench.json)', 'FILE'),),
)
