"""Simulated binding follows its rule, and its targets have the motifs of kinases."""

import re

import numpy as np
import pytest

pytest.importorskip('rdkit')

from medjax.data.simulate import binding


def test_affinities_follow_the_rule():
  rows = binding.simulate(3, 30, 20, share=1.0)
  assert len(rows) == 600
  assert rows == binding.simulate(3, 30, 20, share=1.0)
  targets = binding.make_targets(3, 20)
  left = []
  for row in rows:
    pocket = targets[int(row['target'][-3:])].pocket
    rule = binding.affinity(binding.features(row['smiles']), pocket)
    assert float(row['affinity']) >= 5
    if rule > 6:
      left.append(float(row['affinity']) - rule)
  assert abs(np.mean(left)) < 0.05
  assert np.std(left) == pytest.approx(0.25, abs=0.03)


def test_the_rule_by_hand():
  # hinge, tail, halogen; back pocket, cavity, whole loop
  assert binding.affinity((False, False, False), (True, True, True)) == pytest.approx(4.8)
  assert binding.affinity((True, True, True), (True, True, True)) == pytest.approx(9.0)
  assert binding.affinity((True, True, True), (False, False, False)) == pytest.approx(5.5)
  assert binding.features('CNc1nccc(C(=O)Nc2cccc(C(F)(F)F)c2)n1') == (True, True, False)
  assert binding.features('Clc1ccccc1') == (False, False, True)


def test_targets_have_motifs_in_order_and_places_that_matter():
  targets = binding.make_targets(0, 60)
  order = re.compile(r'.*LGEG..KVY.*VAIK.*EYM.*GGSL.*HRDLAARN.*DFGLAR.*APE')
  for one in targets:
    assert order.match(one.sequence)
    assert one.sequence[one.gatekeeper + 1 : one.gatekeeper + 4] == 'EYM'
    assert one.sequence[one.cavity + 1 : one.cavity + 4] == 'DFG'
    assert one.pocket[0] == (one.sequence[one.gatekeeper] in 'AST')
  assert binding.make_targets(0, 5) == targets[:5]
  mutants = [
    (one, other)
    for i, one in enumerate(targets)
    for other in targets[:i]
    if len(one.sequence) == len(other.sequence)
    and sum(a != b for a, b in zip(one.sequence, other.sequence, strict=True)) == 1
  ]
  assert len(mutants) > 4
  assert any(one.pocket[0] != other.pocket[0] for one, other in mutants)
