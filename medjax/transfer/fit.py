"""Puts tensors of somewhere else in the place of a network's random variables."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from medjax import models
from medjax.errors import UserError
from medjax.transfer import layout, names

_ENCODER = 'encoder/'
_PROJECTION = 'projection/'  # of models.Siamese, beside its encoder
_NOTHING = re.compile(r'\.num_batches_tracked$|^op_threshs$')  # tensors that no output depends on


@dataclasses.dataclass(frozen=True)
class Tensors:
  """What a source holds.

  Attributes:
    what: the source, for errors and notes.
    found: arrays by name.
    ours: whether they are a network's of medjax, under paths such as 'encoder/Conv_0/kernel'.
  """

  what: str
  found: Mapping[str, np.ndarray]
  ours: bool


def fit(model: nn.Module, variables: Any, given: Tensors) -> tuple[Any, list[str]]:
  """The variables of a source in the place of those of a model.

  A U-Net takes the encoder's; a classifier those of the encoder of a U-Net or a Siamese network.
  The outputs stay random where there are not as many or the source has no classes, and so does a
  decoder that the source does not have. Weights of the first convolution are summed over channels
  for grey images, and divided among channels for images in colour; positions of another number of
  patches are interpolated (bicubic, as timm does).

  Args:
    model: the network, or one in ``models.Scaled``.
    variables: its variables, random; or their shapes, to see whether the source fits.
    given: the source.

  Returns:
    The variables as float32, and what was decided, a line each.

  Raises:
    UserError: names the first tensor that is not there, is of another shape, is not finite, or is
      of no use for the network.
  """
  network: Any = model.network if isinstance(model, models.Scaled) else model
  leaves = flax.traverse_util.flatten_dict(variables, sep='/')
  places = sorted((_place(key, network) for key in leaves), key=lambda place: place.order)
  found = dict(given.found)
  in_unet, of_unet = isinstance(network, models.UNet), any(n.startswith(_ENCODER) for n in found)
  pretrained = any(n.startswith(_PROJECTION) for n in found)
  if of_unet and (pretrained or not in_unet):
    found = {n.removeprefix(_ENCODER): a for n, a in found.items() if n.startswith(_ENCODER)}
    of_unet = False
  if pretrained:  # without classes: that there are as many numbers says nothing
    found = {n: a for n, a in found.items() if n not in _outputs_of(network)}
  if in_unet and not of_unet:
    places = [place.of_encoder() for place in places]
  say = str if given.ours else _dialect(network, places, given)
  notes: list[str] = []
  taken, used = {}, {say(path) for path in _outputs_of(network)}
  for place in places:
    if place.path is None:
      continue
    name, leaf = say(place.path), leaves[place.key]
    array = found.get(name)
    used.add(name)
    if place.is_output and (array is None or array.size != leaf.size):
      continue
    if array is None:
      raise UserError(f'{given.what}: has no tensor {name}; expected shape {tuple(leaf.shape)}')
    taken[place.key] = _fitted(array, leaf, place, name, given, notes)
  _refuse_others(found, used, given)
  if in_unet and not of_unet:
    notes.append('the decoder is new')
  elif any(place.is_output and place.key not in taken for place in places):
    notes.append(f'the outputs are new: {given.what} has others')
  else:
    notes.append(f'the outputs are those of {given.what} too')
  return flax.traverse_util.unflatten_dict(leaves | taken, sep='/'), notes


@dataclasses.dataclass(frozen=True)
class _Place:
  """A variable of ours.

  Attributes:
    key: in the tree of variables, with its collection.
    path: of the module and variable, as a source may have it; None where a source has no such.
    order: from the images to the outputs.
    is_output: whether it is of the layer whose size is the number of outputs.
    is_first: whether it is of the layer that sees the image.
  """

  key: str
  path: str | None
  order: tuple[int, str]
  is_output: bool
  is_first: bool

  def of_encoder(self) -> '_Place':
    """In a U-Net: its path in the encoder, None in the decoder."""
    assert self.path is not None
    path = self.path.removeprefix(_ENCODER) if self.path.startswith(_ENCODER) else None
    return dataclasses.replace(self, path=path, is_output=False)


def _place(key: str, network: Any) -> _Place:
  path = key.partition('/')[2].removeprefix('network/')
  depth = next(
    depth
    for depth, block in enumerate(network.blocks)
    if any(f'{path}/'.startswith(f'{name}/') for name in block)
  )
  is_output = path.startswith(f'{network.blocks[-1][-1]}/')
  return _Place(key, path, (depth, path), is_output, depth == 0)


def _dialect(network: Any, places: Sequence[_Place], given: Tensors) -> names.Dialect:
  """The one in which most of the tensors have names that the network knows."""
  core = network.encoder if isinstance(network, models.UNet) else network
  spoken = names.dialects(core)
  kind = type(core).__name__
  if not spoken:
    raise UserError(
      f'{given.what}: there are no published weights of a {kind}; expected a run folder'
    )
  paths = [place.path for place in places if place.path is not None]
  known = [sum(say(path) in given.found for path in paths) for say in spoken]
  if not max(known):
    raise UserError(
      f'{given.what}: holds no weights of a {kind}: expected tensors such as '
      f'{spoken[0](paths[0])}, found {next(iter(given.found))}'
    )
  return spoken[known.index(max(known))]


def _outputs_of(network: Any) -> list[str]:
  """Paths of the outputs of the classifier that a network is or has as its encoder."""
  core = network.encoder if isinstance(network, models.UNet) else network
  return [f'{module}/{leaf}' for module in core.blocks[-1] for leaf in ('kernel', 'bias', 'scale')]


def _fitted(
  array: np.ndarray, leaf: Any, place: _Place, name: str, given: Tensors, notes: list[str]
) -> np.ndarray:
  """A tensor in our layout and shape."""
  if not jnp.issubdtype(array.dtype, jnp.floating):
    raise UserError(f'{given.what}: tensor {name} is of {array.dtype}; expected floating numbers')
  kind = str(place.path).rpartition('/')[2]
  turned = array if given.ours else layout.from_torch(array, kind, leaf.ndim)
  if turned.shape != leaf.shape and kind == 'kernel' and place.is_first:
    turned = _channels(turned, leaf.shape, notes)
  if turned.shape != leaf.shape and kind == 'pos_embed':
    turned = _positions(turned, leaf.shape, notes)
  if turned.shape != leaf.shape:
    expected = leaf.shape if given.ours else layout.to_torch(leaf.shape, kind)
    raise UserError(
      f'{given.what}: tensor {name} has shape {tuple(array.shape)}; expected {tuple(expected)}'
    )
  turned = np.asarray(turned, np.float32)
  if not np.isfinite(turned).all():
    raise UserError(f'{given.what}: tensor {name} holds numbers that are not finite')
  return turned


def _channels(kernel: np.ndarray, shape: Sequence[int], notes: list[str]) -> np.ndarray:
  """A kernel [height, width, channels, features] for images with other channels."""
  if kernel.ndim != 4 or kernel.shape[:2] != shape[:2] or kernel.shape[3] != shape[3]:
    return kernel
  wide = np.asarray(kernel, np.float32)
  if (kernel.shape[2], shape[2]) == (3, 1):
    notes.append('images are grey, and the weights are for colours: summed over channels')
    return wide.sum(2, keepdims=True)
  if (kernel.shape[2], shape[2]) == (1, 3):
    notes.append('images are in colour, and the weights are for grey ones: a third a channel')
    return np.repeat(wide / 3, 3, axis=2)
  return kernel


def _positions(places: np.ndarray, shape: Sequence[int], notes: list[str]) -> np.ndarray:
  """Positions [1, 1 + patches, features] of another number of patches; both in squares."""
  if places.ndim != 3 or places.shape[2] != shape[2]:
    return places
  before, after = (round((count - 1) ** 0.5) for count in (places.shape[1], shape[1]))
  if (1 + before**2, 1 + after**2) != (places.shape[1], shape[1]):
    return places
  notes.append(f'positions of {before}x{before} patches are interpolated to {after}x{after}')
  grid = np.asarray(places[:, 1:], np.float32).reshape(1, before, before, -1)
  resized = jax.image.resize(grid, (1, after, after, shape[2]), 'cubic')
  return np.concatenate([places[:, :1], np.asarray(resized).reshape(1, after**2, -1)], 1)


def _refuse_others(found: Mapping[str, np.ndarray], used: set[str], given: Tensors) -> None:
  """Raises an error for a tensor that the network has no place for."""
  for name in found:
    if name not in used and not _NOTHING.search(name):
      raise UserError(
        f'{given.what}: holds {name}, for which this network has no place; expected weights of '
        'the same network'
      )
