"""The verb ``predict``: new cases, or what changes do to sequences."""

import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from medjax import sealed
from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.verbs import crossval
from medjax.verbs.run import Run
from medjax.workdir import Workdir


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
  if (run.workdir.folder / crossval.SUMMARY).exists():
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
  from medjax.data import dataset
  from medjax.deploy import model_file
  from medjax.exported import settings
  from medjax.exported.model import load

  for flag in ('workdir', 'variants'):
    if run.values[flag].present:
      raise UserError(f'--{flag}: needs a run folder; expected no --model with it')
  path = pathlib.Path(run.values.model).expanduser()
  settings.check(path, run.name, run.config)
  model = load(path)
  output = run.output(pathlib.Path('predict.csv'))

  def build(about: dict[str, Any]) -> Experiment:
    return run.of_description(dataset.checked(about, path))

  model_file.predict_files(model, build, path, words, run.config.batch_size, output)


def _with_runs(run: Run, words: Sequence[str]) -> None:
  """As ``predict``, with all runs of a cross-validation together."""
  from medjax.deploy import committee

  if run.values.variants:
    raise UserError('--variants: needs one run; expected its folder as --workdir')
  members = []
  about, _ = sealed.read(run.workdir.folder / crossval.SUMMARY)
  for name in about['runs']:
    workdir = Workdir(run.workdir.folder / name)
    one = run.other(workdir.stored(run.config), workdir)
    members.append(committee.Member(one.described(), one.config, workdir))
  path = run.workdir.folder / crossval.DECISION
  if not path.exists():
    raise UserError(
      'predict: predictions of this kind cannot be averaged over runs; expected the folder of one '
      f'of them, such as --workdir={members[0].workdir.folder}'
    )
  value, seal = sealed.read(path)
  if seal.get('runs') != ' '.join(about['runs']):
    raise UserError(f'{path}: is of other runs; run crossval again')
  if failed := about['failed']:
    print(
      f'predict: {len(failed)} runs failed and take no part: {", ".join(failed)}', file=sys.stderr
    )
  decision = members[0].experiment.task.outcome.read_decision(value)
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
