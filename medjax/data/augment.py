"""Random changes of training images, on the device, inside the compiled step.

A transform is a small frozen dataclass, so that it prints, compares and hashes, and is called as
`transform(key, image)` on one image, float32 [H, W, C] in [0, 1], of any number of channels. It
returns an image of the same kind; only `Resize` and the crops change its shape, to a static one.
`Chain` applies several in order, and `augment_batch` a transform to a batch.

Example:
  >>> transform = Chain((Affine(rotation=7, flip=0.5), Brightness(0.1)))
  >>> image = jnp.full((8, 8, 1), 0.5)
  >>> transform(jax.random.key(0), image).shape
  (8, 8, 1)
"""

import dataclasses
import math
from typing import Protocol

import jax
import jax.numpy as jnp

from medjax.errors import UserError


class Transform(Protocol):
  """A random, pure change of one image: float32 [H, W, C] in [0, 1] to the same kind."""

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array: ...


def augment_batch(
  transform: Transform, step_key: jax.Array, inputs: jax.Array, index: jax.Array
) -> jax.Array:
  """Applies a transform to each input of a batch, each with a key of its own.

  The key is derived from the step's key and the example's index in its data set. What happens to an
  example so depends on (seed, step, example) alone: not on its place in the batch, nor on how the
  batch is spread over devices.

  Args:
    transform: What to apply.
    step_key: Key of this step, usually `jax.random.fold_in(seed_key, step)`.
    inputs: Images, float32 [B, H, W, C] in [0, 1], or whatever else the transform changes.
    index: Integers [B], at least 0: the index of each example in its data set.

  Returns:
    Changed inputs; of images float32 [B, H', W', C] in [0, 1].

  Raises:
    ValueError: If the inputs are not floating point, such as images in 0..255, or have other axes
      than the transform changes: three, or its ``axes``.

  Example:
    >>> images = jnp.zeros((2, 8, 8, 1))
    >>> augment_batch(radiograph(), jax.random.key(0), images, jnp.arange(2)).shape
    (2, 8, 8, 1)
  """
  axes = getattr(transform, 'axes', 3)  # of one input; images have three
  if inputs.ndim != 1 + axes or not jnp.issubdtype(inputs.dtype, jnp.floating):
    expected = '[B, H, W, C] in [0, 1]' if axes == 3 else f'with {axes} axes after the batch'
    raise ValueError(f'inputs are {inputs.dtype} {inputs.shape}; expected float {expected}')
  return jax.vmap(lambda image, index: transform(jax.random.fold_in(step_key, index), image))(
    inputs, index
  )


@dataclasses.dataclass(frozen=True)
class Chain:
  """Applies transforms in order, each with a key of its own.

  Attributes:
    transforms: What to apply, the first one first.

  Raises:
    ValueError: If there is no transform.
  """

  transforms: tuple[Transform, ...]

  def __post_init__(self):
    if not self.transforms:
      raise ValueError('Chain has no transform; use None for no augmentation')

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    for position, transform in enumerate(self.transforms):
      image = transform(jax.random.fold_in(key, position), image)
    return image


@dataclasses.dataclass(frozen=True)
class Affine:
  """Random rotation, translation, scaling and horizontal flip, in one bilinear resampling.

  One resampling instead of four is faster and blurs once. About the centre of the image, the image
  is flipped, scaled, rotated and then moved. What comes in from outside repeats the edge (scipy's
  mode 'nearest'): a black corner would tell the model the angle, and black is not the background of
  every modality. There is no vertical flip: no patient hangs upside down.

  Attributes:
    rotation: Largest angle in degrees; drawn uniformly in [-rotation, rotation].
    translation: Largest shift as a fraction of height and of width, drawn uniformly for each.
    scale: Lowest and highest magnification, drawn uniformly; above 1 enlarges.
    flip: Probability of a flip of left and right.

  Raises:
    ValueError: If an attribute is out of range.

  Example:
    >>> Affine(rotation=5).scale
    (1.0, 1.0)
  """

  rotation: float = 0.0
  translation: float = 0.0
  scale: tuple[float, float] = (1.0, 1.0)
  flip: float = 0.0

  def __post_init__(self):
    _require(0 <= self.rotation <= 180, 'Affine', 'rotation', self.rotation, 'degrees in [0, 180]')
    _require(0 <= self.translation <= 1, 'Affine', 'translation', self.translation, 'a fraction')
    _require_range('Affine', 'scale', *self.scale)
    _require(0 <= self.flip <= 1, 'Affine', 'flip', self.flip, 'a probability')

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    height, width, _ = image.shape
    of_angle, of_row, of_column, of_scale, of_flip = jax.random.uniform(key, (5,))
    angle = math.radians(self.rotation) * (2 * of_angle - 1)
    shift = self.translation * (2 * jnp.stack([of_row, of_column]) - 1)
    shift = shift * jnp.array([height, width])
    low, high = self.scale
    scale = low + (high - low) * of_scale
    mirror = jnp.where(of_flip < self.flip, -1.0, 1.0)
    # Sampling runs from the output back to the input, so every part is inverted.
    cos, sin = jnp.cos(angle) / scale, jnp.sin(angle) / scale
    matrix = jnp.array([[cos, sin], [-sin * mirror, cos * mirror]])
    centre = jnp.array([(height - 1) / 2, (width - 1) / 2])
    # The centre is added last, so that coordinates without a change are exact integers.
    return _sample(image, matrix, -(centre + shift), centre)


