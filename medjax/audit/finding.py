"""What a check of data found, with the cases and what to do about them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, str | int | float]


@dataclasses.dataclass(frozen=True)
class Finding:
  """One thing that a check found.

  Attributes:
    line: what was found, with counts and the first case.
    advice: what to do about it.
    rows: the cases or columns, the most telling first; all rows have the same fields.
    information: whether it is worth knowing but no flaw by itself.
    shown: field of ``rows`` with names of cases whose pictures tell more; '' for none.
  """

  line: str
  advice: str
  rows: Sequence[Row] = ()
  information: bool = False
  shown: str = ''

  def to_json(self) -> dict[str, Any]:
    """JSON values."""
    return {
      'line': self.line,
      'advice': self.advice,
      'information': self.information,
      'rows': [dict(row) for row in self.rows],
    }


@dataclasses.dataclass(frozen=True)
class Checked:
  """One check of data.

  Attributes:
    name: of the check.
    about: how it was done.
    findings: what it found.
    problem: why it was not done; '' where it was.
  """

  name: str
  about: str
  findings: Sequence[Finding] = ()
  problem: str = ''

  def to_json(self) -> dict[str, Any]:
    """JSON values."""
    found = [finding.to_json() for finding in self.findings]
    return {'name': self.name, 'about': self.about, 'problem': self.problem, 'findings': found}


def names(count: int, one: str, several: str) -> str:
  """A count and its noun.

  Example:
    >>> names(1, 'pair', 'pairs'), names(2, 'pair', 'pairs')
    ('1 pair', '2 pairs')
  """
  return f'{count} {one if count == 1 else several}'
