"""Augmentations that an experiment chooses by name."""

from medjax.data.augment.base import Chain, Transform
from medjax.data.augment.geometry import Affine
from medjax.data.augment.intensity import Brightness, Contrast, Gamma, GaussianNoise
from medjax.errors import UserError


def radiograph() -> Chain:
  """Mild changes for radiographs: pose, exposure and sensor noise as they vary between images.

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
