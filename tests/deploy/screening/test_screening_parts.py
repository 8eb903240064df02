"""What a screen is made of: parts on disk, the best of many rows, hits and picks."""

import dataclasses
import types

import numpy as np
import pytest

pytest.importorskip('rdkit')

from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from medjax.data.molecules import Molecules, domain
from medjax.data.molecules.features import Features
from medjax.data.molecules.records import Record
from medjax.data.molecules.standard import Standard
from medjax.deploy.screening import best, hits, library, ranking
from medjax.deploy.screening.parts import Parts
from medjax.errors import UserError

UNKNOWN = Molecules(Standard(), Features())  # nothing says what it was trained on
COLUMNS = ('row', 'smiles', 'probability', 'active', 'error')


def made(values, smiles=None):
  return [
    {
      'row': f'row {i}', 'name': '', 'smiles': smiles[i] if smiles else 'C' * (i + 1),
      'probability': str(value), 'active': '', 'error': '',
    }
    for i, value in enumerate(values)
  ]  # fmt: skip


@pytest.mark.parametrize('lowest', [False, True])
def test_the_best_of_many_are_those_of_a_sort(lowest):
  values = np.round(np.random.default_rng(0).normal(size=400), 1)  # with ties
  found = best.rank(made(values), 'probability', lowest, 30)
  order = np.argsort(values if lowest else -values, kind='stable')[:30]
  assert [one.row['row'] for one in found.best] == [f'row {i}' for i in order]
  assert (found.rows, found.unreadable, found.molecules) == (400, 0, 400)
  assert np.abs(found.score).tolist() == np.abs(values).tolist()


def test_rows_of_one_molecule_are_one_hit():
  rows = made([0.5] * 30 + [0.9], ['CCO'] * 30 + ['CCN'])
  rows.append(rows[0] | {'row': 'row 31', 'error': 'torn'})
  found = best.rank(rows, 'probability', False, 5)
  first, second = found.best
  assert (first.row['smiles'], first.copies) == ('CCN', [])
  assert second.copies == [f'row {i}' for i in range(1, 21)]
  assert second.more == 9
  assert (found.molecules, found.unreadable) == (2, 1)
  assert found.first.tolist() == [0, 30]


def test_molecules_that_were_trained_on_are_counted():
  rows = made([0.1, 0.2, 0.3, 0.4], ['CCO', 'CCN', 'CCC', 'CCO'])
  rows[0]['active'] = rows[3]['active'] = '1'
  found = best.rank(rows, 'probability', False, 5)
  assert found.among(['CCO', 'CCC', 'CCF']) == 2
  assert found.among(['CCO', 'CCC', 'CCF'], active=True) == 1
  assert found.known.tolist() == [1, -1, -1, 1]


def test_parts_are_read_as_they_were_written(tmp_path):
  parts = Parts(tmp_path / 'out', {'library': 'a'}, COLUMNS)
  rows = [{name: f'=1+1 {name} "{i}"\n' for name in COLUMNS} for i in range(5)]
  parts.write(rows[:3])
  parts.write(rows[3:])
  again = Parts(tmp_path / 'out', {'library': 'a'}, COLUMNS)
  assert list(again.rows()) == rows
  assert again.rows_done() == 5
  assert [path.name for path in again.files()] == ['part-00000.csv', 'part-00001.csv']


def test_other_folders_and_damaged_parts_are_refused(tmp_path):
  parts = Parts(tmp_path / 'out', {'library': 'a'}, COLUMNS)
  with pytest.raises(UserError, match=r'a screen of another library \(a, now b\)'):
    Parts(tmp_path / 'out', {'library': 'b'}, COLUMNS)
  for _ in range(2):
    parts.write([dict.fromkeys(COLUMNS, '1')])
  first = parts.files()[0]
  first.write_text('row,smiles\n1,2\n')
  with pytest.raises(UserError, match=r'part-00000.csv: is damaged \(other columns\)'):
    list(parts.rows())
  first.write_text(','.join(COLUMNS) + '\n1,2\n')
  with pytest.raises(UserError, match=r'part-00000\.csv: is damaged'):
    list(parts.rows())
  first.unlink()
  with pytest.raises(UserError, match=r'part-00000\.csv: is missing'):
    parts.files()
  (tmp_path / 'mine').mkdir()
  (tmp_path / 'mine' / 'thesis.txt').touch()
  with pytest.raises(UserError, match='files that are not of a screen'):
    Parts(tmp_path / 'mine', {}, COLUMNS)


