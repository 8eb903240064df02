"""The app of a site: answers the server, and keeps to itself what went wrong."""

import contextlib
import sys
import traceback
from collections.abc import Callable
from typing import Any

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from medjax.config import Config
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.flower import wire
from medjax.flower.site import Site

FAILED = 'failed'


def app(config: Config, build: Callable[[Any], Experiment]) -> ClientApp:
  """What a site runs for the server.

  Args:
    config: the experiment's settings with their defaults.
    build: makes the experiment of settings.

  Example:
    >>> client_app = app(tabular_mlp.Config(), tabular_mlp.build)  # doctest: +SKIP
  """
  found = ClientApp()

  def answers(register: Any, what: str) -> None:
    @register
    def answer(message: Message, context: Context) -> Message:
      return _answer(what, message, context, config, build)

  answers(found.query('ask'), 'ask')
  answers(found.query('begin'), 'begin')
  answers(found.train(), 'train')
  answers(found.evaluate(), 'evaluate')
  answers(found.query('end'), 'end')
  return found


def _answer(
  what: str,
  message: Message,
  context: Context,
  config: Config,
  build: Callable[[Any], Experiment],
) -> Message:
  try:
    about, arrays = wire.unpacked(message.content)
    with contextlib.ExitStack() as held:
      site = Site(config, build, context.run_config, context.node_config, about, held)
      content = wire.packed(*getattr(site, what)(arrays))
  except Exception as error:
    # An error may name rows, values and files, which stay at the site.
    if isinstance(error, UserError):
      print(f'error: {error}', file=sys.stderr, flush=True)
    else:
      traceback.print_exc()
    content = wire.packed({FAILED: True})
  return Message(content, reply_to=message)
