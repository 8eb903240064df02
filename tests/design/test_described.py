"""Descriptions of molecules, and figures of them beside those that MOSES gives."""

import gzip

import numpy as np
import pytest

pytest.importorskip('rdkit')

from medjax.design import figures
from medjax.design.described import describe
from medjax.design.memory import Memory, scaffold
from medjax.design.nearest import nearest
from medjax.design.objective import Objective

# molsets 0.3.1 with RDKit 2026.9.1, of rows 201 to 400 of MOSES' test.csv as generated and rows 1
# to 200 as reference: moses.metrics.metrics.internal_diversity(gen, p=1) and p=2,
# utils.average_agg_tanimoto(ref_fps, gen_fps), FragMetric()(gen=gen, ref=ref), ScafMetric and
# WassersteinMetric(f) for f of logP, SA, QED and weight.
OF_MOSES = {
  'intdiv1': 0.8463344577074051,
  'intdiv2': 0.826062193006358,
  'snn': 0.38808924444019793,
  'fragments': 0.9685650291290112,
  'scaffolds': 0.4645866665684695,
  'distance_logp': 0.10000750000000012,
  'distance_sa': 0.1063381236550461,
  'distance_qed': 0.016320818128408254,
  'distance_weight': 3.1782450000000084,
}


def test_figures_are_those_of_moses(shared_data):
  with gzip.open(shared_data('drug_moses') / 'test.csv.gz', 'rt') as file:
    smiles = [next(file).strip().split(',')[0] for _ in range(401)][1:]
  found = figures.of_molecules(describe(smiles[200:]), describe(smiles[:200]))
  values = {name: found[name].value for name in OF_MOSES}
  assert values == pytest.approx(OF_MOSES, rel=1e-6)


def test_a_molecule_is_described_as_chemists_have_it():
  phenol, biphenyl = describe(['Oc1ccccc1']), describe(['c1ccccc1CCOCc1ccccc1'])
  assert phenol.properties['weight'][0] == pytest.approx(94.113, abs=1e-3)
  assert not phenol.scaffolds  # one ring alone
  assert list(biphenyl.scaffolds) == ['c1ccc(CCOCc2ccccc2)cc1']
  assert any('O' in name for name in biphenyl.fragments)
  assert 1 < phenol.properties['sa'][0] < 2
  assert describe(['O=C1NC(=S)SC1=Cc1ccccc1']).alert[0]  # a rhodanine
  assert not phenol.alert[0]
  assert describe([]).bits.shape == (0, 1024)


def test_a_scaffold_is_rewarded_a_limited_number_of_times():
  memory = Memory(least=0.5, bucket=2)
  rings = ['Cc1ccccc1', 'CCc1ccccc1', 'CCCc1ccccc1', 'Cc1ccccc1', 'CC1CCCCC1', '']
  rewards = memory.rewards(rings, rings, np.array([0.9, 0.8, 0.7, 0.9, 0.6, 0.0]))
  assert rewards.tolist() == [0.9, 0.8, 0.0, 0.0, 0.6, 0.0]
  assert memory.best(2) == ['Cc1ccccc1', 'CCc1ccccc1']
  again = Memory(**memory.to_json())
  assert again.rewards(['Fc1ccccc1'], ['Fc1ccccc1'], np.array([0.9])).tolist() == [0.0]
  assert scaffold('CCO') == ''


def test_replay_draws_different_ones_of_the_best():
  memory = Memory(least=0.0, bucket=99)
  names = ['C' * length for length in range(1, 9)]
  memory.rewards(names, names, np.linspace(0.1, 0.8, 8))
  drawn = memory.replay(3, 4, np.random.default_rng(0))
  assert len(set(drawn)) == 3
  assert set(drawn) <= set(names[4:])
  assert Memory(0.5, 1).replay(3, 4, np.random.default_rng(0)) == []


def test_the_nearest_is_found_across_parts(monkeypatch):
  monkeypatch.setattr('medjax.design.nearest._PART', 2)
  among = ['CCO', 'c1ccccc1', 'CCN', 'Cc1ccccc1', 'CC(=O)O']
  names, alike = nearest(['OC(C)=O', 'Cc1ccccc1'], among)
  assert names == ['CC(=O)O', 'Cc1ccccc1']
  assert alike.tolist() == [1.0, 1.0]


def test_a_score_is_the_geometric_mean_of_its_parts():
  objective = Objective(None, qed=True, sa=True)
  values = objective.values(['CC(=O)Oc1ccccc1C(=O)O'])
  qed, sa = values['qed'][0], values['sa'][0]
  assert qed == pytest.approx(0.5501, abs=1e-3)  # of aspirin, as RDKit has it
  assert objective.scores(values)[0] == pytest.approx(np.sqrt(qed * (10 - sa) / 9))
  assert objective.title() == 'drug-likeness (QED), easy to make (SA)'
