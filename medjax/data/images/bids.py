"""Subjects by the names of files, as the Brain Imaging Data Structure has them.

Gorgolewski et al. 2016, https://doi.org/10.1038/sdata.2016.44: ``sub-01_ses-2_T1w.nii.gz``.
"""

import re
from collections.abc import Sequence
from typing import Any

_SUBJECT = re.compile(r'(?:^|[/\\_])(sub-[A-Za-z0-9]+)(?=[/\\_.])')


def subjects(rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
  """Rows with the subject as group, and a note, where all names say one and nothing else does.

  Args:
    rows: of pictures, with ``id``, and ``group``, '' where nothing says it.

  Example:
    >>> rows, _ = subjects([{'id': 'ill/sub-01_ses-2_T1w.nii', 'group': ''}])
    >>> rows[0]['group']
    'sub-01'
  """
  found = [_SUBJECT.findall(row['id']) for row in rows]
  if any(row['group'] for row in rows) or not all(found):
    return list(rows), []
  groups = [names[-1] for names in found]
  notes = [
    f'{len(set(groups))} subjects in {len(rows)} images, by names such as {groups[0]} (BIDS)'
  ]
  return [{**row, 'group': group} for row, group in zip(rows, groups, strict=True)], notes
