"""The verb ``sample``: new molecules of a language model, and how good they are."""

import pathlib
from collections.abc import Sequence

from medjax.arguments import Flag, Verb
from medjax.data.numerals import real
from medjax.errors import UserError
from medjax.verbs.run import Run

_NUMBER = 10_000


def sample(run: Run, words: Sequence[str]) -> None:
  """Writes molecules and their figures into a folder.

  Raises:
    UserError: the run is not there or is of other data, or its source is gone.
  """
  from medjax.design import sample as design

  temperature = real(run.values.temperature)
  if temperature is None or not 0.01 <= temperature <= 100:
    raise UserError(f'--temperature={run.values.temperature}: expected a number from 0.01 to 100')
  run.described().data.modality.vocabulary('sample: draws')  # before examples are read
  output = run.values.output
  folder = pathlib.Path(output).expanduser() if output else run.workdir.folder / 'sample'
  if folder.exists() and not folder.is_dir():
    raise UserError(f'--output={folder}: is a file; expected the name of a folder')
  number, seed = run.values.number, run.values.seed or 0
  design.sample(run.finished(), run.workdir, number, seed, temperature, folder)


VERB = Verb(
  'sample',
  'draw new molecules of a language model, and say how good they are',
  sample,
  (
    Flag('output', '', 'where it writes (default sample in the run folder)', 'FOLDER'),
    Flag('number', _NUMBER, f'how many (default {_NUMBER})', 'N', low=1),
    Flag('temperature', '1', 'below 1 the likely becomes likelier (default 1)', 'T'),
    Flag('seed', None, 'of the draws; the same gives the same molecules (default 0)', 'N', low=0),
  ),
  stored=True,
)