def Rotation(degrees: float) -> Affine:
  """Returns a random rotation by up to `degrees`, see `Affine`."""
  return Affine(rotation=degrees)


def Translation(fraction: float) -> Affine:
  """Returns a random shift by up to `fraction` of height and width, see `Affine`."""
  return Affine(translation=fraction)


def Scale(low: float, high: float) -> Affine:
  """Returns a random magnification in [low, high], see `Affine`."""
  return Affine(scale=(low, high))


def HorizontalFlip(probability: float = 0.5) -> Affine:
  """Returns a random flip of left and right, see `Affine`."""
  return Affine(flip=probability)


@dataclasses.dataclass(frozen=True)
class Resize:
  """Resizes to a fixed size, bilinear, antialiased where it shrinks. Not random.

  Attributes:
    size: Height and width of the result.

  Raises:
    ValueError: If a size is below 1.
  """

  size: tuple[int, int]

  def __post_init__(self):
    _require_size('Resize', self.size)

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    del key  # not random
    resized = jax.image.resize(image, (*self.size, image.shape[-1]), 'linear', antialias=True)
    return jnp.clip(resized, 0, 1)


@dataclasses.dataclass(frozen=True)
class RandomCrop:
  """Cuts out a window at a random place, after repeating the edge around the image.

  Attributes:
    size: Height and width of the window.
    pad: Pixels of repeated edge on each side.

  Raises:
    ValueError: If a size is below 1 or `pad` below 0; when called, if the window is larger than the
      padded image.
  """

  size: tuple[int, int]
  pad: int = 0

  def __post_init__(self):
    _require_size('RandomCrop', self.size)
    _require(self.pad >= 0, 'RandomCrop', 'pad', self.pad, 'at least 0')

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    image = jnp.pad(image, ((self.pad, self.pad), (self.pad, self.pad), (0, 0)), 'edge')
    room = [have - want for have, want in zip(image.shape, self.size, strict=False)]
    if min(room) < 0:
      raise ValueError(f'RandomCrop size {self.size} is larger than the image {image.shape[:2]}')
    row, column = jax.random.randint(key, (2,), 0, jnp.array(room) + 1)
    return jax.lax.dynamic_slice(image, (row, column, 0), (*self.size, image.shape[-1]))


@dataclasses.dataclass(frozen=True)
class RandomResizedCrop:
  """Cuts out a random part of the image, of the image's own aspect ratio, and resizes it.

  The crop of Szegedy et al. (2015), https://arxiv.org/abs/1409.4842, without its change of aspect
  ratio: the shape of organs carries information.

  Attributes:
    size: Height and width of the result.
    area: Lowest and highest fraction of the image's area to keep, drawn uniformly.

  Raises:
    ValueError: If a size is below 1 or the area is not 0 < low <= high <= 1.
  """

  size: tuple[int, int]
  area: tuple[float, float] = (0.5, 1.0)

  def __post_init__(self):
    _require_size('RandomResizedCrop', self.size)
    _require_range('RandomResizedCrop', 'area', *self.area)
    _require(self.area[1] <= 1, 'RandomResizedCrop', 'area', self.area, 'fractions up to 1')

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    of_area, of_row, of_column = jax.random.uniform(key, (3,))
    low, high = self.area
    side = jnp.sqrt(low + (high - low) * of_area)
    scale = jnp.array(self.size) / (side * jnp.array(image.shape[:2]))
    # Position of the window's corner, in pixels of the result.
    corner = jnp.stack([of_row, of_column]) * (1 - side) / side * jnp.array(self.size)
    resized = jax.image.scale_and_translate(
      image, (*self.size, image.shape[-1]), (0, 1), scale, -corner, 'linear', antialias=True
    )
    return jnp.clip(resized, 0, 1)


