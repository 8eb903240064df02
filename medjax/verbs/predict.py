"""The verb ``predict``: new cases, or what changes do to sequences."""

import pathlib
from collections.abc import Sequence

from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.verbs.run import Run


def predict(run: Run, words: Sequence[str]) -> None:
  """Writes a CSV with a row for each case.

  Raises:
    UserError: no files were named, or the run is not there.
  """
  from medjax.deploy import files

  if not words:
    raise UserError('predict: expected files or folders after it')
  experiment = run.described()
  if run.values.variants:
    from medjax.deploy import variants

    output = run.output(run.workdir.folder / 'variants.csv')
    changes = pathlib.Path(run.values.variants).expanduser()
    variants.predict_variants(experiment, run.config, run.workdir, words, changes, output)
    return
  output = run.output(run.workdir.folder / 'predict.csv')
  files.predict_files(experiment, run.config, run.workdir, run.devices, words, output)


VERB = Verb(
  'predict',
  'predict files or folders with the best checkpoint of a run',
  predict,
  (
    Flag('output', '', 'where it writes (default predict.csv in the run folder)', 'FILE'),
    Flag('variants', '', 'what changes do to sequences (VCF file or table)', 'FILE'),
  ),
  words='FILES',
  stored=True,
)
