"""Copies: planted ones are all found, whatever was done to the file, and others are not."""

import dataclasses
import io

import audit_cases
import numpy as np
import PIL.Image
import pytest
from PIL import ImageFilter

from medjax.audit import copies
from medjax.data.images import looks


def scenes(count, size=64):
  """Smooth images of their own."""
  random = np.random.default_rng(0)
  return [
    PIL.Image.fromarray(random.integers(0, 256, (8, 8), np.uint8)).resize((size, size), 3)
    for _ in range(count)
  ]


def jpeg(image):
  file = io.BytesIO()
  image.save(file, 'JPEG', quality=30)
  return PIL.Image.open(io.BytesIO(file.getvalue()))


CHANGES = {
  'compressed': jpeg,
  'brighter': lambda image: image.point(lambda value: 0.6 * value + 90),
  'another size': lambda image: image.resize((40, 40), 2).resize((64, 64), 2),
  'blurred': lambda image: image.filter(ImageFilter.GaussianBlur(1)),
}


def thumbnails(images):
  return looks.of_images(np.stack([np.asarray(i) for i in images])[..., None]).thumbnails


@pytest.mark.parametrize('change', CHANGES.values(), ids=CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(change):
  made = scenes(30)
  small = thumbnails([*made, *(change(made[i]) for i in (3, 17))])
  found = copies.pairs(small, copies.threshold(small))
  assert {(one, other, mirrored) for one, other, _, mirrored in found} == {
    (3, 30, False), (17, 31, False)
  }  # fmt: skip


def test_a_mirror_image_is_found_as_such():
  made = scenes(30)
  small = thumbnails([*made, made[5].transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)])
  ((one, other, r, mirrored),) = copies.pairs(small, copies.threshold(small))
  assert (one, other, mirrored) == (5, 30, True)
  assert r == pytest.approx(1, abs=1e-4)


def test_correlations_are_those_of_numpy_in_every_block(monkeypatch):
  monkeypatch.setattr(copies, '_BLOCK', 7)
  small = np.random.default_rng(1).normal(size=(25, 5, 6)) + np.linspace(0, 2, 30).reshape(5, 6)
  flat, mirrored = small.reshape(25, -1), small[:, :, ::-1].reshape(25, -1)
  expected = {}
  for i in range(25):
    for j in range(i + 1, 25):
      r = max(np.corrcoef(flat[i], flat[j])[0, 1], np.corrcoef(mirrored[i], flat[j])[0, 1])
      if r > 0.2:
        expected[i, j] = r
  found = {(one, other): r for one, other, r, _ in copies.pairs(small, 0.2)}
  assert found == pytest.approx(expected, abs=1e-5)


def test_the_threshold_follows_how_alike_the_images_of_a_set_are():
  random = np.random.default_rng(2)
  alike = 3 * random.normal(size=(1, 8, 8)) + random.normal(size=(200, 8, 8))
  flat = alike.reshape(200, -1)
  usual = np.median(np.corrcoef(flat)[np.triu_indices(200, 1)])
  assert copies.threshold(alike) == pytest.approx(1 - 0.1 * (1 - usual), abs=2e-3)
  assert copies.threshold(alike[:1]) == 0.9


def test_pairs_are_told_with_splits_groups_and_labels():
  made = scenes(12)
  small = thumbnails([*made, jpeg(made[0]), jpeg(made[1])])
  split = ['train'] * 12 + ['train', 'test']
  label = [0] * 12 + [0, 1]
  group = [*range(12), 0, 99]
  cases = audit_cases.make(label=label, split=split, group=group, thumbnails=small)
  (finding,) = copies.check(cases, {}).findings
  assert '2 pairs are nearly the same by eye (1 across splits, 1 of two groups' in finding.line
  assert '1 with different labels' in finding.line
  assert finding.line.endswith('the first case-1 and case-13 (train, test)')
  assert [row['same group'] for row in finding.rows] == ['no', 'yes']


def test_exact_copies_by_digest_and_those_that_were_left_out():
  cases = audit_cases.make(label=[0, 0, 1, 1])
  cases = dataclasses.replace(cases, digest=['a', 'b', 'a', 'a'])
  left, same = copies.check(cases, {'x.png': 'y.png'}).findings
  assert '1 exact copy was left out, the first x.png, which is y.png' in left.line
  assert [(row['case'], row['copy']) for row in same.rows] == [
    ('case-0', 'case-2'), ('case-0', 'case-3')
  ]  # fmt: skip
  assert '2 with different labels' in same.line


def test_blank_images_are_copies_of_nothing():
  small = thumbnails([*scenes(10), *[PIL.Image.new('L', (64, 64), 9)] * 2])
  blank = np.arange(12) >= 10
  cases = audit_cases.make(label=[0] * 12, thumbnails=small, blank=blank)
  cases = dataclasses.replace(cases, digest=[*cases.digest[:10], 'z', 'z'])
  assert not copies.check(cases, {}).findings
