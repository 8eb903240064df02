"""Augmentations that an experiment chooses by name."""

from medjax.data.augment.base import Chain
from medjax.data.augment.cutout import Cutout
from medjax.data.augment.elastic import Elastic
from medjax.data.augment.geometry import Affine
from medjax.data.augment.intensity import Blur, Brightness, Contrast, Gamma, GaussianNoise
from medjax.data.augment.joint import Joint
from medjax.data.augment.stain import Stain
from medjax.data.augment.symmetry import Symmetry
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


def histology() -> Chain:
  """Changes for stained tissue: it lies on the slide in any direction, and stains vary.

  All eight symmetries, shift up to 5 %, scale 0.9 to 1.1, stains by 10 % and 0.02 of optical
  density, brightness +-0.05.

  Example:
    >>> histology().transforms[0]
    Symmetry()
  """
  return Chain(
    (
      Symmetry(),
      Affine(translation=0.05, scale=(0.9, 1.1)),
      Stain(0.1, 0.02),
      Brightness(0.05),
    )
  )


def endoscopy() -> Chain:
  """Changes for images of an endoscope: the view turns, and light, sharpness and reflections vary.

  All eight symmetries, rotation up to 20 degrees, shift up to 10 %, scale 0.8 to 1.25, contrast and
  gamma 0.8 to 1.25, brightness +-0.1, blur up to 1 pixel, a hidden square in every fourth image.

  Example:
    >>> endoscopy().transforms[0]
    Symmetry()
  """
  return Chain(
    (
      Symmetry(),
      Affine(rotation=20.0, translation=0.1, scale=(0.8, 1.25)),
      Contrast(0.8, 1.25),
      Brightness(0.1),
      Gamma(0.8, 1.25),
      Blur(0.1, 1.0),
      Cutout(0.25, probability=0.25),
    )
  )


_PRESETS = {'radiograph': radiograph, 'histology': histology, 'endoscopy': endoscopy}
_MOVES = (Affine, Elastic, Symmetry)


def preset(name: str, channels: int = 3) -> Chain | None:
  """Returns an augmentation by the name that a config gives it.

  Args:
    name: 'none' (no augmentation), 'radiograph', 'histology' or 'endoscopy'.
    channels: Of the images, 1 or 3.

  Raises:
    UserError: If the name is unknown, or stains are to be changed in grey images.

  Example:
    >>> preset('none') is None
    True
  """
  if name == 'none':
    return None
  if name not in _PRESETS:
    raise UserError(f'augment is {name!r}; expected one of none, {", ".join(_PRESETS)}')
  require_channels(name, channels)
  return _PRESETS[name]()


def require_channels(name: str, channels: int) -> None:
  """Raises UserError where the changes of that name need colours that images do not have."""
  if name == 'histology' and channels != 3:
    raise UserError(
      f'config.augment=histology: changes stains, and config.data.channels={channels} has no '
      'colours; expected config.data.channels=3'
    )


def joint_preset(name: str, classes: int) -> Joint | None:
  """Returns an augmentation by name for images whose labels are masks.

  What changes where things are moves image and mask by one draw; the rest changes the image alone.

  Args:
    name: as for ``preset``.
    classes: how many class numbers a mask has, with the background.

  Raises:
    UserError: If the name is unknown.

  Example:
    >>> joint_preset('endoscopy', 2).move.transforms[0]
    Symmetry()
  """
  chain = preset(name)
  if chain is None:
    return None
  moves = tuple(one for one in chain.transforms if isinstance(one, _MOVES))
  changes = tuple(one for one in chain.transforms if not isinstance(one, _MOVES))
  return Joint(Chain(moves), Chain(changes), classes=classes)
