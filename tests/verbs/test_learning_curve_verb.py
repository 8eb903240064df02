"""The learning curve of ``plan --shares``: parts of the training patients, the same test cases."""

import csv

import numpy as np
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
  cases = [size['examples'] for size in value['sizes']]
  assert [size['share'] for size in value['sizes']] == [0.2, 0.4, 0.7, 1.0]
  whole = round(cases[-1])
  assert cases == pytest.approx([0.2 * whole, 0.4 * whole, 0.7 * whole, whole], abs=1)
  assert all(len(size['draws']) == 2 for size in value['sizes'])
  assert [one['cases'] for one in value['forecast']] == [2 * whole, 4 * whole]
  assert all(one['reason'] == '2 draws: an interval needs 3' for one in value['forecast'])
  tested = set()
  for run in sorted(learnt.glob('share-*')):
    with open(run / 'predictions' / 'test.csv', newline='') as file:
      tested.add(tuple(row['id'] for row in csv.DictReader(file)))
    about, _ = sealed.read(run / 'data.json')
    note = f'of {whole} cases: config.data.train_share='
    assert any(note in line for line in about['notes']) == ('share-1.0-' not in run.name)
  assert len(tested) == 1


def test_the_page_says_what_more_cases_would_give(learnt):
  page = (learnt / 'learning-curve.html').read_text()
  assert 'training cases</strong>: test AUROC' in page
  assert page.count('<svg') == 1
  assert 'inverse power law' in page
  assert 'The test cases were looked at by 8 runs' in page


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


def grouped(folder, split=('train', 'val', 'test')):
  """A table of patients with one to five rows each, whose first row says nothing of the rest."""
  random = np.random.default_rng(0)
  rows = []
  for patient in range(240):
    drawn = split[int(random.integers(len(split)))]
    for visit in range(int(random.integers(1, 6))):
      ill = int(patient % 3 == 0 and visit > 0)
      where = drawn if patient % 2 == 0 else 'train'
      value = f'{random.normal(ill, 1):.4f}'
      rows.append([f'p{patient}', 'ill' if ill else 'well', where, value])
  with open(folder, 'w', newline='') as file:
    writer = csv.writer(file)
    writer.writerow(['patient', 'target', 'split', 'marker'])
    writer.writerows(rows)
  return ['--config.data.source', str(folder), '--config.data.label_column=target', *SMALL]


def test_draws_of_a_share_are_one_size_though_patients_have_many_rows(tmp_path):
  words = grouped(tmp_path / 'visits.csv')
  shares = ('--shares=0.25,0.5,0.75,1', '--draws=3', f'--workdir={tmp_path}/curve')
  assert call(*shares, *words) == 0
  value, _ = sealed.read(tmp_path / 'curve' / 'learning-curve.json')
  assert [size['share'] for size in value['sizes']] == [0.25, 0.5, 0.75, 1.0]
  assert all(len(size['draws']) == 3 for size in value['sizes'])
  whole = value['sizes'][-1]['groups']
  assert [size['groups'] for size in value['sizes']] == pytest.approx(
    [0.25 * whole, 0.5 * whole, 0.75 * whole, whole], abs=2
  )
  assert all(one['low'] < one['value'] < one['high'] for one in value['forecast'])
  page = (tmp_path / 'curve' / 'learning-curve.html').read_text()
  assert page.count('<tr><td') == 4


def test_without_a_test_split_it_is_validation(tmp_path, capsys):
  words = grouped(tmp_path / 'visits.csv', split=('train', 'val'))
  shares = ('--shares=0.5,1', '--draws=1', f'--workdir={tmp_path}/curve')
  assert call(*shares, *words) == 0
  out = capsys.readouterr().out
  assert 'val AUROC' in out
  assert 'would give: not known: 2 sizes: a curve needs 4' in out
  assert 'There is no test split' in (tmp_path / 'curve' / 'learning-curve.html').read_text()


def test_a_share_of_nothing_is_refused(tmp_path, capsys):
  words = grouped(tmp_path / 'visits.csv')
  config, words = tabular_mlp.Config(), [*words, '--config.data.train_share=0']
  with pytest.raises(SystemExit) as ended:
    cli.main(config, tabular_mlp.build, words)
  assert ended.value.code == 2
  assert 'config.data.train_share=0: expected more than 0' in capsys.readouterr().err
