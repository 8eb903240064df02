"""Images: read from files, fed in 0..1, drawn as they are and under their explanation."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np

from medjax.data.images import burnt_in, decode, facts, files, looks, thumbnails
from medjax.data.images.options import Options
from medjax.data.looks import Looks
from medjax.data.modality import Case, Drawing, Modality
from medjax.explain import Method, images
from medjax.outcomes import SimpleModel
from medjax.plots import contact_sheet, overlay


@dataclasses.dataclass(frozen=True)
class Images(Modality):
  """Images of one size, stored as uint8.

  Attributes:
    height: pixels that the network sees.
    width: the same.
    channels: 1 or 3.
    options: how files become pictures.
  """

  height: int
  width: int
  channels: int
  options: Options = Options()

  cases: ClassVar[str] = 'image files'
  usual_method: ClassVar[str] = 'grad_cam'
  layout: ClassVar[Literal['', 'wide', 'long']] = ''
  always_drawn: ClassVar[bool] = True
  simple_cases: ClassVar[int] = 5000

  def inputs(self, batch: dict[str, Any]) -> jax.Array:
    """float32 [B, H, W, C] in 0..1."""
    return batch['image'].astype(jnp.float32) / 255.0

  def open(self, names: Sequence[str]) -> list[Case]:
    """See ``files.find``."""
    return files.find(names, self.height, self.channels, self.options)

  @property
  def methods(self) -> Mapping[str, Method]:
    """See ``explain.images``."""
    return images.METHODS

  def strength(self, attribution: np.ndarray, method: str) -> np.ndarray:
    """Of gradients their size: the sign of a single pixel says little."""
    return np.abs(attribution) if method in images.MAGNITUDE else attribution

  def blank(self, inputs: np.ndarray, what: str) -> np.ndarray:
    """Grey as each image is on average: black would be a finding of its own."""
    return inputs.mean(axis=(1, 2, 3), keepdims=True)

  def draw(self, arrays: dict[str, np.ndarray]) -> Drawing:
    """The image."""
    return contact_sheet.picture(arrays['image'])

  def draw_explained(
    self, arrays: dict[str, np.ndarray], attribution: np.ndarray, method: str
  ) -> Drawing:
    """The image under the explanation."""
    return overlay.blend(arrays['image'], images.smooth(attribution[None], method)[0])

  def draw_file(
    self, arrays: dict[str, np.ndarray], attribution: np.ndarray, method: str
  ) -> Drawing:
    """The image, and beside it the image under the explanation."""
    return overlay.overlay(arrays['image'], images.smooth(attribution[None], method)[0])

  @property
  def simple_models(self) -> Sequence[SimpleModel]:
    """A linear model of the principal components of small pixels."""
    size = f'{min(self.height, thumbnails.SIZE)} x {min(self.width, thumbnails.SIZE)}'
    colours = ' in colour' if self.channels == 3 else ''
    features = f'at most {thumbnails.COMPONENTS} principal components of {size} pixels{colours}'
    return (SimpleModel('linear', features, 'PCA and ', thumbnails.components),)

  def simple_features(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Small pixels in 0..1, [N, D]."""
    return thumbnails.flat(arrays['image'])

  def looks(self, arrays: dict[str, np.ndarray]) -> Looks:
    """See ``looks.of_images``."""
    return looks.of_images(arrays['image'])

  def file_facts(self, path: str) -> dict[str, str]:
    """See ``facts.of_file``."""
    return facts.of_file(path)

  def letters_in(self, path: str) -> int:
    """See ``burnt_in.find``; of the first picture of a file."""
    lines = burnt_in.find(decode.picture(path, burnt_in.LONGEST, options=self.options).image)
    return lines[0].letters if lines else 0

  def caption(self, method: str) -> str:
    """See ``Modality``."""
    if method in ('saliency', 'smooth_grad'):
      return f'Beside each case, by {method}: how strongly each place matters (red).'
    return (
      f'Beside each case, by {method}: what speaks for the class that it is called (red) and '
      'against it (blue).'
    )

  def preparation(self, shapes: str) -> str:
    """See ``Modality``."""
    unusual = ''.join(f', {name} {value}' for name, value in self.options.unusual)
    return f'inputs of {shapes}, divided by 255{unusual}'

  def pixels(self, inputs: np.ndarray, what: str) -> np.ndarray:
    """uint8 [B, H, W, C] of inputs in 0..1."""
    return np.round(255 * np.clip(np.asarray(inputs), 0, 1)).astype(np.uint8)
