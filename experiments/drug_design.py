"""New molecules toward a goal: a language model is tuned to what a run predicts, and to QED and SA.

    python -m experiments.drug_generate --config.data.source=library.smi.gz --workdir=LANGUAGE
    python -m experiments.drug_activity --config.data.source=assay.csv --workdir=ACTIVITY
    python -m experiments.drug_design --language=LANGUAGE --activity=ACTIVITY --qed --output=FOLDER

Writes candidates.csv, .sdf and .html, and design.json with figures before and after. The same
command goes on with a tuning that was stopped. Results: see experiments/README.md.
"""

import hashlib
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from experiments import drug_activity, drug_generate
from medjax import arguments, cli, runtime, sealed, start
from medjax import config as config_lib
from medjax.design import design
from medjax.design.activity import Activity
from medjax.design.language import Language
from medjax.design.objective import Objective
from medjax.errors import UserError
from medjax.verbs.run import Run
from medjax.workdir import Workdir

_FLAGS = """Flags:
  --language=RUN    a run of drug_generate, which is tuned
  --activity=RUN    a run of drug_activity, whose prediction is wanted high
  --class=NAME      the class whose probability is wanted (default the positive one of two)
  --qed             drug-likeness is wanted, too
  --sa              molecules that are easy to make are wanted, too
  --output=FOLDER   where it writes, and goes on (default runs/drug_design)
"""


def main(argv: Sequence[str] | None = None) -> None:
  """Parses flags, tunes, writes the candidates, and exits."""
  values = flags.FlagValues()
  texts = {'language': '', 'activity': '', 'class': '', 'output': 'runs/drug_design'}
  for name, usual in texts.items():
    flags.DEFINE_string(name, usual, name, flag_values=values)
  for name in ('qed', 'sa'):
    flags.DEFINE_boolean(name, False, name, flag_values=values)
  config_lib.declare(design.Config(), values)
  given = list(sys.argv[1:] if argv is None else argv)
  with cli.one_line_errors():
    if arguments.asks_help(given):
      print(__doc__, _FLAGS, *arguments.settings_help(design.Config()), sep='\n')
      return
    if rest := arguments.parse(values, given):
      raise UserError(f'{rest[0]}: expected only flags')
    config = config_lib.override(design.Config(), values)
    if argv is None:
      start.restart_with_huge_pages()
      start.loaded()
    runtime.configure()
    _design(values, config)


def _design(values: flags.FlagValues, config: design.Config) -> None:
  if not values.language:
    raise UserError('--language: expected a run of drug_generate')
  if not (values.activity or values.qed or values.sa):
    raise UserError('expected a goal: --activity=RUN, --qed or --sa')
  named = str(values['class'].value)
  if named and not values.activity:
    raise UserError('--class: is of --activity=RUN; expected both')
  of_language = _run(drug_generate, values.language, values)
  of_language.described().data.modality.vocabulary('drug_design: tunes')  # before the long part
  activity, trained = None, []
  if values.activity:
    run = _run(drug_activity, values.activity, values)
    experiment = run.finished()
    activity = Activity(experiment, run.config, run.workdir, named)
    trained = experiment.data.splits['train'].metadata['smiles']
  objective = Objective(activity, values.qed, values.sa)
  folder = pathlib.Path(values.output).expanduser()
  identity = _claim(folder, values, config)
  experiment = of_language.finished()
  language = Language.of_run('drug_design: tunes', experiment, of_language.workdir)
  trained = trained or experiment.data.splits['train'].metadata['smiles']
  result = design.design(language, experiment, objective, config, folder, identity, trained)
  for line in design.lines(result):
    print(line)
  for ending in ('csv', 'sdf', 'html'):
    print(f'candidates: {folder / f"candidates.{ending}"}')


def _run(module: Any, folder: str, values: flags.FlagValues) -> Run:
  """A finished run of an experiment."""
  workdir = Workdir(folder)
  config = workdir.stored(module.Config())
  return Run(module.__name__.rsplit('.', 1)[-1], config, module.build, workdir, values)


def _claim(folder: pathlib.Path, values: flags.FlagValues, config: design.Config) -> str:
  """Makes a folder this tuning's, or sees that it already is; what ties its files to it.

  Raises:
    UserError: the folder holds another tuning.
  """
  runs = {
    name: Workdir(folder).identity() if folder else ''
    for name, folder in (('language', values.language), ('activity', values.activity))
  }
  settings = {
    **runs,
    'class': values['class'].value,
    'qed': values.qed,
    'sa': values.sa,
    'settings': config_lib.to_dict(config),
  }
  path = folder / 'tuning.json'
  if path.exists():
    before, _ = sealed.read(path, 'choose another --output')
    if before != json.loads(json.dumps(settings)):
      raise UserError(f'--output={folder}: holds a tuning with other settings; choose another')
  else:
    sealed.write(path, settings)
  return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


if __name__ == '__main__':
  main()