def test_picks_are_diverse_and_pass():
  amides = [f'Cc1ccc(C(=O)N2{"C" * n}2)cc1' for n in range(4, 8)]
  smiles = [*amides, 'O=[N+]([O-])c1ccccc1C', 'Oc1ncccc1C1CCNCC1', 'COCCC1CCOC1']
  found = best.rank(made(np.linspace(1, 0, 7), smiles), 'probability', False, 7)
  trained = Features().fingerprint(Chem.MolFromSmiles('Cc1ccc(C(=O)N2CCCC2)cc1'))
  known = domain.fit(np.minimum(trained, 1)[None], ['train'], 0.05)
  described = hits.describe(found.best, dataclasses.replace(UNKNOWN, domain=known))
  assert described[0].nearest == pytest.approx(1)
  generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
  bits = [generator.GetFingerprint(Chem.MolFromSmiles(one)) for one in smiles]
  nearest = [DataStructs.TanimotoSimilarity(one, bits[0]) for one in bits]
  assert [hit.nearest for hit in described] == pytest.approx(nearest, abs=1e-6)
  picks = hits.pick(described, 3)
  assert [hit.found.row['smiles'] for hit in picks] == [smiles[0], *smiles[5:]]
  assert len(hits.pick(described, 50)) == 6
  assert all(hit.inside for hit in described)  # of one training molecule no limit is known
  unknown = hits.describe(found.best, UNKNOWN)[0]
  assert unknown.nearest is unknown.inside is None


def test_no_text_ends_a_record_of_an_sd_file(tmp_path):
  row = made([0.5], ['CCO'])[0] | {'name': '$$$$', 'row': '> <x>\nM  END'}
  found = hits.describe(best.rank([row], 'probability', False, 1).best, UNKNOWN)
  hits.write_sdf(found, ['row', 'name', 'smiles', 'probability'], tmp_path / 'hits.sdf')
  mols = list(Chem.SDMolSupplier(str(tmp_path / 'hits.sdf')))
  assert len(mols) == 1
  assert mols[0].GetProp('name').strip() == '$$$$'
  assert mols[0].GetProp('row').strip() == '> <x> M  END'


def test_which_molecules_are_known_actives(tmp_path):
  record = Record(0, 'row 2', 'C', {'Activity': '1.0', 'hinge': '0'})
  two = library.of_run(['activity'], ['0', '1'], '')
  assert two.cell(record, 'C') == '1'
  assert two.cell(Record(0, '', 'C', {'activity': 'odd'}), 'C') == ''
  assert two.cell(Record(0, '', 'C', {'y': '1'}), 'C') == ''
  assert library.of_run(['activity'], ['0', '1', '2'], '0').cell(record, 'C') == '0'
  assert library.of_run(['hinge', 'x'], ['hinge', 'x'], 'hinge').cell(record, 'C') == '0'
  assert library.of_run(['y'], (), '').cell(record, 'C') == ''
  path = tmp_path / 'known.smi'
  path.write_text('OCC\n')
  named = library.of_file(path, Standard())
  assert [named.cell(record, one) for one in ('CCO', 'C')] == ['1', '0']


@pytest.mark.parametrize(
  ('classes', 'numbers', 'named', 'expected'),
  [
    ((), ['prediction', 'low', 'high'], '', ('prediction', 0)),
    (('no', 'yes'), ['probability'], 'yes', ('probability', 1)),
    (('a', 'b', 'c'), ['probability_a', 'probability_b', 'probability_c'], 'b',
     ('probability_b', 1)),
  ],
)  # fmt: skip
def test_the_column_that_is_ranked(classes, numbers, named, expected):
  experiment = types.SimpleNamespace(data=types.SimpleNamespace(classes=classes))
  assert ranking._ranked(experiment, numbers, named) == expected


@pytest.mark.parametrize(
  ('classes', 'named', 'message'),
  [
    ((), 'a', 'predicts a number; expected no class'),
    (('a', 'b', 'c'), '', 'expected the class to rank by, one of a, b, c'),
    (('a', 'b', 'c'), 'd', '--class=d: expected one of a, b, c'),
  ],
)
def test_a_class_that_cannot_be_ranked(classes, named, message):
  experiment = types.SimpleNamespace(data=types.SimpleNamespace(classes=classes))
  with pytest.raises(UserError, match=message):
    ranking._ranked(experiment, [f'probability_{one}' for one in classes], named)


def test_names_of_a_library():
  assert library.name(Record(0, '', '', {'y': '1', 'ID': 'a'})) == 'a'
  assert library.name(Record(0, '', '', {})) == ''
