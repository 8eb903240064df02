"""How the updates of sites become one."""

import numpy as np
import pytest

from medjax.federated import combine


def trees(count, seed=0):
  random = np.random.default_rng(seed)
  return [
    {
      'a': {'kernel': random.normal(size=(3, 2)).astype(np.float32)},
      'b': random.normal(size=4).astype(np.float32),
    }
    for _ in range(count)
  ]


def flat(tree):
  return np.concatenate([tree['a']['kernel'].ravel(), tree['b']])


def test_the_mean_counts_cases():
  changes = trees(3)
  found = combine.combined('mean', changes, [10, 30, 60])
  expected = 0.1 * flat(changes[0]) + 0.3 * flat(changes[1]) + 0.6 * flat(changes[2])
  np.testing.assert_allclose(flat(found), expected, rtol=1e-6)
  assert found['b'].dtype == np.float32


def test_the_median_is_that_of_each_parameter():
  changes = trees(4)
  found = combine.combined('median', changes, [1, 1, 1, 1000])
  expected = np.median(np.stack([flat(change) for change in changes]), axis=0)
  np.testing.assert_allclose(flat(found), expected)


def test_krum_takes_the_update_with_the_nearest_neighbours():
  base = trees(1)[0]
  near = [{'a': {'kernel': base['a']['kernel'] + d}, 'b': base['b']} for d in (0.0, 0.1, 0.3)]
  boosted = {'a': {'kernel': base['a']['kernel'] * 1e6}, 'b': base['b']}
  changes = [boosted, *near]
  found = combine.combined('krum', changes, [1000, 1, 1, 1])
  # By the definition, written out: squared distances to the nearest n - 3 others.
  vectors = np.stack([flat(change) for change in changes])
  distances = ((vectors[:, None] - vectors[None]) ** 2).sum(-1)
  scores = [np.sort(np.delete(row, i))[:1].sum() for i, row in enumerate(distances)]
  np.testing.assert_array_equal(flat(found), vectors[int(np.argmin(scores))])
  assert np.abs(flat(found)).max() < 100


@pytest.mark.parametrize(
  ('damage', 'reason'),
  [
    (lambda tree: tree['b'].__setitem__(1, np.nan), 'b holds values that are no numbers'),
    (
      lambda tree: tree['a']['kernel'].__setitem__((0, 0), np.inf),
      'a.kernel holds values that are no numbers',
    ),
    (lambda tree: tree.update(b=np.zeros(5)), r'b has shape (5,); expected (4,)'),
    (lambda tree: tree.update(c=np.zeros(1)), 'it has other parameters than the network'),
    (lambda tree: None, ''),
  ],
)
def test_an_update_that_cannot_be_used_says_why(damage, reason):
  like, update = trees(2)
  damage(update)
  assert combine.wrong(update, like) == reason


def test_values_of_another_kind_are_wrong():
  like = {'w': np.zeros(2, np.float32)}
  assert combine.wrong({'w': np.array(['a', 'b'])}, like) == 'w holds <U1; expected float32'
  assert combine.wrong({'w': np.zeros(2)}, like) == 'w holds float64; expected float32'


def test_a_boosted_update_is_far_from_others():
  assert combine.far([1.0, 2.0, 1.5, 100.0]) == [
    '',
    '',
    '',
    'its update is 57 times as large as that of most sites',
  ]
  assert combine.far([1.0, 100.0]) == ['', '']  # of two nobody knows which is usual
  assert combine.far([0.0, 0.0, 1.0]) == ['', '', '']


def test_clipping_keeps_the_direction():
  change = trees(1)[0]
  size = float(np.linalg.norm(flat(change)))
  found = combine.clipped(change, size, size / 4)
  np.testing.assert_allclose(flat(found), flat(change) / 4, rtol=1e-6)
  assert combine.clipped(change, size, 0.0) is change
  assert combine.clipped(change, size, 2 * size) is change
