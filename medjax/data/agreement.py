"""What sites that train together agree on, by default: see ``Modality.agreed``.

What a data set fits to its training cases, its ``details``, has to be the same at all sites. A site
tells others nothing of a single case: of the labels their moments, and of everything else a digest,
so that what differs stays where it is.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medjax.errors import UserError

DIGEST = 'sha256'  # stands for a value that is the same at all sites
_OF_LABELS = ('label_mean', 'label_scale')  # see ``examples.label_scale``


def told(details: Mapping[str, Any]) -> dict[str, Any]:
  """What a site tells others of its details.

  Example:
    >>> told({'label_mean': 2.0})
    {'label_mean': 2.0}
  """
  return {
    name: value if name in _OF_LABELS else {DIGEST: _digest(value)}
    for name, value in details.items()
  }


def agreed(
  parts: Sequence[Mapping[str, Any]], cases: Sequence[int], names: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
  """What sites agree on, of the details of each or of what each told of them.

  Mean and standard deviation of labels are those of all cases; everything else has to be the same.

  Args:
    parts: of each site.
    cases: its training cases.
    names: what sites are called, for errors.

  Returns:
    Details that hold at all sites, and notes.

  Raises:
    UserError: something that was fitted differs.
  """
  found = dict(parts[0])
  for name, value in found.items():
    odd = [site for site, one in zip(names, parts, strict=True) if one.get(name) != value]
    if odd and name not in _OF_LABELS:
      raise UserError(
        f'--sites: {name}, which is fitted to training cases, differs between {odd[0]} and '
        f'{names[0]}; these data cannot be trained on together yet'
      )
  if _OF_LABELS[0] in found:
    means, scales = ([one[name] for one in parts] for name in _OF_LABELS)
    mean, scale = moments(means, scales, np.asarray(cases) / np.sum(cases))
    found |= dict(zip(_OF_LABELS, (mean, scale), strict=True))
  return found, []


def is_settled(found: Mapping[str, Any]) -> bool:
  """Whether details that were agreed on stand there themselves, and not their digests."""
  return bool(found) and not any(
    isinstance(value, Mapping) and DIGEST in value for value in found.values()
  )


def settled(own: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
  """The details of a site after sites have agreed.

  Args:
    own: of its data.
    found: what all agreed on, in which some values are their digests.

  Raises:
    UserError: something that has to be the same is other here.

  Example:
    >>> settled({'leads': ['I', 'II']}, told({'leads': ['I', 'II']}))
    {'leads': ['I', 'II']}
  """
  if odd := set(own) ^ set(found):
    raise UserError(f'{min(odd)}: is fitted to training cases here or at other sites, not both')
  details = {}
  for name, value in found.items():
    if isinstance(value, Mapping) and DIGEST in value:
      if value[DIGEST] != _digest(own[name]):
        raise UserError(
          f'{name}, which is fitted to training cases, is other here than at other sites; these '
          'data cannot be trained on together yet'
        )
      value = own[name]
    details[name] = value
  return details


def moments(
  means: Sequence[float], scales: Sequence[float], weights: Sequence[float] | np.ndarray
) -> tuple[float, float]:
  """Mean and standard deviation of all cases, from those of parts.

  Args:
    means: of the parts.
    scales: their standard deviations.
    weights: their shares of all cases, which add up to 1.

  Example:
    >>> moments([0.0, 2.0], [1.0, 1.0], [0.5, 0.5])
    (1.0, 1.4142135623730951)
  """
  mean = float(np.dot(weights, means))
  square = float(np.dot(weights, np.square(scales) + np.square(np.subtract(means, mean))))
  return mean, square**0.5 or 1.0


def _digest(value: Any) -> str:
  return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