@dataclasses.dataclass(frozen=True)
class Brightness:
  """Adds one random number to every pixel: `image + u`, u uniform in [-delta, delta].

  Attributes:
    delta: Largest change, of the full range 1.

  Raises:
    ValueError: If `delta` is outside [0, 1].
  """

  delta: float

  def __post_init__(self):
    _require(0 <= self.delta <= 1, 'Brightness', 'delta', self.delta, 'a number in [0, 1]')

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    return jnp.clip(image + jax.random.uniform(key, (), image.dtype, -self.delta, self.delta), 0, 1)


@dataclasses.dataclass(frozen=True)
class Contrast:
  """Stretches the image about its mean m: `m + f * (image - m)`, f uniform in [low, high].

  Attributes:
    low: Lowest factor; below 1 flattens.
    high: Highest factor.

  Raises:
    ValueError: If not 0 < low <= high.
  """

  low: float
  high: float

  def __post_init__(self):
    _require_range('Contrast', 'low, high', self.low, self.high)

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    mean = image.mean()
    factor = jax.random.uniform(key, (), image.dtype, self.low, self.high)
    return jnp.clip(mean + factor * (image - mean), 0, 1)


@dataclasses.dataclass(frozen=True)
class Gamma:
  """Raises the image to a random power: `image ** g`, log(g) uniform in [log(low), log(high)].

  Attributes:
    low: Lowest power; below 1 brightens the dark parts.
    high: Highest power.

  Raises:
    ValueError: If not 0 < low <= high.
  """

  low: float
  high: float

  def __post_init__(self):
    _require_range('Gamma', 'low, high', self.low, self.high)

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    power = jnp.exp(
      jax.random.uniform(key, (), image.dtype, math.log(self.low), math.log(self.high))
    )
    return image**power


@dataclasses.dataclass(frozen=True)
class GaussianNoise:
  """Adds independent normal noise to every pixel, the same in all its channels.

  A grey image stored as three equal channels so stays grey.

  Attributes:
    std: Standard deviation, of the full range 1.

  Raises:
    ValueError: If `std` is outside [0, 1].
  """

  std: float

  def __post_init__(self):
    _require(0 <= self.std <= 1, 'GaussianNoise', 'std', self.std, 'a number in [0, 1]')

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    noise = jax.random.normal(key, (*image.shape[:2], 1), image.dtype)
    return jnp.clip(image + self.std * noise, 0, 1)


@dataclasses.dataclass(frozen=True)
class Blur:
  """Gaussian blur with a random width; the edge is repeated outside the image.

  The kernel is cut at three times `high`, so that its size is static.

  Attributes:
    low: Lowest standard deviation in pixels.
    high: Highest standard deviation in pixels.

  Raises:
    ValueError: If not 0 < low <= high.
  """

  low: float
  high: float

  def __post_init__(self):
    _require_range('Blur', 'low, high', self.low, self.high)

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    sigma = jax.random.uniform(key, (), image.dtype, self.low, self.high)
    radius = math.ceil(3 * self.high)
    weights = jnp.exp(-0.5 * (jnp.arange(-radius, radius + 1) / sigma) ** 2)
    weights = weights / weights.sum()
    for axis in (0, 1):
      padding = [(radius, radius) if axis == other else (0, 0) for other in range(3)]
      padded = jnp.pad(image, padding, 'edge')
      length = image.shape[axis]
      # A sum of shifted copies fuses into one loop; a convolution with C groups does not.
      image = sum(
        weight * jax.lax.slice_in_dim(padded, start, start + length, axis=axis)
        for start, weight in enumerate(weights)
      )
    return jnp.clip(image, 0, 1)


