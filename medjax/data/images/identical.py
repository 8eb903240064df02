"""Images that stand several times in a data set: with one label, counted once, on one side.

What is the same is told by a digest of each image, of its file or of its pixels.
"""

from collections.abc import Sequence

from medjax.data.images.messages import one_line
from medjax.data.split import SPLITS
from medjax.errors import UserError


def copies(digests: Sequence[str]) -> list[list[int]]:
  """Numbers of the images that are the same, at least two each.

  Example:
    >>> copies(['x', 'y', 'x', 'z'])
    [[0, 2]]
  """
  same: dict[str, list[int]] = {}
  for number, digest in enumerate(digests):
    same.setdefault(digest, []).append(number)
  return [numbers for numbers in same.values() if len(numbers) > 1]


def labels_differ(
  names: Sequence[str], labels: Sequence[str], digests: Sequence[str], where: object
) -> str:
  """What is wrong where one image has two labels; '' where none has.

  Args:
    names: of the images.
    labels: of each.
    digests: of each.
    where: what the images are of.
  """
  pairs = [
    (numbers[0], other)
    for numbers in copies(digests)
    for other in numbers
    if labels[other] != labels[numbers[0]]
  ]
  if not pairs:
    return ''
  one, other = pairs[0]
  more = f' (and {len(pairs) - 1} more)' if len(pairs) > 1 else ''
  return (
    f'{where}: {one_line(names[one])} and {one_line(names[other])} are the same image, labelled '
    f'{labels[one]!r} and {labels[other]!r}{more}; expected one label for an image'
  )


def once(digests: Sequence[str], given: Sequence[str]) -> list[int]:
  """Numbers of the images without the copies, of which the first in each given split stays.

  Example:
    >>> once(['x', 'x', 'x', 'y'], ['train', 'train', 'test', ''])
    [0, 2, 3]
  """
  first: dict[tuple[str, str], int] = {}
  for number, key in enumerate(zip(digests, given, strict=True)):
    first.setdefault(key, number)
  return list(first.values())


def copies_note(names: Sequence[str], digests: Sequence[str], kept: Sequence[int]) -> str:
  """What is said of the images that are left out.

  Example:
    >>> copies_note(['a.png', 'b.png'], ['x', 'x'], [0])
    'each image is counted once: 1 copies left out, the first b.png, which is the image a.png'
  """
  left = sorted(set(range(len(names))) - set(kept))
  copy, first = (one_line(names[number]) for number in (left[0], digests.index(digests[left[0]])))
  return (
    f'each image is counted once: {len(left)} copies left out, the first {copy}, which is the '
    f'image {first}'
  )


def left_out(names: Sequence[str], digests: Sequence[str], kept: Sequence[int]) -> dict[str, str]:
  """Of each image that is left out, the one that it is the same as.

  Example:
    >>> left_out(['a.png', 'b.png'], ['x', 'x'], [0])
    {'b.png': 'a.png'}
  """
  first = {digests[number]: names[number] for number in reversed(kept)}
  there = set(kept)
  return {
    name: first[digest]
    for number, (name, digest) in enumerate(zip(names, digests, strict=True))
    if number not in there
  }


def groups(group: Sequence[str], digests: Sequence[str]) -> list[str]:
  """The groups, where a copy is of the group of the first: one image is not of two patients."""
  first = dict(zip(reversed(digests), reversed(group), strict=True))
  return [first[digest] for digest in digests]


def between_splits(
  names: Sequence[str], digests: Sequence[str], splits: Sequence[str], allow: bool
) -> list[str]:
  """Sees that no image is in two splits; '' is none.

  Returns:
    Notes for the user: the overlap, where it is allowed.

  Raises:
    UserError: an image is in two splits and ``allow`` is False.
  """
  shared = []
  for same in copies(digests):
    first = {splits[number]: number for number in reversed(same) if splits[number]}
    if len(first) > 1:
      shared.append([(names[first[where]], where) for where in SPLITS if where in first])
  if not shared:
    return []
  (one, of_one), (other, of_other), *_ = shared[0]
  text = (
    f'{len(shared)} {"images are" if len(shared) > 1 else "image is"} in two splits, the first as '
    f'{one_line(one)} in {of_one} and {one_line(other)} in {of_other}'
  )
  if not allow:
    raise UserError(
      f'{text}; results would be too good (config.data.allow_group_overlap=true takes it anyway)'
    )
  return [f'LEAK ALLOWED: {text}']
