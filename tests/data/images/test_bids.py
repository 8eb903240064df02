"""Subjects by names of files."""

import pytest

from medjax.data.images import bids


@pytest.mark.parametrize(
  ('names', 'groups'),
  [
    (['ill/sub-01_ses-1_T1w.nii.gz', 'ill/sub-01_ses-2_T1w.nii.gz#4'], ['sub-01', 'sub-01']),
    (['sub-A1/anat/sub-A1_T1w.nii', 'well/sub-B2_T1w.nii'], ['sub-A1', 'sub-B2']),
    (['sub-01_T1w.nii', 'volume.nii'], ['', '']),
    (['a/sub-set.png', 'a/subject-1_x.png'], ['', '']),
  ],
)
def test_every_name_says_a_subject_or_none_does(names, groups):
  rows, notes = bids.subjects([{'id': name, 'group': ''} for name in names])
  assert [row['group'] for row in rows] == groups
  assert len(notes) == any(groups)


def test_what_else_says_the_group_counts():
  rows = [{'id': 'sub-01_T1w.nii', 'group': 'p7'}]
  assert bids.subjects(rows) == (rows, [])
