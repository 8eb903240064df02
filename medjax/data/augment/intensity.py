"""Changes of how bright pixels are: exposure, contrast, noise and blur."""

import dataclasses
import math

import jax
import jax.numpy as jnp

from medjax.data.augment.check import require, require_range


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
    require(0 <= self.delta <= 1, 'Brightness', 'delta', self.delta, 'a number in [0, 1]')

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
    require_range('Contrast', 'low, high', self.low, self.high)

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
    require_range('Gamma', 'low, high', self.low, self.high)

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
    require(0 <= self.std <= 1, 'GaussianNoise', 'std', self.std, 'a number in [0, 1]')

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
    require_range('Blur', 'low, high', self.low, self.high)

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
