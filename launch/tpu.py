"""The same run on every worker of a Cloud TPU pod slice, over ssh.

python -m launch.tpu --slice=my-slice --zone=us-central2-b -- experiments.lung_cnn \\
  --workdir=/mnt/shared/runs/a
"""

import shlex
import subprocess
from collections.abc import Sequence

from launch import command
from medjax.errors import UserError


def main(argv: Sequence[str]) -> int:
  """Starts the run by gcloud and waits for it.

  Returns:
    The code with which gcloud ended.

  Raises:
    UserError: the command line is wrong, or there is no gcloud.
  """
  own, experiment = command.split(argv)
  parser = command.Parser('launch.tpu', 'Starts one run on every worker of a Cloud TPU pod slice.')
  parser.add_argument('--slice', required=True, metavar='NAME', help='name of the TPU VM')
  parser.add_argument('--zone', required=True, metavar='ZONE', help='where it is')
  parser.add_argument('--project', metavar='ID', help="gcloud's own by default")
  parser.add_argument(
    '--checkout', default='medjax', metavar='FOLDER',
    help='folder of the code on each worker, from the home folder, with its environment in .venv; '
    '%(default)s by default',
  )  # fmt: skip
  parser.add_argument('--dry-run', action='store_true', help='print the command, start nothing')
  given = parser.parse_args(own)
  experiment.workdir()
  line = [
    'gcloud', 'compute', 'tpus', 'tpu-vm', 'ssh', given.slice, f'--zone={given.zone}',
    '--worker=all', f'--command={remote(experiment, given.checkout)}',
  ]  # fmt: skip
  if given.project:
    line.append(f'--project={given.project}')
  if given.dry_run:
    print(shlex.join(line))
    return 0
  try:
    return subprocess.run(line).returncode
  except FileNotFoundError:
    raise UserError('gcloud: not found; install the Google Cloud CLI, or use --dry-run') from None


def remote(experiment: command.Experiment, checkout: str) -> str:
  """The line that each worker's shell runs, in its home folder.

  Example:
    >>> remote(command.Experiment('experiments.lung_cnn', ('--workdir=/mnt/a b',)), 'medjax')
    "cd medjax && .venv/bin/python -m experiments.lung_cnn '--workdir=/mnt/a b' --coordinator=auto"
  """
  run = ['.venv/bin/python', '-m', experiment.module, *experiment.arguments, '--coordinator=auto']
  return f'cd {shlex.quote(checkout)} && {shlex.join(run)}'


if __name__ == '__main__':
  command.run(main)
