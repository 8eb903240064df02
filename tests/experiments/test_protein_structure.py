"""The experiment on secondary structure, from the command line."""

import csv
import functools
import json
import shutil

import numpy as np
import pytest

from experiments import protein_structure
from medjax.data import residues
from medjax.data.simulate import chains
from medjax.evaluation import read_positions
from medjax.training import history
from medjax.workdir import Workdir


@pytest.fixture
def command(run_experiment):
  """Runs the command line in this process; see ``run_experiment``."""
  return functools.partial(run_experiment, protein_structure)


SMALL = (
  '--config.features=8',
  '--config.hidden=8',
  '--config.dilations=1',
  '--config.learning_rate=0.02',
  '--config.dropout=0.0',
  '--config.batch_size=8',
)


def _write(count=60):
  """Chains of two lengths in which the residue says the state: helices are A, strands V."""
  rng = np.random.default_rng(0)
  with open('chains.fa', 'w') as source, open('states.fa', 'w') as states:
    for i in range(count):
      length = [60, 90][i % 2]
      letters = ''.join(np.repeat(rng.choice(list('HEC'), 30), rng.integers(2, 6, 30)))[:length]
      letters += 'C' * (length - len(letters))
      others = rng.choice(list('GSTNDKRQ'), length)
      sequence = ''.join(
        {'H': 'A', 'E': 'V'}.get(s, o) for s, o in zip(letters, others, strict=True)
      )
      source.write(f'>c{i}\n{sequence}\n')
      where = 'SET=test' if i % 4 == 0 else f'SET=train VALIDATION={i % 4 == 1}'
      states.write(f'>c{i} {where}\n{letters}\n')


def test_a_run_learns_evaluates_and_predicts_new_chains(command, tmp_path):
  _write()
  code, out, err = command(
    '--config.data.source=chains.fa',
    '--config.data.labels=states.fa',
    '--config.data.allow_group_overlap=true',
    '--config.num_epochs=8',
    '--config.num_devices=1',
    '--workdir=run',
    *SMALL,
  )
  assert code == 0, err
  assert 'test Q3' in out
  table = read_positions(tmp_path / 'run' / 'predictions' / 'test.csv')
  data = residues.load(
    residues.Config(source='chains.fa', labels='states.fa', allow_group_overlap=True)
  )
  # Rows are in the order of the split, whatever batches were made of.
  assert table.id.tolist() == data.splits['test'].id.tolist()
  assert [len(text) for text in table.prediction] == data.splits['test'].sizes['positions'].tolist()
  found = json.loads((tmp_path / 'run' / 'evaluation.json').read_text())['test']
  right = np.mean([
    t == p
    for label, called in zip(table.label, table.prediction, strict=True)
    for t, p in zip(label, called, strict=True)
  ])  # fmt: skip
  assert found['q3']['value'] == pytest.approx(right)
  assert right > 0.9
  assert 'stroke-linejoin' in (tmp_path / 'run' / 'report.html').read_text()

  # Longer than any chain of training, and as good.
  states = 'CC' + 'HHHHHHEEEECCC' * 10
  longer = ''.join({'H': 'A', 'E': 'V', 'C': 'G'}[state] for state in states)
  (tmp_path / 'new.fa').write_text(f'>long\n{longer}\n>short\nGAAAAG\n>bad\nGA1\n')
  code, out, err = command(
    'predict', 'new.fa', '--workdir=run', '--output=out.csv', '--config.num_devices=1'
  )
  assert code == 0, err
  with open('out.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  assert [row['length'] for row in rows] == [str(len(states)), '6', '']
  assert np.mean([a == b for a, b in zip(rows[0]['states'], states, strict=True)]) > 0.9
  assert 'position 3' in rows[2]['error']
  assert (tmp_path / 'out.html').read_text().count('<svg') == 2


def test_two_devices_and_a_resumed_run_train_as_one(command, tmp_path):
  """To rounding with two devices, and to the bit from a checkpoint within an epoch."""
  _write(32)
  common = (
    '--config.data.source=chains.fa',
    '--config.data.labels=states.fa',
    '--config.data.allow_group_overlap=true',
    '--config.num_epochs=2',
    '--config.checkpoint_steps=1',
    '--config.keep_checkpoints=10',
    *SMALL,
  )

  def train(name, devices, feeding):
    code, _, err = command(
      *common,
      f'--config.num_devices={devices}',
      f'--config.feeding={feeding}',
      f'--workdir={name}',
    )
    assert code == 0, err
    lines = history.read(Workdir(tmp_path / name)).lines
    return [(line['step'], line['loss']) for line in lines]

  one, two = train('one', 1, 'streamed'), train('two', 2, 'resident')
  assert len(one) == 6  # two updates and a validation in each epoch
  np.testing.assert_allclose(one, two, rtol=1e-4)
  for step in (2, 3, 4):
    shutil.rmtree(tmp_path / 'one' / 'checkpoints' / str(step))
  assert train('one', 1, 'resident') == one


def test_simulated_chains_make_the_default():
  config = protein_structure.Config()
  config.data.simulated = 60
  experiment = protein_structure.build(config)
  assert experiment.data.simulated
  assert experiment.data.input_shape[0] <= chains.LENGTHS[1]
  assert experiment.task.outcome.monitor == 'q3'
