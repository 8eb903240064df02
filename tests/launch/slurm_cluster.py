"""A real Slurm of one node, of this machine, with its daemons in a folder and without systemd."""

import contextlib
import getpass
import os
import pathlib
import shutil
import socket
import subprocess
import time

PROGRAMS = ('munged', 'slurmctld', 'slurmd', 'sbatch', 'srun', 'scontrol', 'squeue')
SBIN = '/usr/sbin'  # often not on the path of users

# Two partitions: a job of 'high' preempts one of 'low', which has a minute to save.
CONFIG = """
ClusterName=medjax
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=5,bf_interval=5,batch_sched_delay=0,sched_min_interval=100000
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
KillWait=5
SlurmdParameters=config_overrides
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
NodeName=localhost NodeAddr=127.0.0.1 NodeHostname={host} CPUs=2 State=UNKNOWN
PartitionName=low Nodes=localhost Default=YES PriorityTier=1 GraceTime=60 MaxTime=INFINITE
PartitionName=high Nodes=localhost PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE
"""


def missing():
  """What is not installed, or '' where all is there."""
  path = os.pathsep.join([os.environ['PATH'], SBIN])
  return ', '.join(name for name in PROGRAMS if shutil.which(name, path=path) is None)


@contextlib.contextmanager
def started(folder: pathlib.Path):
  """Starts the daemons; yields the environment that commands of this cluster need.

  Raises:
    RuntimeError: the node is not ready in time, with what the daemons said.
  """
  host = socket.gethostname().partition('.')[0]
  ports = _free_ports(2)
  config = folder / 'slurm.conf'
  config.write_text(CONFIG.format(folder=folder, ports=ports, user=getpass.getuser(), host=host))
  for name in ('state', 'spool'):
    (folder / name).mkdir()
  key = folder / 'munge.key'
  key.write_bytes(os.urandom(128))
  key.chmod(0o400)
  environment = {
    **os.environ,
    'PATH': os.pathsep.join([os.environ['PATH'], SBIN]),
    'SLURM_CONF': str(config),
  }
  munge = [f'--{name}={folder}/munge.{name.partition("-")[0]}' for name in ('socket', 'pid-file')]
  munge += [f'--{name}-file={folder}/munge.{name}' for name in ('key', 'log', 'seed')]
  commands = (
    ['munged', '--foreground', '--force', *munge],
    ['slurmctld', '-D', '-i'],
    ['slurmd', '-D', '-N', 'localhost'],
  )
  daemons = []
  try:
    for command in commands:
      with (folder / f'{command[0]}.out').open('w') as out:
        daemons.append(
          subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
        )
      if command[0] == 'munged':
        _until(lambda: (folder / 'munge.socket').exists(), folder)
    _until(lambda: said(['sinfo', '-h', '-o', '%T'], environment).startswith('idle'), folder)
    yield environment
  finally:
    said(['scancel', '--state=PENDING', '--user', getpass.getuser()], environment)
    said(['scancel', '--user', getpass.getuser()], environment)
    for daemon in reversed(daemons):
      daemon.terminate()
      try:
        daemon.wait(20)
      except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def said(command, environment):
  """What a command prints; '' where it fails."""
  done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
  return done.stdout.strip()


def _until(ready, folder, seconds=60):
  end = time.monotonic() + seconds
  while not ready():
    if time.monotonic() > end:
      logs = [f'{path.name}: {path.read_text()[-1500:]}' for path in folder.glob('*.out')]
      raise RuntimeError('Slurm is not ready:\n' + '\n'.join(logs))
    time.sleep(0.3)


def _free_ports(count):
  sockets = [socket.socket() for _ in range(count)]
  for one in sockets:
    one.bind(('127.0.0.1', 0))
  ports = [one.getsockname()[1] for one in sockets]
  for one in sockets:
    one.close()
  return ports
