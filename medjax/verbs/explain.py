"""The verb ``explain``: what predictions rest on, and how good the explanations are."""

import pathlib
from collections.abc import Sequence

from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.verbs.run import Run

_CASES = 32


def explain(run: Run, words: Sequence[str]) -> None:
  """Writes a picture, an array and a row for each case; with --grade, grades of methods.

  Raises:
    UserError: no files were named, there is no such method, or the run is not there.
  """
  from medjax.deploy import explain_files

  if run.values.grade:
    _grade(run, words)
    return
  if run.values.cases is not None:
    raise UserError('--cases: says how many cases --grade grades; expected --grade with it')
  if not words:
    raise UserError('explain: expected files or folders after it')
  experiment = run.described()
  output = run.values.output
  folder = pathlib.Path(output).expanduser() if output else run.workdir.folder / 'explanations'
  if folder.exists() and not folder.is_dir():
    raise UserError(f'--output={folder}: is a file; expected the name of a folder')
  explain_files.explain_files(experiment, run.config, run.workdir, words, run.values.method, folder)


def _grade(run: Run, words: Sequence[str]) -> None:
  from medjax.report import grading

  if run.values.output:
    raise UserError('--output: --grade writes into the run folder; expected no --output with it')
  if words:
    raise UserError(f"explain --grade {words[0]}: grades the run's own test cases, not files")
  experiment, method = run.finished(), run.values.method
  methods = list(experiment.data.modality.methods) if method == 'all' else [method]
  with run.alone():
    grading.grade_run(experiment, run.workdir, methods, run.values.cases or _CASES)
    run.report(experiment)


VERB = Verb(
  'explain',
  'show what the predictions of files or folders rest on',
  explain,
  (
    Flag(
      'method', '', 'how; a wrong name lists those that suit the data; all with --grade', 'NAME'
    ),
    Flag('output', '', 'where it writes (default explanations in the run folder)', 'FOLDER'),
    Flag('grade', False, 'grade the method, or all, on test cases that the run found'),
    Flag('cases', None, f'how many at most, with --grade (default {_CASES})', 'N', low=1),
  ),
  words='FILES',
  stored=True,
)
