"""A Slurm job: a process on each node, requeued and continued after preemption.

python -m launch.slurm --nodes=2 --gpus-per-node=4 --time=8:00:00 -- experiments.lung_cnn \\
  --workdir=/shared/runs/a

With --array=N the job is an array: of workers of one tuning, which share its trials, or of parts of
one cross-validation.
"""

import pathlib
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence

from launch import command
from medjax import files
from medjax.errors import UserError

# At the time limit a run has two minutes to save. A job that goes on adds to its log.
_DEFAULTS = {
  '--nodes': '1',
  '--ntasks-per-node': '1',
  '--signal': 'TERM@120',
  '--requeue': None,
  '--open-mode': 'append',
}
_ARRAY = '--array'
_SHARED = ('crossval', 'tune')  # verbs whose work several processes share
_REFUSED = {
  '--wrap': 'the job is the experiment after --',
  '--no-requeue': 'a job that was asked to end and saved is requeued',
}


def main(argv: Sequence[str]) -> int:
  """Writes the job's script into the run folder and submits it.

  Returns:
    0.

  Raises:
    UserError: the command line is wrong, or sbatch is missing or refuses the job.
  """
  own, experiment = command.split(argv)
  parser = command.Parser(
    'launch.slurm',
    'Submits one run as a Slurm job. All other flags are those of sbatch, in their long form: '
    '--nodes=2 --gpus-per-node=4 --partition=gpu --time=8:00:00.',
    '[--dry-run] [--SBATCH-FLAG=VALUE ...]',
  )
  parser.add_argument('--dry-run', action='store_true', help='print the script, submit nothing')
  given, others = parser.parse_known_args(own)
  command.check_here(experiment)
  folder = experiment.workdir().absolute() / 'launch'
  options = _options(others)
  _check_array(experiment, options)
  text = script(experiment, options, folder, pathlib.Path.cwd())
  if given.dry_run:
    print(text, end='')
    return 0
  path = folder / 'job.sh'
  folder.mkdir(parents=True, exist_ok=True)
  with files.replacing(path) as new:
    new.write_text(text)
  number = _submit(path)
  log = folder / (f'{number}_*.log' if _ARRAY in options else f'{number}.log')
  print(f'job {number}: {path}, output in {options.get("--output") or log}')
  if _ARRAY in options and _verb(experiment) == 'crossval':
    print(f'once it is done: python -m {experiment.module} {shlex.join(experiment.arguments)}')
  return 0


def script(
  experiment: command.Experiment,
  options: Mapping[str, str | None],
  folder: pathlib.Path,
  checkout: pathlib.Path,
) -> str:
  """The text of the job's script.

  Args:
    experiment: what is to run.
    options: flags of sbatch and their values, None for a switch; they win over the defaults.
    folder: where the job's output goes.
    checkout: the folder in which the experiment's module is found, on every node.

  Example:
    >>> one = command.Experiment('experiments.lung_cnn', ('--workdir=/shared/a b',))
    >>> text = script(one, {'--nodes': '4'}, pathlib.Path('/shared/a b/launch'), pathlib.Path('/m'))
    >>> text.splitlines()[3]
    '#SBATCH --nodes=4'
  """
  named = {
    '--job-name': experiment.name,
    '--output': str(folder).replace('%', '%%') + ('/%A_%a.log' if _ARRAY in options else '/%j.log'),
    **_DEFAULTS,
    **options,
  }
  workers = named.get(_ARRAY)
  if workers:
    named[_ARRAY] = f'0-{int(workers) - 1}'
  header = [
    f'#SBATCH {flag}' if value is None else f'#SBATCH {flag}={_quoted(value)}'
    for flag, value in named.items()
  ]
  words = [sys.executable, '-m', experiment.module, *experiment.arguments, '--coordinator=auto']
  run = shlex.join(words)
  if workers and _verb(experiment) == 'crossval':
    run += f' --part="$SLURM_ARRAY_TASK_ID/{workers}"'
  return _SCRIPT.format(header='\n'.join(header), checkout=shlex.quote(str(checkout)), run=run)


