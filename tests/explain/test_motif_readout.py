"""Motifs of filters and of contributions, where it is known what they are."""

import numpy as np
import pytest

from medjax.data.sequences import pwm
from medjax.data.sequences.alphabet import DNA
from medjax.explain import seqlets
from medjax.explain.motifs import Match, Readout, best_match, read_out

KNOWN = np.eye(4)[[0, 2, 1, 1, 3, 0]] * 0.88 + 0.03  # AGCCTA


def sequences(count=200, length=40, both=False, seed=0):
  """Random ones with an occurrence of KNOWN each; and where it is, bool [N, L]."""
  random = np.random.default_rng(seed)
  x = np.eye(4, dtype=np.float32)[random.integers(0, 4, (count, length))]
  mask = np.zeros((count, length), bool)
  for row, there in zip(x, mask, strict=True):
    start = random.integers(0, length - len(KNOWN) + 1)
    matrix = pwm.reverse_complement(KNOWN) if both and random.random() < 0.5 else KNOWN
    site = [DNA.letters.index(letter) for letter in pwm.sample(matrix, random)]
    row[start : start + len(KNOWN)] = np.eye(4)[site]
    there[start : start + len(KNOWN)] = True
  return x, mask


@pytest.mark.core
def test_a_filter_is_read_out_where_it_responds():
  """Against counting the sites by hand."""
  x, _ = sequences()
  x[0, 30:] = 0  # padding is no site
  kernel = np.stack([KNOWN, -np.ones((6, 4))], axis=2)
  found = read_out(kernel, x, pseudocount=0.0, least=1)
  assert list(found) == ['filter_0']  # what is the same for all letters looks for nothing
  centred = KNOWN - KNOWN.mean(axis=1, keepdims=True)
  windows = [
    row[at : at + 6] for row in x for at in range(35) if row[at : at + 6].any(axis=1).all()
  ]
  responses = np.array([(window * centred).sum() for window in windows])
  strong = np.stack(windows)[responses >= 0.8 * responses.max() - 1e-6]
  np.testing.assert_allclose(found['filter_0'].pwm, strong.mean(axis=0), atol=1e-6)
  assert found['filter_0'].sites == len(strong)
  assert read_out(kernel, x[:2], least=50) == {}
  assert read_out(kernel, x[:, :4]) == {}


@pytest.mark.core
def test_the_best_match_is_aligned_and_on_either_strand():
  wide = np.full((9, 4), 0.25)
  wide[2:8] = KNOWN
  found = {'other': Readout(np.eye(4), 20), 'it': Readout(wide, 20)}
  assert best_match(found, KNOWN) == Match('it', 1.0, 2, '+')
  turned = {'it': Readout(pwm.reverse_complement(wide), 20)}
  assert best_match(turned, KNOWN, DNA.letter_complement) == Match('it', 1.0, 2, '-')
  assert best_match(turned, KNOWN).correlation < 0.9
  assert best_match({}, KNOWN) is None
  # What lies beyond a short read-out counts as indifferent.
  short = {'half': Readout(KNOWN[:3], 20)}
  expected = np.corrcoef(np.r_[KNOWN[:3], np.full((3, 4), 0.25)].ravel(), KNOWN.ravel())[0, 1]
  assert best_match(short, KNOWN).correlation == pytest.approx(expected)
  flat = {'flat': Readout(np.full((6, 4), 0.25), 20)}
  assert best_match(flat, KNOWN).correlation == 0.0


@pytest.mark.core
@pytest.mark.parametrize('both', [False, True])
def test_contributions_show_the_motif(both):
  x, mask = sequences(both=both)
  noise = np.random.default_rng(2).normal(0, 0.05, mask.shape)
  found = seqlets.discover(x, mask + noise, complement=DNA.letter_complement if both else None)
  match = best_match(found, KNOWN, DNA.letter_complement if both else None)
  assert match.correlation > 0.98
  assert found[match.name].sites > 100
  assert len(found['motif_1'].pwm) <= 8  # ends that say nothing are cut off


@pytest.mark.core
def test_two_motifs_are_two():
  x, mask = sequences(300, 60)
  other = np.eye(4)[[3, 3, 0, 3, 3, 0, 2]]
  for row, there in zip(x, mask, strict=True):
    at = 2 if there[30:].any() else 50
    row[at : at + 7], there[at : at + 7] = other, True
  found = seqlets.discover(x, mask * 1.0)
  assert best_match(found, KNOWN).correlation > 0.95
  assert best_match(found, other).correlation > 0.95
  assert best_match(found, KNOWN).name != best_match(found, other).name


def test_nothing_to_discover():
  x, mask = sequences(30)
  assert seqlets.discover(x, -1.0 * mask) == {}
  with pytest.raises(ValueError, match='shorter than 11'):
    seqlets.discover(x[:, :8], mask[:, :8])
