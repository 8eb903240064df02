"""The verb ``bench``: how fast an experiment trains here."""

import pathlib
from collections.abc import Sequence
from typing import Any

from medjax import config as config_lib
from medjax import sealed
from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.verbs.run import Run


def bench(run: Run, words: Sequence[str]) -> None:
  """Measures, prints a table and writes it as JSON."""
  from medjax.bench import run as benches
  from medjax.bench import scaling

  about = {'experiment': run.name, 'config': config_lib.to_dict(run.config)}
  baseline = pathlib.Path(run.values.baseline).expanduser() if run.values.baseline else None
  before = _read(baseline, about) if baseline else {}
  cluster = scaling.parse(run.values.scale) if run.values.scale else None
  path = run.output(pathlib.Path(f'{run.name}-bench.json'))
  experiment = run.experiment()
  if run.devices.shards > 1:
    raise UserError('bench: measures a step with a whole state; expected config.shard=off')
  measured = benches.bench(experiment, run.config, run.devices)
  benches.table(run.name, measured)
  if cluster:
    measured['scaling'] = benches.scaling_table(measured, cluster)
  for line in benches.against(measured, before):
    print(f'against {baseline}: {line}')
  sealed.write(path, {**about, **measured})
  print(f'measurements: {path}')


def _read(path: pathlib.Path, about: dict[str, Any]) -> dict[str, Any]:
  """An earlier measurement of the same settings; read before anything is measured."""
  before, _ = sealed.read(path, 'measure again without --baseline')
  for name, value in about.items():
    if before.get(name) != value:
      raise UserError(f'--baseline={path}: is of another {name}; expected that of this command')
  return before


VERB = Verb(
  'bench',
  'measure how fast this experiment trains here, part by part',
  bench,
  (
    Flag('output', '', 'where it writes (default NAME-bench.json)', 'FILE'),
    Flag('scale', '', 'what 8, 64 and 512 such devices would do, by a model', 'CLUSTER'),
    Flag('baseline', '', 'what bench wrote before, to compare with', 'FILE'),
  ),
)
