"""How statistics of training cases may be told."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Release:
  """What a loader of data is allowed of a private training split.

  Attributes:
    noise: noise multiplier of each of the ``STATISTICS`` that are computed of training cases; 0
      where they may not be looked at.
    columns: file that describes the columns of a table, of which nothing is then computed; ''.
    before: the details of data.json, where this run has told them before: what is drawn again would
      be told again.
  """

  noise: float = 0.0
  columns: str = ''
  before: dict[str, Any] | None = dataclasses.field(default=None, hash=False)


STATISTICS = 3  # of the columns of a table: range, centre and scale; see ``columns``
