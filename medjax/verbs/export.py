"""The verb ``export``: a finished run as one file that predicts without the run folder."""

import pathlib
from collections.abc import Sequence
from typing import Any

from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.verbs.run import Run

# What is written where nothing is said, in the run folder.
_NAMES = {'stablehlo': 'model.medjax', 'onnx': 'model.onnx', 'huggingface': 'huggingface'}


def export(run: Run, words: Sequence[str]) -> None:
  """Writes the evaluated checkpoint with all that a prediction needs.

  Raises:
    UserError: there is no such format, the run is not there or was not evaluated, or its network
      cannot be written.
  """
  form = run.values.format
  if form not in _NAMES:
    raise UserError(f'--format={form}: expected one of {", ".join(_NAMES)}')
  default = run.workdir.folder / _NAMES[form]
  given = run.values.output
  if form == 'huggingface':
    output = pathlib.Path(given).expanduser() if given else default
  else:
    output = run.output(default)
  experiment = run.described()
  _writer(form).write(experiment, run.name, run.config, run.workdir, output)


def _writer(form: str) -> Any:
  """The module that writes a format, imported when it is asked for."""
  from medjax.deploy import export, export_hub, export_onnx

  return {'stablehlo': export, 'onnx': export_onnx, 'huggingface': export_hub}[form]


VERB = Verb(
  'export',
  'write a finished run as one file, for predict --model and medjax.load',
  export,
  (
    Flag('output', '', 'where it writes (default model.medjax in the run folder)', 'FILE'),
    Flag('format', 'stablehlo', 'stablehlo, onnx or huggingface (a folder)', 'NAME'),
  ),
  stored=True,
)
