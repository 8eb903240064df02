"""Seals a run folder again after a test has written or changed its files by hand."""

import json

from medjax.data import dataset
from medjax.training import history
from medjax.workdir import Workdir


def plain(path):
  """The values of a JSON file, sealed or not."""
  value = json.loads(path.read_text())
  value.pop('seal', None)
  return value


def run_folder(folder):
  """Every file of a run as its own verbs would have written it; returns the Workdir.

  A config and a description of data that are missing are made up, as all others are tied to them.
  """
  workdir = Workdir(folder)
  first = [workdir.config, workdir.data]
  for path in first:
    workdir.write(path, plain(path) if path.exists() else {'fingerprint': 'made'})
  others = set(workdir.folder.glob('*.json')) - {*first, workdir.evaluation}
  for path in sorted(others):
    workdir.write(path, plain(path))
  if workdir.evaluation.exists():
    made = sorted((workdir.folder / 'predictions').glob('*.csv'))
    made += [workdir.decision] if workdir.decision.exists() else []
    workdir.write(workdir.evaluation, plain(workdir.evaluation), covers=made)
  if workdir.metrics.exists():
    _metrics(workdir)
  return workdir


def _metrics(workdir):
  """Seals lines that are whole and leaves half a last one."""
  *lines, half = workdir.metrics.read_text().split('\n')
  run = workdir.identity()
  values = [json.loads(line) for line in lines]
  for value in values:
    value.pop('crc', None)
  workdir.metrics.write_text(''.join(history.spell(value, run) for value in values) + half)


def described(folder, data):
  """What a run's data.json says of a data set, as it is read later; ``folder`` is the run's."""
  workdir = Workdir(folder)
  workdir.write(workdir.config, {})
  workdir.claim_data(data.summary())
  return dataset.describe(workdir)
