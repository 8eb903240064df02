"""Simulated regulatory DNA: truth against sequences, no shortcut, neither trivial nor hopeless."""

import itertools
from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from medjax.data.sequences import pwm
from medjax.data.sequences.alphabet import DNA
from medjax.data.simulate import motifs

TRAIN, TEST = 3000, 1000
WIDTH = {name: len(matrix) for name, matrix in motifs.PWMS.items()}


@pytest.fixture(scope='module')
def cases():
  return [motifs.simulate(seed=7, index=i) for i in range(TRAIN + TEST)]


def _labels(cases):
  return np.array([case.label for case in cases])


def _scan(sequence, matrix):
  """Log-odds of a motif that starts at each base, in bits: [length - W + 1]."""
  tokens = DNA.encode(sequence, '') - 1
  scores = np.log2(matrix / 0.25)
  places = np.arange(len(tokens) - len(matrix) + 1)[:, None] + np.arange(len(matrix))
  return scores[np.arange(len(matrix)), tokens[places]].sum(1)


def _strands(sequence):
  return sequence, DNA.decode(DNA.reverse_complement(DNA.encode(sequence, '')))


def _element_score(sequence):
  """Best M1 and M2 by the rule, on either strand: what a perfect model could compute."""
  best = -np.inf
  for strand in _strands(sequence):
    m1 = _scan(strand, motifs.PWMS['M1'])
    m2 = np.maximum(
      _scan(strand, motifs.PWMS['M2']),
      _scan(strand, pwm.reverse_complement(motifs.PWMS['M2'])),
    )
    for gap in range(motifs.GAP[0], motifs.GAP[1] + 1):
      offset = WIDTH['M1'] + gap
      best = max(best, (m1[: len(m2) - offset] + m2[offset:][: len(m1)]).max())
  return best


def _bag_score(sequence):
  """Best M1 and M2 anywhere."""
  return sum(
    max(_scan(strand, motifs.PWMS[name]).max() for strand in _strands(sequence))
    for name in ('M1', 'M2')
  )


def _lr_auroc(cases, features):
  model = LogisticRegression(C=0.001, max_iter=200)
  model.fit(features[:TRAIN], _labels(cases)[:TRAIN])
  return roc_auc_score(_labels(cases)[TRAIN:], model.decision_function(features[TRAIN:]))


def test_motifs_have_the_information_that_is_written_down():
  bits = {name: float(pwm.information(matrix).sum()) for name, matrix in motifs.PWMS.items()}
  assert bits == pytest.approx({'M1': 13.0, 'M2': 11.7, 'M3': 14.2}, abs=0.06)
  assert WIDTH == {'M1': 10, 'M2': 8, 'M3': 12}
  names = {name: pwm.consensus(matrix) for name, matrix in motifs.PWMS.items()}
  assert names == {'M1': 'GTCATAGCGT', 'M2': 'CGAAACTC', 'M3': 'TAACGGTATTGC'}
  for matrix in motifs.PWMS.values():
    np.testing.assert_allclose(matrix.sum(1), 1)


def test_no_motif_looks_like_another():
  """At every offset, on both strands, a consensus scores far below a site of its own."""
  for name, matrix in motifs.PWMS.items():
    own = _scan(pwm.consensus(matrix), matrix).max()
    for other, consensus in [(n, pwm.consensus(m)) for n, m in motifs.PWMS.items() if n != name]:
      for strand in _strands(f'{"A" * 12}{consensus}{"A" * 12}'):
        assert _scan(strand, matrix).max() < own / 2, (name, other)


def test_a_case_is_a_function_of_its_arguments():
  first, again = motifs.simulate(1, 5), motifs.simulate(1, 5)
  assert first.sequence == again.sequence
  assert first.sites == again.sites
  assert motifs.simulate(2, 5).sequence != first.sequence != motifs.simulate(1, 6).sequence


