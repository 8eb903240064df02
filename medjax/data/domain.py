"""Where a model may be asked: near the cases that it was trained and validated on."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np


class Domain(Protocol):
  """The applicability domain of a model.

  Attributes:
    columns: what ``predict`` writes of a case beside its prediction; one of them is 'domain', which
      says 'inside' or 'outside'.
    about: where the domain ends, in words.
  """

  @property
  def columns(self) -> Sequence[str]: ...

  @property
  def about(self) -> str: ...

  def place(self, arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, str], bool]:
    """The cells of ``columns`` of one case, and whether it lies inside.

    Args:
      arrays: of the case, as of ``modality.Case.load``.
    """
