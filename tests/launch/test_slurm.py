"""The script of a Slurm job, and its submission."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from launch import slurm
from medjax.errors import UserError

EXPERIMENT = ['--', 'experiments.lung_cnn', 'crossval']
TUNING = ['--', 'experiments.lung_cnn', 'tune', '--storage=postgresql://db/studies']


def script(capsys, *options, workdir='runs/a'):
  slurm.main([*options, '--dry-run', *EXPERIMENT, f'--workdir={workdir}'])
  return capsys.readouterr().out


def test_the_options_are_those_of_sbatch_and_win(capsys):
  text = script(capsys, '--nodes=4', '--gpus-per-node=a100:8', '--signal=TERM@300', '--exclusive')
  header = [line for line in text.splitlines() if line.startswith('#SBATCH')]
  assert set(header) == {
    '#SBATCH --job-name=lung_cnn',
    f'#SBATCH --output={pathlib.Path("runs/a/launch").absolute()}/%j.log',
    '#SBATCH --nodes=4',
    '#SBATCH --ntasks-per-node=1',
    '#SBATCH --signal=TERM@300',
    '#SBATCH --requeue',
    '#SBATCH --open-mode=append',
    '#SBATCH --gpus-per-node=a100:8',
    '#SBATCH --exclusive',
  }
  # sbatch reads no options after the first command.
  assert text.splitlines()[1 : len(header) + 1] == header


@pytest.fixture
def cluster(tmp_path, monkeypatch):
  """Commands of Slurm that note what they were given; srun ends with the code in SRUN_CODE."""
  folder = tmp_path / 'bin'
  folder.mkdir()
  note = (
    f'#!{sys.executable}\n'
    'import json, os, sys\n'
    'name = os.path.basename(sys.argv[0])\n'
    'given = [sys.argv[1:], os.getcwd(), os.environ.get("JAX_LOCAL_DEVICE_IDS")]\n'
    f'open(f"{folder}/{{name}}.json", "w").write(json.dumps(given))\n'
    'print(os.environ.get(f"{name.upper()}_SAYS", ""))\n'
    'sys.exit(int(os.environ.get(f"{name.upper()}_CODE", 0)))\n'
  )
  for name in ('sbatch', 'scontrol', 'squeue', 'srun'):
    (folder / name).write_text(note)
    (folder / name).chmod(0o755)
  monkeypatch.setenv('PATH', f'{folder}{os.pathsep}{os.environ["PATH"]}')
  monkeypatch.setenv('SLURM_JOB_ID', '7')
  for name in ('SLURM_GPUS_ON_NODE', 'SLURM_NTASKS_PER_NODE', 'JAX_LOCAL_DEVICE_IDS'):
    monkeypatch.delenv(name, raising=False)

  def given(name):
    path = folder / f'{name}.json'
    return json.loads(path.read_text()) if path.exists() else None

  return given


def run(text):
  return subprocess.run(['bash'], input=text, text=True, capture_output=True).returncode


def test_arguments_reach_the_experiment_unchanged(capsys, cluster):
  odd = ['two words', "it's", '"quoted" $HOME `id` \\ *', '', 'ä\nb', '{braces}', '%j']
  slurm.main(['--dry-run', *EXPERIMENT, '--workdir=a', *odd])
  assert run(capsys.readouterr().out) == 0
  words, folder, _ = cluster('srun')
  assert words == [
    '--wait=60', sys.executable, '-m', 'experiments.lung_cnn', 'crossval', '--workdir=a', *odd,
    '--coordinator=auto',
  ]  # fmt: skip
  assert folder == os.getcwd()


@pytest.mark.parametrize(
  ('code', 'state', 'requeued'),
  [(0, 'RUNNING', False), (1, 'RUNNING', False), (137, 'RUNNING', False), (75, 'RUNNING', True),
   (75, 'CANCELLED', False)],
)  # fmt: skip
def test_a_run_that_saved_is_requeued(capsys, cluster, monkeypatch, code, state, requeued):
  monkeypatch.setenv('SRUN_CODE', str(code))
  monkeypatch.setenv('SQUEUE_SAYS', state)
  assert run(script(capsys)) == code
  assert cluster('scontrol') == ([['requeue', '7'], os.getcwd(), None] if requeued else None)


def test_the_script_outlives_a_signal_for_the_run(capsys, cluster, monkeypatch, tmp_path):
  monkeypatch.setenv('SQUEUE_SAYS', 'RUNNING')
  (tmp_path / 'bin/srun').write_text('#!/bin/sh\nkill -TERM $PPID\nsleep 0.2\nexit 75')
  assert run(script(capsys)) == 75
  assert cluster('scontrol')[0] == ['requeue', '7']


@pytest.mark.parametrize(
  ('tasks', 'gpus', 'devices'),
  [('1', '4', '0,1,2,3'), ('1', '1', '0'), ('4', '4', None), ('1', '', None)],
)
def test_the_only_process_of_a_node_gets_all_its_gpus(
  capsys, cluster, monkeypatch, tasks, gpus, devices
):
  monkeypatch.setenv('SLURM_NTASKS_PER_NODE', tasks)
  monkeypatch.setenv('SLURM_GPUS_ON_NODE', gpus)
  assert run(script(capsys)) == 0
  assert cluster('srun')[2] == devices


def test_the_script_is_kept_in_the_run_folder_and_submitted(capsys, cluster, monkeypatch, tmp_path):
  monkeypatch.setenv('SBATCH_SAYS', '12;cluster')
  folder = tmp_path / 'a run/launch'
  assert slurm.main([*EXPERIMENT, f'--workdir={tmp_path / "a run"}']) == 0
  assert capsys.readouterr().out == f'job 12: {folder}/job.sh, output in {folder}/12.log\n'
  assert cluster('sbatch')[0] == ['--parsable', f'{folder}/job.sh']
  assert (folder / 'job.sh').read_text() == script(capsys, workdir=tmp_path / 'a run')


def test_an_array_is_of_workers_of_one_tuning(capsys, cluster, monkeypatch):
  slurm.main(['--array=4', '--dry-run', *TUNING, '--workdir=a'])
  text = capsys.readouterr().out
  assert '#SBATCH --array=0-3\n' in text
  assert f'#SBATCH --output={pathlib.Path("a/launch").absolute()}/%A_%a.log\n' in text
  assert '#SBATCH --requeue\n' in text
  monkeypatch.setenv('SLURM_ARRAY_JOB_ID', '7')
  monkeypatch.setenv('SLURM_ARRAY_TASK_ID', '2')
  monkeypatch.setenv('SRUN_CODE', '75')
  monkeypatch.setenv('SQUEUE_SAYS', 'RUNNING')
  assert run(text) == 75
  assert '--jobs=7_2' in cluster('squeue')[0]
  assert cluster('scontrol')[0] == ['requeue', '7_2']  # and no other worker


def test_an_array_is_of_parts_of_a_cross_validation(capsys, cluster, monkeypatch, tmp_path):
  text = script(capsys, '--array=3', workdir='a b')
  assert '#SBATCH --array=0-2\n' in text
  monkeypatch.setenv('SLURM_ARRAY_TASK_ID', '1')
  assert run(text) == 0
  assert cluster('srun')[0][-3:] == ['--workdir=a b', '--coordinator=auto', '--part=1/3']
  slurm.main(['--array=3', *EXPERIMENT, f'--workdir={tmp_path}/a b'])
  out = capsys.readouterr().out
  assert (
    f"once it is done: python -m experiments.lung_cnn crossval '--workdir={tmp_path}/a b'" in out
  )


def test_a_dry_run_writes_nothing(capsys, cluster, tmp_path):
  script(capsys, workdir=tmp_path / 'a')
  assert cluster('sbatch') is None
  assert not (tmp_path / 'a').exists()


def test_a_new_run_takes_a_folder_with_its_script(tmp_path):
  from medjax.workdir import Workdir

  (tmp_path / 'launch').mkdir()
  Workdir(tmp_path).check(None)


@pytest.mark.parametrize(
  ('arguments', 'line'),
  [
    (EXPERIMENT, '--workdir=FOLDER: is missing'),
    (['-N', '2', *EXPERIMENT, '--workdir=a'], '-N: expected a flag of sbatch in its long form'),
    (['--time', '1', *EXPERIMENT, '--workdir=a'], '1: expected a flag of sbatch'),
    (
      ['--array=4', '--', 'experiments.lung_cnn', '--workdir=a'],
      '--array: is for tune and crossval, whose tasks share a folder',
    ),
    (['--array=0-4', *TUNING, '--workdir=a'], '--array=0-4: expected how many workers, such as'),
    (['--array=0', *TUNING, '--workdir=a'], '--array=0: expected how many workers'),
    (['--array=2', '--nodes=2', *TUNING, '--workdir=a'], '--array: a worker is one process'),
    (['--comment=a\nb', *EXPERIMENT, '--workdir=a'], '--comment: its value has a line break'),
    (['--', 'experiments.no', '--workdir=a'], 'experiments.no: no such module here'),
  ],
)
def test_mistakes_are_named(arguments, line):
  with pytest.raises(UserError) as error:
    slurm.main(arguments)
  assert str(error.value).startswith(line)


def test_a_job_that_is_refused_says_why(cluster, monkeypatch, tmp_path):
  (tmp_path / 'bin/sbatch').write_text('#!/bin/sh\necho "sbatch: error: no partition" >&2; exit 1')
  with pytest.raises(UserError, match=r'job\.sh: sbatch refuses it: no partition'):
    slurm.main([*EXPERIMENT, f'--workdir={tmp_path / "a"}'])


def test_a_machine_without_slurm_says_so(monkeypatch, tmp_path):
  monkeypatch.setenv('PATH', str(tmp_path))
  with pytest.raises(UserError, match=r'sbatch: not found; submit .* from a login node'):
    slurm.main([*EXPERIMENT, f'--workdir={tmp_path / "a"}'])
