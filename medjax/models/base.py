"""What a model may offer the training step beside its outputs."""

from typing import Any, Protocol, runtime_checkable

import jax

# The collection of a model's variables that training leaves as they are.
FIXED = 'fixed'


@runtime_checkable
class Model(Protocol):
  """A linen module that says what it needs; one that says nothing needs nothing of this.

  ``model.apply(variables, inputs, train=...)`` gives outputs [B, ...] of inputs, any tree of arrays
  [B, ...]. A module declares the attributes with ``ClassVar``, or as a property.

  Attributes:
    takes_mask: whether it is called with ``mask=``, bool [B], False for padding, in training.
      Modules whose examples influence one another, as in batch normalisation, need it.
    members: networks whose outputs come back one by one in training, [members, B, ...], and at any
      time where it is called with ``each=True``; 0 for one network without that axis. Such a model
      gives a new network of each kind by ``member(number)``.
  """

  takes_mask: bool
  members: int


def mask_argument(model: Any, mask: jax.Array | None) -> dict[str, Any]:
  """The mask as an argument of a module that takes it; nothing for others."""
  return {'mask': mask} if getattr(model, 'takes_mask', False) else {}


def members(model: Any) -> int:
  """Networks whose outputs come back one by one in training, 0 where there is no such axis."""
  return getattr(model, 'members', 0)
