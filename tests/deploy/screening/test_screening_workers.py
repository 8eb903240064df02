"""Processes that read molecules: rows stay in order, few wait, and a killed one is an error."""

import concurrent.futures
import types
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest

pytest.importorskip('rdkit')

from medjax.data.molecules import Molecules
from medjax.data.molecules.features import Features
from medjax.data.molecules.records import Record
from medjax.data.molecules.standard import Standard
from medjax.data.molecules.stream import Streamed
from medjax.data.residues import Residues
from medjax.data.smiles import Smiles
from medjax.deploy.screening import screen, training, workers
from medjax.errors import UserError

MODALITIES = [
  Molecules(Standard(), Features(bits=64)),
  Molecules(Standard(), Features(bits=64, graph=True)),
]


class Pool:
  """Does a job when its result is asked for; counts what waits."""

  waiting = most = 0
  broken = False

  def __init__(self, count, context, begin, arguments):
    workers._job = lambda structures: workers.seen(*arguments, structures)

  def __enter__(self):
    return self

  def __exit__(self, *_):
    pass

  def shutdown(self, cancel_futures):
    assert cancel_futures

  def submit(self, work, structures):
    Pool.waiting += 1
    Pool.most = max(Pool.most, Pool.waiting)

    def result():
      Pool.waiting -= 1
      if self.broken:
        raise BrokenProcessPool
      return work(structures)

    return types.SimpleNamespace(result=result)


@pytest.fixture
def pool(monkeypatch):
  monkeypatch.setattr(concurrent.futures, 'ProcessPoolExecutor', Pool)
  monkeypatch.setattr(Pool, 'waiting', 0)
  monkeypatch.setattr(Pool, 'most', 0)
  return Pool


def rows(structures):
  return [Streamed(Record(i, f'line {i}', one, {})) for i, one in enumerate(structures)]


@pytest.mark.parametrize('modality', MODALITIES)
def test_processes_give_what_this_one_gives(pool, modality):
  given = rows(['C' * (i % 7 + 1) if i % 5 else 'C1' for i in range(103)])
  alone = list(workers.each_chunk(modality, given, 10, 0))
  together = list(workers.each_chunk(modality, iter(given), 10, 2))
  assert [row for chunk, _ in together for row in chunk] == given
  for (_, mine), (_, theirs) in zip(together, alone, strict=True):
    assert (mine.smiles, mine.error) == (theirs.smiles, theirs.error)
    for one, other in zip(mine.arrays, theirs.arrays, strict=True):
      assert one.keys() == other.keys()
      assert all(np.array_equal(one[name], other[name]) for name in one)
  assert pool.most == 3 * 2 + 1


def test_a_killed_process_is_one_line(pool, monkeypatch):
  monkeypatch.setattr(pool, 'broken', True)
  with pytest.raises(UserError, match=r'ended from outside.*perhaps with fewer --workers'):
    list(workers.each_chunk(MODALITIES[0], rows(['C']), 10, 1))


def test_what_rdkit_fails_at_is_said_of_its_row(monkeypatch):
  def fail(self, mol, smiles):
    raise RuntimeError('Pre-condition\nViolation')

  monkeypatch.setattr(Features, 'arrays', fail)
  found = workers.seen(MODALITIES[0], ['CC'])
  assert (found.smiles, found.error) == ([''], ['RDKit fails: Pre-condition Violation'])


def test_training_molecules_that_are_not_known(monkeypatch):
  def gone(config):
    raise UserError('bace.csv: no such file')

  config = types.SimpleNamespace(data=types.SimpleNamespace(source='bace.csv'))
  assert training.molecules(config, gone, None) == (
    None, "the run's data cannot be read again: bace.csv: no such file",
  )  # fmt: skip
  monkeypatch.setattr(training.dataset, 'describe', lambda workdir: {'fingerprint': 'a'})
  other = types.SimpleNamespace(data=types.SimpleNamespace(fingerprint='b'))
  assert training.molecules(config, lambda config: other, None) == (
    None, 'bace.csv has changed since the run began',
  )  # fmt: skip


def test_runs_that_read_no_molecules_are_refused(tmp_path):
  for modality, message in (
    (Smiles(('C',)), 'drug_screen: ranks molecules by what a run predicts, and this one is a lang'),
    (Residues(), 'drug_screen: ranks molecules, and these data are chains'),
  ):
    experiment = types.SimpleNamespace(data=types.SimpleNamespace(modality=modality))
    workdir = types.SimpleNamespace(folder=tmp_path)
    with pytest.raises(UserError, match=message):
      screen.screen(experiment, None, None, workdir, None)
