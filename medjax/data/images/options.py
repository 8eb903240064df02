"""How files become pictures: what a run keeps, so that new cases are read as its own were."""

import dataclasses
from typing import Any, Literal

Resize = Literal['stretch', 'letterbox']
Axis = Literal['axial', 'coronal', 'sagittal']


@dataclasses.dataclass(frozen=True)
class Options:
  """What may differ between runs in how a file becomes pictures.

  Attributes:
    resize: whether a picture fills the square that the network sees, or keeps its proportions.
    slice_axis: along which axis of the body a volume is cut.
    slices: of volumes and films, 0 for the middle slice or frame, n for every n-th.
  """

  resize: Resize = 'stretch'
  slice_axis: Axis = 'axial'
  slices: int = 0

  @classmethod
  def of(cls, config: Any) -> 'Options':
    """Those of a config that has settings of these names."""
    return cls(**{field.name: getattr(config, field.name) for field in dataclasses.fields(cls)})

  @property
  def unusual(self) -> list[Any]:
    """What differs from the defaults, for keys of what is stored."""
    usual = Options()
    return [
      [field.name, getattr(self, field.name)]
      for field in dataclasses.fields(self)
      if getattr(self, field.name) != getattr(usual, field.name)
    ]

  def taken(self, count: int) -> list[tuple[str, int]]:
    """Which of ``count`` slices or frames are cases: what names them after the file, and places.

    Example:
      >>> Options().taken(9), Options(slices=4).taken(9)
      ([('', 4)], [('#1', 0), ('#5', 4), ('#9', 8)])
    """
    if count == 1 or not self.slices:
      return [('', count // 2)]
    return [(f'#{place + 1}', place) for place in range(0, count, self.slices)]
