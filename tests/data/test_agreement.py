"""What sites agree on by default: moments of labels, and the same of everything else."""

import hashlib

import numpy as np
import pytest

from medjax.data import agreement
from medjax.errors import UserError


def test_labels_of_all_sites_have_the_moments_of_all_cases():
  random = np.random.default_rng(0)
  parts = [random.normal(i, 1 + i, size) for i, size in enumerate((7, 20, 13))]
  told = [
    agreement.told({'label_mean': part.mean(), 'label_scale': part.std(), 'unit': 'mm'})
    for part in parts
  ]
  found, notes = agreement.agreed(told, [len(part) for part in parts], ['a', 'b', 'c'])
  whole = np.concatenate(parts)
  assert found['label_mean'] == pytest.approx(whole.mean())
  assert found['label_scale'] == pytest.approx(whole.std())
  assert notes == []
  assert not agreement.is_settled(found)
  settled = agreement.settled({'label_mean': 0.0, 'label_scale': 1.0, 'unit': 'mm'}, found)
  assert settled == found | {'unit': 'mm'}
  assert agreement.is_settled(settled)


def test_what_is_told_beside_moments_is_a_digest():
  told = agreement.told({'typical': ['CCO']})
  assert told == {'typical': {'sha256': hashlib.sha256(b'["CCO"]').hexdigest()}}


@pytest.mark.parametrize(
  ('own', 'message'),
  [
    ({'unit': 'cm'}, 'unit, which is fitted to training cases, is other here'),
    ({'unit': 'mm', 'more': 1}, 'more: is fitted to training cases here or at other sites'),
    ({}, 'unit: is fitted to training cases here or at other sites'),
  ],
)
def test_what_is_other_at_a_site_is_said(own, message):
  with pytest.raises(UserError, match=message):
    agreement.settled(own, agreement.told({'unit': 'mm'}))
