"""Settings of images."""

import dataclasses
import os
from typing import Literal

from medjax.config import setting
from medjax.data import text
from medjax.data.images import options
from medjax.data.settings import ColumnSettings, PatientSettings
from medjax.errors import UserError

BACKGROUND = 'background'
NO_LABEL = 'image'  # what stands for the class of images without labels


@dataclasses.dataclass
class ImageSettings(PatientSettings):
  """Which images, and at what size."""

  source: str = setting(
    'simulated', "'simulated', a folder of images, a MedMNIST file (.npz), or tfds:NAME."
  )
  allow_group_overlap: bool = setting(False, 'Accept a patient or an image in two given splits.')
  image_size: int = setting(
    224, 'Height and width in pixels that the network sees.', low=8, high=4096, inputs=True
  )
  channels: int = setting(
    3, 'Colour channels that the network sees, 1 or 3.', low=1, high=3, inputs=True
  )
  resize: options.Resize = setting(
    'stretch', 'Images fill the square, or keep their proportions in it (letterbox).', inputs=True
  )
  slice_axis: options.Axis = setting('axial', 'Axis of the body along which volumes are cut.')
  slices: int = setting(
    0, 'Of volumes and films 0 takes the middle slice or frame, n every n-th.', low=0
  )
  max_broken: float = setting(
    0.05, 'Share of the images that may be unreadable and are left out.', low=0.0, high=1.0
  )
  file_column: str = setting('file', 'Column of labels.csv with the path of the image.')
  simulated_train: int = setting(544, 'Simulated training images.', low=2)
  simulated_val: int = setting(128, 'Simulated validation images.', low=2)
  simulated_test: int = setting(400, 'Simulated test images.', low=2)

  def validate(self) -> None:
    """Raises UserError for an unusable combination."""
    if self.channels == 2:
      raise UserError('config.data.channels=2: expected 1 (grey) or 3 (RGB)')
    if not self.source:
      raise UserError(
        "config.data.source=: expected 'simulated', a folder, a .npz file or tfds:NAME"
      )
    if ':' not in self.source:  # 'a', 'a/' and './a' are one source and so one run folder
      self.source = os.path.normpath(self.source)


@dataclasses.dataclass
class Config(ImageSettings, ColumnSettings):
  """Which images, at what size, and which columns say what."""

  label_column: str = setting('label', 'Column of labels.csv with the class.')
  labels: Literal['classes', 'several', 'none'] = setting(
    'classes',
    "Images are of one class each, or of several, joined by '|' or in columns, or have no label.",
  )
  findings: tuple[str, ...] = setting(
    (), 'Columns of labels.csv with 1, 0, or -1 for not known, instead of the one with the class.'
  )
  blank_finding: Literal['unknown', 'absent'] = setting(
    'unknown', 'What an empty cell of such a column means.'
  )

  def validate(self) -> None:
    """Raises UserError for an unusable combination."""
    super().validate()
    if self.findings and self.labels != 'several':
      raise UserError('config.data.findings: expected config.data.labels=several too')


@dataclasses.dataclass
class MaskConfig(ImageSettings):
  """Which images with masks, at what size, and which columns say what."""

  source: str = setting('simulated', "'simulated', or a folder of images with masks.")
  mask_column: str = setting('mask', 'Column of labels.csv with the file of the mask.')
  structures: tuple[str, ...] = setting(
    (), 'What masks show, by their values 1, 2, ...; empty for what the experiment looks for.'
  )

  def validate(self) -> None:
    """Raises UserError for sources without masks, and for names that cannot be told apart."""
    super().validate()
    if self.source.startswith('tfds:') or self.source.lower().endswith('.npz'):
      raise UserError(
        f"config.data.source={self.source}: has no masks; expected 'simulated' or a folder with "
        'labels.csv'
      )
    names = [*self.structures, BACKGROUND]
    if '' in names or len({text.key(name) for name in names}) < len(names):
      raise UserError(
        f'config.data.structures={",".join(self.structures)}: expected different names, none of '
        f'them {BACKGROUND!r}'
      )