def radiograph() -> Chain:
  """Mild changes for radiographs: pose, exposure and sensor noise as they vary between films.

  Rotation up to 7 degrees, shift up to 5 %, scale 0.9 to 1.1, flip of left and right with
  probability 0.5, contrast 0.9 to 1.1, brightness +-0.1, gamma 0.9 to 1.1, noise 0.01.

  The flip moves the heart to the right side and mirrors the side marker. That is acceptable, and
  usual, where the label does not depend on the side: a nodule, a pneumonia or a fracture is one on
  either side, and the model sees twice the anatomy. Do not use it where the side is the label, as
  for situs inversus or "left" against "right"; write `Chain` without it there.

  Example:
    >>> radiograph().transforms[0]
    Affine(rotation=7.0, translation=0.05, scale=(0.9, 1.1), flip=0.5)
  """
  return Chain(
    (
      Affine(rotation=7.0, translation=0.05, scale=(0.9, 1.1), flip=0.5),
      # Contrast first: with the brightness before it, XLA on CPU resamples twice, once to take the
      # mean (32 images of 224 x 224 x 3 on two cores: 89 ms instead of 40 ms).
      Contrast(0.9, 1.1),
      Brightness(0.1),
      Gamma(0.9, 1.1),
      GaussianNoise(0.01),
    )
  )


def preset(name: str) -> Transform | None:
  """Returns an augmentation by the name that a config gives it.

  Args:
    name: 'none' (no augmentation) or 'radiograph'.

  Raises:
    UserError: If the name is unknown.

  Example:
    >>> preset('none') is None
    True
  """
  presets = {'none': lambda: None, 'radiograph': radiograph}
  if name not in presets:
    raise UserError(f'augment is {name!r}; expected one of {", ".join(presets)}')
  return presets[name]()


def affine(image: jax.Array, matrix: jax.Array, offset: jax.Array) -> jax.Array:
  """Bilinear resampling: output pixel p is the input at `matrix @ p + offset`.

  The same as `scipy.ndimage.affine_transform(..., order=1, mode='nearest')` on each channel.

  Args:
    image: float [H, W, C].
    matrix: float [2, 2], in (row, column) coordinates.
    offset: float [2], in pixels.

  Returns:
    float [H, W, C].

  Example:
    >>> image = jnp.arange(4.0).reshape(2, 2, 1)
    >>> affine(image, jnp.eye(2), jnp.array([0.0, 0.5]))[..., 0].tolist()
    [[0.5, 1.0], [2.5, 3.0]]
  """
  return _sample(image, matrix, jnp.zeros(2), offset)


def _sample(image: jax.Array, matrix: jax.Array, before: jax.Array, after: jax.Array) -> jax.Array:
  """Bilinear samples of image [H, W, C] at `matrix @ (p + before) + after` for every pixel p."""
  height, width, channels = image.shape
  grid = jnp.stack(jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing='ij'))
  row, column = grid + before[:, None, None]
  # Written out: a product on an accelerator's matrix unit would round the coordinates.
  source_row = matrix[0, 0] * row + matrix[0, 1] * column + after[0]
  source_column = matrix[1, 0] * row + matrix[1, 1] * column + after[1]
  top, bottom, down = _neighbours(source_row, height)
  left, right, across = _neighbours(source_column, width)
  # Four gathers of whole pixels fuse with the arithmetic into one loop: 8 ms for 32 x 224 x 224 x 3
  # on two cores, against 44 ms for map_coordinates and 76 ms for one gather of packed neighbours.
  pixels = image.reshape(-1, channels)

  def at(row: jax.Array, column: jax.Array) -> jax.Array:
    return pixels.at[row * width + column].get(mode='promise_in_bounds')

  upper = at(top, left) * (1 - across) + at(top, right) * across
  lower = at(bottom, left) * (1 - across) + at(bottom, right) * across
  return upper * (1 - down) + lower * down


def _neighbours(position: jax.Array, size: int) -> tuple[jax.Array, jax.Array, jax.Array]:
  """The two pixels around each position [H, W], int32, and the weight [H, W, 1] of the second."""
  position = jnp.clip(position, 0, size - 1)
  first = jnp.floor(position)
  weight = (position - first)[..., None]
  first = first.astype(jnp.int32)
  return first, jnp.minimum(first + 1, size - 1), weight


def _require(valid: bool, owner: str, field: str, value: object, expected: str) -> None:
  if not valid:
    raise ValueError(f'{owner} {field} is {value}; expected {expected}')


def _require_range(owner: str, field: str, low: float, high: float) -> None:
  _require(0 < low <= high < math.inf, owner, field, (low, high), '0 < low <= high')


def _require_size(owner: str, size: tuple[int, int]) -> None:
  _require(len(size) == 2 and min(size) >= 1, owner, 'size', size, '(height, width), at least 1')
