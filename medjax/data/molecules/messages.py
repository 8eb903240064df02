"""How rows of a file are named in notes and errors."""

from collections.abc import Sequence

_SHOWN = 10


def joined(places: Sequence[str]) -> str:
  """Places of one file in words.

  Example:
    >>> joined(['row 2', 'row 4', 'row 9']), joined(['line 3'])
    ('rows 2, 4 and 9', 'line 3')
  """
  if len(places) == 1:
    return places[0]
  unit = places[0].split(' ')[0]
  numbers = [place.split(' ')[1] for place in places]
  shown = numbers[:_SHOWN]
  if len(numbers) > _SHOWN:
    return f'{unit}s {", ".join(shown)} and {len(numbers) - _SHOWN} more'
  return f'{unit}s {", ".join(shown[:-1])} and {shown[-1]}'


def listed(groups: Sequence[Sequence[str]]) -> str:
  """Places of several groups, the first ten of them.

  Example:
    >>> listed([['row 2', 'row 4'], ['row 5', 'row 6']])
    'rows 2 and 4; rows 5 and 6'
  """
  more = f'; and {len(groups) - _SHOWN} more' if len(groups) > _SHOWN else ''
  return '; '.join(map(joined, groups[:_SHOWN])) + more
