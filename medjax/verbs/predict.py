"""The verb ``predict``: new cases, or what changes do to sequences."""

import pathlib
from collections.abc import Sequence

from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.verbs import chosen
from medjax.verbs.run import Run


def predict(run: Run, words: Sequence[str]) -> None:
  """Writes a CSV with a row for each case.

  Raises:
    UserError: no files were named, or the run is not there.
  """
  from medjax.deploy import files

  if not words:
    raise UserError('predict: expected files or folders after it')
  if run.values.model:
    _with_model(run, words)
    return
  if chosen.is_crossval(run):
    _with_runs(run, words)
    return
  experiment = run.described()
  if run.values.variants:
    from medjax.deploy import variants

    output = run.output(run.workdir.folder / 'variants.csv')
    changes = pathlib.Path(run.values.variants).expanduser()
    variants.predict_variants(experiment, run.config, run.workdir, words, changes, output)
    return
  output = run.output(run.workdir.folder / 'predict.csv')
  files.predict_files(experiment, run.config, run.workdir, run.devices, words, output)


def _with_model(run: Run, words: Sequence[str]) -> None:
  """As ``predict``, with a file of ``export`` and no run folder."""
  from medjax.deploy import files

  if run.values['variants'].present:
    raise UserError('--variants: needs a run folder; expected no --model with it')
  experiment, make = chosen.of_model(run)
  output = run.output(pathlib.Path('predict.csv'))
  files.write(experiment, experiment.data.modality, make, words, output)


def _with_runs(run: Run, words: Sequence[str]) -> None:
  """As ``predict``, with all runs of a cross-validation together."""
  from medjax.deploy import committee

  if run.values.variants:
    raise UserError('--variants: needs one run; expected its folder as --workdir')
  members, decision = chosen.of_crossval(run)
  output = run.output(run.workdir.folder / 'predict.csv')
  committee.predict_files(members, decision, run.devices, words, output)


VERB = Verb(
  'predict',
  'predict files or folders with the best checkpoint of a run, or all of a crossval',
  predict,
  (
    Flag('output', '', 'where it writes (default predict.csv in the run folder, or here)', 'FILE'),
    Flag('model', '', 'a file of export, instead of a run folder', 'FILE'),
    Flag('variants', '', 'what changes do to sequences (VCF file or table)', 'FILE'),
  ),
  words='FILES',
  stored=True,
)
