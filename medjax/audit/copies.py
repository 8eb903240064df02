"""Cases that stand twice: the same to the network, or images that are nearly the same.

Two images are near copies where their thumbnails correlate so highly that they are at most a tenth
as far apart as two images of the set usually are: 1 - r <= 0.1 (1 - median r). The threshold
follows the set, as radiographs all look alike: polyps, of which two usually correlate at .43, are
copies from .943 on, and chest X-rays (.72) from .973 on. Thumbnails are 24 x 24 grey means, each
less its mean, so that neither size, compression, brightness nor contrast counts; each is also
compared with the mirror image of the others. What is alike may be a copy, a neighbouring frame of a
film, or two people who look alike, as most pairs of different patients among chest X-rays are.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from medjax.audit.cases import Cases
from medjax.audit.finding import Checked, Finding, Row, names

# Of the usual distance of two images. On colonoscopies with known near copies 0.1 finds them all;
# see the top of the file.
NEAR = 0.1
# Where a set has few images, or they have nothing in common, a tenth would be too far.
_LEAST = 0.9
_BLOCK = 1024
_PAIRS = 200_000  # of which the median correlation is taken
_MOST = 10_000


def check(cases: Cases, left_out: Mapping[str, str]) -> Checked:
  """Finds both.

  Args:
    cases: all of them.
    left_out: copies that were left out when the data were read, and what each is the same as.
  """
  about = 'Cases with the same inputs, by digest.'
  findings = _left_out(cases, left_out)
  findings += _found(cases, list(_same(cases)), 'the same to the network')
  if cases.looks.thumbnails is not None:
    low = threshold(cases.looks.thumbnails)
    about += (
      f' Images whose 24 x 24 grey thumbnails, as they are or mirrored, correlate above {low:.3f}: '
      'at most a tenth as far apart (1 - r) as two images of this set usually are.'
    )
    findings += _found(cases, _near(cases, cases.looks.thumbnails, low), 'nearly the same by eye')
  else:
    about += ' Near copies are sought among images alone; those of sequences are groups, see there.'
  return Checked('copies', about, findings)


def _left_out(cases: Cases, left_out: Mapping[str, str]) -> list[Finding]:
  if not left_out:
    return []
  rows = [{'case': name, 'same as': other} for name, other in left_out.items()]
  count = names(len(rows), 'exact copy was', 'exact copies were')
  return [
    Finding(
      f'{count} left out, the first {rows[0]["case"]}, which is {rows[0]["same as"]}',
      'nothing to do for this study, in which each counts once; remove the files so that other '
      'tools do the same, and ask why they are there twice',
      rows,
    )
  ]


def _same(cases: Cases) -> Iterator[tuple[int, int, float, str]]:
  """Pairs of a case and the first one that is the same."""
  first: dict[str, int] = {}
  for number, digest in enumerate(cases.digest):
    before = first.setdefault(digest, number)
    if before != number and cases.focus[number] and not cases.looks.blank[number]:
      yield before, number, 1.0, ''


def _near(cases: Cases, thumbnails: np.ndarray, low: float) -> list[tuple[int, int, float, str]]:
  found = [
    (one, other, r, 'mirrored' if mirrored else '')
    for one, other, r, mirrored in pairs(thumbnails, low)
    if (cases.focus[one] or cases.focus[other])
    and not cases.looks.blank[[one, other]].any()
    and cases.digest[one] != cases.digest[other]
  ]
  return sorted(found, key=lambda pair: -pair[2])


def threshold(thumbnails: np.ndarray) -> float:
  """The correlation from which on two images of a set are near copies.

  Args:
    thumbnails: float [N, S, S].

  Example:
    >>> round(threshold(np.random.default_rng(0).normal(size=(50, 8, 8))), 2)
    0.9
  """
  forms = _forms(thumbnails)
  random = np.random.default_rng(0)
  one, other = random.integers(0, max(len(forms), 1), (2, _PAIRS if len(forms) > 1 else 0))
  differ = one != other
  usual = np.concatenate(
    [
      np.einsum('nd,nd->n', forms[one[part]], forms[other[part]])
      for part in np.array_split(np.flatnonzero(differ), 20)
    ]
  )
  median = float(np.median(usual)) if len(usual) else 0.0
  return max(_LEAST, 1 - NEAR * (1 - median))


def pairs(thumbnails: np.ndarray, low: float) -> list[tuple[int, int, float, bool]]:
  """Pairs of images whose thumbnails correlate above ``low``, as they are or mirrored.

  Args:
    thumbnails: float [N, S, S].
    low: of the correlations.

  Returns:
    Numbers of both, the earlier one first, the correlation and whether one is mirrored; at most
    10,000, the highest of each block of 1,024 images.
  """
  forms = _forms(thumbnails)
  found: list[tuple[int, int, float, bool]] = []
  for mirrored in (False, True):
    others = _forms(thumbnails[:, :, ::-1]) if mirrored else forms
    for first in range(0, len(forms), _BLOCK):
      r = others[first : first + _BLOCK] @ forms[first:].T
      above = np.stack(np.nonzero(np.triu(r > low, 1)))
      if above.shape[1] > _MOST:
        above = above[:, np.argsort(-r[above[0], above[1]], kind='stable')[:_MOST]]
      found += [
        (first + int(i), first + int(j), float(r[i, j]), mirrored)
        for i, j in zip(*above, strict=True)
      ]
  highest: dict[tuple[int, int], tuple[int, int, float, bool]] = {}
  for pair in found:  # a symmetric image is its own mirror image
    known = highest.setdefault(pair[:2], pair)
    if pair[2] > known[2]:
      highest[pair[:2]] = pair
  return sorted(highest.values(), key=lambda pair: -pair[2])[:_MOST]


def _forms(thumbnails: np.ndarray) -> np.ndarray:
  """Thumbnails less their means and of length 1, float32 [N, S * S]; of even ones 0."""
  flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
  flat = flat - flat.mean(axis=1, keepdims=True)
  return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def _found(cases: Cases, pairs: list[tuple[int, int, float, str]], alike: str) -> list[Finding]:
  """Pairs across splits, those with other labels, and those within a split."""
  if not pairs:
    return []
  rows: list[Row] = []
  across = differ = strangers = 0
  for one, other, r, how in pairs:
    labels = [_label(cases, number) for number in (one, other)]
    across += cases.split[one] != cases.split[other]
    differ += labels[0] != labels[1]
    strangers += cases.group[one] != cases.group[other]
    rows.append(
      {
        'case': str(cases.id[one]),
        'copy': str(cases.id[other]),
        'splits': f'{cases.split[one]}, {cases.split[other]}',
        'labels': ', '.join(labels),
        'same group': 'yes' if cases.group[one] == cases.group[other] else 'no',
        'correlation': round(r, 4),
        'how': how,
      }
    )
  order = sorted(range(len(rows)), key=lambda i: len(set(str(rows[i]['splits']).split(', '))) < 2)
  rows = [rows[i] for i in order]  # those across splits first
  if not cases.targets:
    rows = [{k: v for k, v in row.items() if k != 'labels'} for row in rows]
  told = [f'{across} across splits', f'{strangers} of two groups (patients)']
  told += [f'{differ} with different labels'] if cases.targets else []
  first = rows[0]
  return [
    Finding(
      f'{names(len(rows), "pair is", "pairs are")} {alike} ({", ".join(told)}), the first '
      f'{first["case"]} and {first["copy"]} ({first["splits"]})',
      'look at them: give copies one group (a patient column), so that no split parts them, or '
      'leave one of each pair out; of two labels one is wrong',
      rows,
      shown='case,copy',
    )
  ]


def _label(cases: Cases, number: int) -> str:
  found = [
    target.classes[target.label[number]] if target.label[number] >= 0 else ''
    for target in cases.targets
  ]
  return '+'.join(found)
