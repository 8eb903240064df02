"""The comparison of graph networks: the same molecules and weights, mistakes said in one line."""

import dataclasses
import importlib.util

import numpy as np
import pytest

from medjax.bench import compare, molecules, network
from medjax.errors import UserError

pytest.importorskip('rdkit')

SMILES = ('CCO', 'CC', 'c1ccccc1O', 'CCN', 'not a molecule', 'C#N', 'CC(=O)C')


@pytest.fixture
def spec(tmp_path):
  source = tmp_path / 'some.csv'
  source.write_text('\n'.join(['smiles', *SMILES]))
  return molecules.Spec(str(source), '', 2, hidden=8, folder=str(tmp_path))


def test_molecules_make_whole_batches(spec):
  dataclasses.replace(spec, batch_size=4).write()
  assert spec.molecules() == ['CCO', 'CC', 'c1ccccc1O', 'CCN']
  weights, inputs = network.read(spec)
  assert weights['params.message.kernel'].shape == (8, 8)
  assert inputs['label'].shape == (4,)
  data = molecules.data(spec, inputs['label'])
  assert len(data.splits['train']) == 4
  assert data.input_shape['atoms'] == (7, 72)


@pytest.mark.parametrize(
  ('changed', 'message'),
  [
    ({'column': 'mol'}, "some.csv: no column 'mol' (it has smiles)"),
    ({'batch_size': 7}, 'some.csv: 6 molecules; expected 7, as many as a batch'),
    ({'source': 'nothing.csv'}, 'nothing.csv: no such file; expected a file of molecules'),
  ],
)
def test_mistakes_are_said(spec, changed, message):
  with pytest.raises(UserError) as error:
    dataclasses.replace(spec, **changed).write()
  assert str(error.value).endswith(message)


@pytest.mark.slow
@pytest.mark.parametrize('framework', ['medjax', 'chemprop'])
def test_a_framework_computes_the_same_outputs_and_is_timed(spec, framework):
  if framework == 'chemprop' and importlib.util.find_spec('chemprop') is None:
    pytest.skip('chemprop is not installed')
  spec.write()
  process = compare._Process(compare.Entrant(framework, False), spec)
  try:
    about = process.about()
    assert about.get('error') is None
    assert about['difference'] <= compare.TOLERANCE['float32']
    assert np.isfinite(process.block(1))
  finally:
    process.close()
