"""The verb ``serve``: a finished model behind HTTP."""

import contextlib
import importlib.util
import os
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.verbs import chosen
from medjax.verbs.run import Run

_SOON = 0.5  # seconds in which threads without work end
_NEEDS = ('starlette', 'uvicorn', 'httptools', 'python_multipart', 'prometheus_client')


def serve(run: Run, words: Sequence[str]) -> None:
  """Answers requests until it is asked to end; the code is 1 where some had to be dropped.

  Raises:
    UserError: a package is missing, the run is not there, or the address cannot be served.
  """
  if run.values.new_token:
    _new_token(run)
    return
  _require_packages()
  from medjax.serve import app, server, tokens

  values = run.values
  path = pathlib.Path(values.tokens).expanduser() if values.tokens else None
  known = tokens.File(path).known if path else None
  if known is None and not server.is_loopback(values.host):
    raise UserError(
      f'--host={values.host}: whoever gets at it could use it; expected --tokens=FILE with it, or '
      'an address of this machine alone, such as 127.0.0.1'
    )
  if bool(values.certificate) != bool(values.key):
    raise UserError('--certificate and --key: expected both or none')
  if values.num_processes > 1:
    raise UserError('--num_processes: serve is one process; start one for each machine')
  limits = app.Limits(
    values.max_mib * 2**20, values.max_cases, values.queue, values.explain_queue,
    values.wait_ms / 1000, values.timeout,
  )  # fmt: skip
  if limits.timeout <= 0:
    raise UserError(f'--timeout={limits.timeout:g}: expected seconds, above 0')
  served = _served(run)
  with contextlib.ExitStack() as stack:
    log = _log(values.log, stack)
    socket = stack.enter_context(server.listen(values.host, values.port))
    host, port = socket.getsockname()[:2]
    scheme = 'https' if values.certificate else 'http'
    shown = f'[{host}]' if ':' in host else host
    print(f'serve: {served.name} at {scheme}://{shown}:{port}', file=sys.stderr, flush=True)
    service = app.Service(served, limits, known, log)
    dropped = server.run(service, [socket], values.drain, values.certificate, values.key)
    _end(service, int(dropped > 0))


def _end(service: Any, code: int) -> None:
  """Ends with that code, at once where threads are at work: Python would wait for them."""
  until = time.monotonic() + _SOON
  while service.working():
    if time.monotonic() > until:
      service.watch.line({'ended': 'with threads at work'})
      sys.stdout.flush()
      os._exit(code)
    time.sleep(0.01)
  if code:
    raise SystemExit(code)


def _served(run: Run) -> Any:
  """The model: a run, all runs of a cross-validation, or a file of ``export``."""
  from medjax.deploy import committee
  from medjax.deploy.explainer import Explainer
  from medjax.deploy.predictor import Predictor
  from medjax.serve.served import Served

  at_once = run.config.batch_size
  if run.values.model:
    if run.values.method:
      raise UserError('--method: a file of export explains nothing; expected a run folder')
    experiment, make = chosen.of_model(run)
    return Served(experiment, experiment.data.modality, make(), None, run.name)
  if chosen.is_crossval(run):
    if run.values.method:
      raise UserError('--method: runs together explain nothing; expected the folder of one')
    members, decision = chosen.of_crossval(run)
    together = committee.Committee(members, decision, run.devices)
    reader = committee.Readers(members)
    return Served(members[0].experiment, reader, together, None, run.name, len(members))
  experiment = run.described()
  predictor = Predictor.of_run(experiment, run.config, run.workdir, run.devices, at_once)
  explainer = None
  try:
    explainer = Explainer(experiment, run.config, run.workdir, run.values.method, 1)
  except UserError as error:
    if run.values.method:
      raise
    print(f'serve: without explanations: {error}', file=sys.stderr)
  return Served(experiment, experiment.data.modality, predictor, explainer, run.name)


def _new_token(run: Run) -> None:
  """Prints a token, and adds its line to the file of tokens, or prints that too."""
  from medjax.serve import tokens

  token, line = tokens.new(run.values.new_token)
  if run.values.tokens:
    path = pathlib.Path(run.values.tokens).expanduser()
    tokens.append(path, line)
    print(f'{path}: has one more token, which is kept nowhere else:', file=sys.stderr)
  else:
    print(f'for the file of --tokens (mode 0600): {line}', file=sys.stderr)
  print(token)


def _require_packages() -> None:
  missing = [name for name in _NEEDS if importlib.util.find_spec(name) is None]
  if missing:
    raise UserError(f"serve: needs {', '.join(missing)}: pip install 'medjax[serve]'")


def _log(name: str, stack: contextlib.ExitStack) -> TextIO:
  if not name:
    return sys.stderr
  path = pathlib.Path(name).expanduser()
  try:
    return stack.enter_context(open(path, 'a', encoding='utf-8'))
  except OSError as error:
    raise UserError(f'--log={path}: cannot be written: {error.strerror}') from None


VERB = Verb(
  'serve',
  'answer requests with the best checkpoint of a run, all of a crossval, or a file of export',
  serve,
  (
    Flag('model', '', 'a file of export, instead of a run folder', 'FILE'),
    Flag('method', '', 'how it explains; a wrong name lists those that suit the data', 'NAME'),
    Flag('host', '127.0.0.1', 'address to listen at; another one needs --tokens', 'HOST'),
    Flag('port', 8000, 'port to listen at; 0 takes a free one', 'N', low=0),
    Flag('tokens', '', 'file of bearer tokens, mode 0600; see --new_token', 'FILE'),
    Flag('new_token', '', 'print a token for predict, explain, metrics or admin, and end', 'ROLES'),
    Flag('certificate', '', 'PEM file of TLS, with --key; or put it behind a proxy', 'FILE'),
    Flag('key', '', 'PEM file of the key of --certificate', 'FILE'),
    Flag('log', '', 'where lines on requests go (default standard error)', 'FILE'),
    Flag('max_mib', 32, 'MiB of a request', 'N', low=1),
    Flag('max_cases', 256, 'cases of a request', 'N', low=1),
    Flag('queue', 512, 'cases in work; more are answered with 503', 'N', low=1),
    Flag('explain_queue', 8, 'the same, of cases to explain', 'N', low=1),
    Flag('wait_ms', 4, 'milliseconds that a batch waits for more cases', 'N', low=0),
    Flag('timeout', 30.0, 'seconds until a request is given up', 'S'),
    Flag('drain', 30, 'seconds to answer what is in work when asked to end', 'N', low=1),
  ),
  stored=True,
)
