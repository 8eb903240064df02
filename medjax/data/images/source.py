"""Labelled images before they are stored."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from medjax.security.vault import Vault


@dataclasses.dataclass(frozen=True)
class Record:
  """One labelled image before it is stored.

  Attributes:
    id: unique name, such as the path in its folder.
    split: 'train', 'val' or 'test'; '' to draw it when the images are stored.
    group: patient, or the image itself where none is known.
    read: (size, channels) -> uint8 pixels, the class name or the mask (uint8 [size, size], class
      numbers), and metadata columns.
    given: the split that the source itself names; '' where it was drawn, or is yet to be.
  """

  id: str
  split: str
  group: str
  read: Callable[[int, int], tuple[np.ndarray, str | np.ndarray, dict[str, str]]]
  given: str = ''


@dataclasses.dataclass(frozen=True)
class Source:
  """Labelled images from anywhere.

  Attributes:
    name: what to call the data set.
    records: its examples.
    classes: class names in label order; the second of two is the positive one.
    fingerprint: changes with the content of any example, and with splits.
    simulated: whether no patient stands behind it.
    notes: what was decided while reading it, one line each.
    content: changes with the content of any example and not with splits, so that images are stored
      once for all folds; '' where that is ``fingerprint``.
    mendable: whether the user can leave images out.
    several: whether an image may be of several classes, or of none; labels then are the names of
      its classes; see ``label_sets``.
    copies: of images that are left out as they are the same as another one, that one, by id.
    masks: whether labels are masks, in which 0 is the first of the classes, the background.
    vault: the encrypted set that it is of, under whose key it is stored.
    apart: whether records can be sent to other processes, and be read there.
  """

  name: str
  records: Sequence[Record]
  classes: tuple[str, ...]
  fingerprint: str
  simulated: bool = False
  notes: tuple[str, ...] = ()
  content: str = ''
  mendable: bool = True
  several: bool = False
  copies: Mapping[str, str] = dataclasses.field(default_factory=dict)
  masks: bool = False
  vault: Vault | None = None
  apart: bool = False