def _verb(experiment: command.Experiment) -> str:
  """The one of the verbs that share work that is asked for; '' for another."""
  return next((word for word in experiment.arguments if word in _SHARED), '')


_SCRIPT = """#!/bin/bash
{header}
set -euo pipefail
# Where Slurm sends SIGTERM to this script as well as to the run, it lives to see the run end.
trap : TERM
cd {checkout}
# JAX gives a process on Slurm one GPU; the only one of a node gets all that the job has there.
if [ "${{SLURM_NTASKS_PER_NODE:-1}}" = 1 ] && [ -n "${{SLURM_GPUS_ON_NODE:-}}" ]; then
  export JAX_LOCAL_DEVICE_IDS=${{JAX_LOCAL_DEVICE_IDS:-$(seq -s, 0 $((SLURM_GPUS_ON_NODE - 1)))}}
fi
status=0
# A process whose neighbour has died waits for it in a sum over all of them: it gets a minute.
srun --wait=60 {run} || status=$?
# 75: asked to end, and saved. The requeued job goes on from there; a cancelled one stays away.
# Of an array one task alone: the number of the job may stand for all of them.
job=${{SLURM_ARRAY_TASK_ID:+${{SLURM_ARRAY_JOB_ID:-}}_$SLURM_ARRAY_TASK_ID}}
job=${{job:-$SLURM_JOB_ID}}
if [ "$status" -eq 75 ]; then
  if [ "$(squeue --noheader --format=%T --jobs="$job")" = RUNNING ]; then
    scontrol requeue "$job"
  fi
fi
exit "$status"
"""


def _options(words: Sequence[str]) -> dict[str, str | None]:
  """Flags of sbatch as they were given.

  Raises:
    UserError: one is not of the form --name or --name=value, or means another kind of job.
  """
  options: dict[str, str | None] = {}
  for word in words:
    flag, equals, value = word.partition('=')
    if not flag.startswith('--') or not flag[2:]:
      raise UserError(f'{word}: expected a flag of sbatch in its long form, --name=value')
    if flag in _REFUSED:
      raise UserError(f'{word}: cannot be given; {_REFUSED[flag]}')
    if '\n' in value:
      raise UserError(f'{flag}: its value has a line break; expected one line')
    options[flag] = value if equals else None
  return options


def _check_array(experiment: command.Experiment, options: Mapping[str, str | None]) -> None:
  """Sees that an array is of workers that share something.

  Raises:
    UserError: it is not, or its size is no number.
  """
  if _ARRAY not in options:
    return
  if not _verb(experiment):
    raise UserError(
      '--array: is for tune and crossval, whose tasks share a folder; give other runs folders of '
      'their own by submitting several'
    )
  size = options[_ARRAY] or ''
  if not re.fullmatch('[1-9][0-9]*', size):
    raise UserError(f'--array={size}: expected how many workers, such as --array=4')
  if options.get('--nodes', '1') != '1' or options.get('--ntasks-per-node', '1') != '1':
    raise UserError('--array: a worker is one process; leave out --nodes and --ntasks-per-node')


def _quoted(value: str) -> str:
  """A value as sbatch reads it in a script's header, whose quotes are not quite a shell's."""
  plain = value.replace('\\', '\\\\').replace('"', '\\"')
  return f'"{plain}"' if shlex.quote(value) != value else value


def _submit(path: pathlib.Path) -> str:
  """The job's number.

  Raises:
    UserError: there is no sbatch, or it refuses the job.
  """
  line = ['sbatch', '--parsable', str(path)]
  try:
    done = subprocess.run(line, capture_output=True, text=True)
  except FileNotFoundError:
    raise UserError(
      f'sbatch: not found; submit {path} from a login node of the cluster (--dry-run prints it)'
    ) from None
  if done.returncode:
    said = done.stderr.strip().splitlines() or [f'ended with code {done.returncode}']
    why = said[0].removeprefix('sbatch: ').removeprefix('error: ')
    raise UserError(f'{path}: sbatch refuses it: {why}')
  return done.stdout.strip().partition(';')[0]


if __name__ == '__main__':
  command.run(main)
