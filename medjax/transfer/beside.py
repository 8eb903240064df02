"""What is fitted before a network and predicts beside it, by a setting."""

from typing import Literal

from medjax.errors import UserError
from medjax.transfer.fixed import Fixed
from medjax.transfer.gaussian import Process
from medjax.transfer.grown import Grown

BesideChoice = Literal['none', 'forest', 'extra', 'boosting', 'gaussian_process']

_GROWN = {
  'forest': Grown('forest', 200, 256),
  'extra': Grown('extra', 200, 256),
  'boosting': Grown('boosting', 500, 32),
}


def beside(choice: BesideChoice, precision: str, bits: int) -> Fixed | None:
  """How it is fitted; None for 'none'.

  Args:
    choice: a kind, or none.
    precision: the compute type of the run.
    bits: columns of the fingerprint, which are the first that are seen.

  Raises:
    UserError: what is seen would be rounded.
  """
  if choice != 'none' and precision != 'float32':
    raise UserError(
      f'config.precision={precision}: config.beside={choice} is fitted to what float32 tells '
      'apart; expected float32'
    )
  return Process(bits) if choice == 'gaussian_process' else _GROWN.get(choice)
