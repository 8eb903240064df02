"""The learning curve of ``plan --shares``: parts of the training patients, the same test cases."""

import csv

import pytest

from experiments import lung_cnn, tabular_mlp
from medjax import cli, sealed

SMALL = (
  '--config.num_epochs=2', '--config.data.simulated_rows=300', '--config.explanation=none',
  '--config.num_devices=1',
)  # fmt: skip


def call(*words):
  with pytest.raises(SystemExit) as ended:
    cli.main(tabular_mlp.Config(), tabular_mlp.build, ['plan', *words])
  return ended.value.code


@pytest.fixture(scope='module')
def learnt(tmp_path_factory):
  folder = tmp_path_factory.mktemp('learnt') / 'curve'
  words = ('--shares=1,0.2,0.4,0.7', '--draws=2', f'--workdir={folder}', *SMALL)
  assert call(*words) == 0
  return folder


def test_sizes_grow_and_the_test_cases_stay(learnt):
  value, _ = sealed.read(learnt / 'learning-curve.json')
  cases = [size['cases'] for size in value['sizes']]
  whole = cases[-1]
  assert cases == pytest.approx([0.2 * whole, 0.4 * whole, 0.7 * whole, whole], abs=1)
  assert all(len(size['draws']) == 2 for size in value['sizes'])
  assert [one['cases'] for one in value['forecast']] == [2 * whole, 4 * whole]
  assert all(one['low'] <= one['high'] for one in value['forecast'])
  tested = set()
  for run in sorted(learnt.glob('share-*')):
    with open(run / 'predictions' / 'test.csv', newline='') as file:
      tested.add(tuple(row['id'] for row in csv.DictReader(file)))
    about, _ = sealed.read(run / 'data.json')
    note = f'of {whole} cases: config.data.train_share='
    assert any(note in line for line in about['notes']) == ('share-1-' not in run.name)
  assert len(tested) == 1


def test_the_page_says_what_more_cases_would_give(learnt):
  page = (learnt / 'learning-curve.html').read_text()
  assert 'training cases</strong>: test AUROC' in page
  assert page.count('<svg') == 1
  assert 'inverse power law' in page


def test_the_same_command_stands(learnt, capsys):
  words = ('--shares=1,0.2,0.4,0.7', '--draws=2', f'--workdir={learnt}', *SMALL)
  assert call(*words) == 0
  assert 'trained' not in capsys.readouterr().out


@pytest.mark.parametrize('shares', ['0,1', '0.5,2', 'half', '0.5,,1', 'nan'])
def test_shares_are_numbers_up_to_one(shares, capsys, tmp_path):
  assert call(f'--shares={shares}', f'--workdir={tmp_path}/x') == 2
  assert f'--shares={shares}: expected numbers above 0 and at most 1' in capsys.readouterr().err


def test_images_are_taken_in_parts_as_well(make_images, tmp_path):
  """Of a folder, whose loader draws splits, and of simulated ones, which have some."""
  folder = tmp_path / 'images'
  make_images(folder, 40)
  config = lung_cnn.Config()
  counts = {}
  for source in (str(folder), 'simulated'):
    for share in (1.0, 0.5):
      config.data.source, config.data.image_size = source, 32
      config.data.simulated_train, config.data.simulated_val = 24, 8
      config.data.simulated_test, config.data.train_share = 8, share
      splits = lung_cnn.build(config).data.splits
      counts[source, share] = {name: len(split) for name, split in splits.items()}
    whole, half = counts[source, 1.0], counts[source, 0.5]
    assert half == whole | {'train': pytest.approx(whole['train'] / 2, abs=1)}