def test_kinds_sites_and_masks_agree(cases):
  for case in cases[:1500]:
    assert len(case.sequence) == len(case.mask) == 200
    assert set(case.sequence) <= set('ACGT')
    assert case.gc == sum(base in 'GC' for base in case.sequence) / 200
    assert case.label == (case.kind == 'element')
    ends = [(site.start, site.start + WIDTH[site.name]) for site in case.sites]
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(ends))
    assert all(0 <= start < end <= 200 for start, end in ends)
    mask = np.zeros(200, bool)
    for site, (start, end) in zip(case.sites, ends, strict=True):
      if case.label and site.name != 'M3':
        mask[start:end] = True
    np.testing.assert_array_equal(case.mask, mask)
    assert mask.sum() == 18 * case.label


def test_arrangements_are_those_of_their_kinds(cases):
  seen = Counter()
  for case in cases:
    planted = [site for site in case.sites if site.name != 'M3']
    if case.kind == 'shuffled':
      assert not planted
      continue
    first, second = planted
    gap = second.start - first.start - WIDTH[first.name]
    assert (10 <= gap <= 20) == (case.kind != 'spacing')
    if case.kind == 'single':
      assert first.name == second.name
      continue
    m1, m2 = sorted(planted, key=lambda site: site.name)
    assert (m1.name, m2.name) == ('M1', 'M2')
    downstream = (m2.start > m1.start) == (m1.strand == '+')
    assert downstream == (case.kind != 'order')
    seen[case.kind, m1.strand, m2.strand] += 1
  assert all(seen[kind, a, b] > 50 for kind in ('element', 'order') for a in '+-' for b in '+-')


def test_planted_sites_are_drawn_from_their_matrix(cases):
  for name, matrix in motifs.PWMS.items():
    drawn = []
    for case in cases:
      for site in case.sites:
        if site.name == name:
          text = case.sequence[site.start : site.start + WIDTH[name]]
          drawn.append(DNA.encode(_strands(text)[site.strand == '-'], ''))
    np.testing.assert_allclose(DNA.table[np.stack(drawn)].mean(0), matrix, atol=0.05)


def test_shares_of_kinds_and_of_the_motif_without_meaning(cases):
  kinds = Counter(case.kind for case in cases)
  for kind, share in {
    'element': 0.5, 'shuffled': 0.2, 'single': 0.1, 'spacing': 0.1, 'order': 0.1,
  }.items():  # fmt: skip
    assert kinds[kind] / len(cases) == pytest.approx(share, abs=0.025)
    of_kind = [case for case in cases if case.kind == kind]
    decoys = np.mean([any(site.name == 'M3' for site in case.sites) for case in of_kind])
    assert decoys == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize('length', [1, 2])
def test_classes_hardly_differ_in_composition(cases, length):
  counts = CountVectorizer(analyzer='char', ngram_range=(length, length), lowercase=False)
  share = counts.fit_transform([case.sequence for case in cases]).toarray() / (201 - length)
  positive = _labels(cases) == 1
  assert np.abs(share[positive].mean(0) - share[~positive].mean(0)).max() < 0.005
  features = StandardScaler().fit_transform(share)
  assert _lr_auroc(cases, features) < 0.58


def test_words_tell_something_and_not_all(cases):
  counts = CountVectorizer(analyzer='char', ngram_range=(6, 6), lowercase=False)
  auroc = _lr_auroc(cases, counts.fit_transform([case.sequence for case in cases]))
  assert 0.6 < auroc < 0.9


def test_the_rule_tells_nearly_all_and_a_bag_of_motifs_does_not(cases):
  test = cases[TRAIN:]
  rule = roc_auc_score(_labels(test), [_element_score(case.sequence) for case in test])
  bag = roc_auc_score(_labels(test), [_bag_score(case.sequence) for case in test])
  assert rule > 0.96
  assert 0.6 < bag < 0.85


def test_every_length_has_room_and_others_are_refused():
  for length in (100, 101, 1000):
    for index in range(300):
      case = motifs.simulate(3, index, length)
      assert len(case.sequence) == len(case.mask) == length
  for options in ({'seed': -1}, {'index': -1}, {'length': 99}, {'length': 10_001}):
    with pytest.raises(ValueError, match='must'):
      motifs.simulate(**({'seed': 0, 'index': 0} | options))
