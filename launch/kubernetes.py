"""A JobSet for Kubernetes, of a node pool with GPUs or TPUs; JSON, which kubectl reads as YAML.

python -m launch.kubernetes --image=IMAGE --nodes=2 --gpus-per-node=8 --volume=CLAIM:/data \\
  -- experiments.lung_cnn --workdir=/data/runs/a | kubectl apply -f -

Method: https://jobset.sigs.k8s.io/docs/reference/jobset.v1alpha2, and
https://cloud.google.com/kubernetes-engine/docs/how-to/tpus for the labels of TPU nodes.
"""

import argparse
import json
import pathlib
import re
from collections.abc import Sequence
from typing import Any

from launch import command
from medjax.errors import UserError

_NAME = re.compile(r'[a-z]([-a-z0-9]*[a-z0-9])?')  # of RFC 1035: it becomes part of host names
_LONGEST = 40  # characters; a pod's name adds '-hosts-0-' and its number, and ends at 63
_PORT = 8476
_HOSTS = 'hosts'  # the name of the only job in the set
_SAVE = 120  # seconds between SIGTERM and SIGKILL
_PREEMPTED = 75
_INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"


def main(argv: Sequence[str]) -> int:
  """Prints the JobSet.

  Returns:
    0.

  Raises:
    UserError: the command line is wrong.
  """
  own, experiment = command.split(argv)
  given = _parser().parse_args(own)
  if bool(given.gpus_per_node) == bool(given.tpu):
    raise UserError('expected either --gpus-per-node=N, or --tpu, --topology and --tpus-per-node')
  if given.tpu and not (given.topology and given.tpus_per_node):
    raise UserError('--tpu: needs --topology=AxB and --tpus-per-node=N too')
  if not given.tpu and (given.topology or given.tpus_per_node):
    raise UserError('--topology and --tpus-per-node: go with --tpu=TYPE')
  if given.topology:
    _check_topology(given.topology, given.nodes, given.tpus_per_node)
  experiment.workdir()
  name = given.name or experiment.name.replace('_', '-').lower().strip('-')[:_LONGEST].strip('-')
  if not _NAME.fullmatch(name) or len(name) > _LONGEST:
    raise UserError(
      f'--name={name}: expected small letters, digits and -, from a letter, {_LONGEST} at most'
    )
  if given.tpu:
    resources = {'google.com/tpu': str(given.tpus_per_node)}
    selector = {
      'cloud.google.com/gke-tpu-accelerator': given.tpu,
      'cloud.google.com/gke-tpu-topology': given.topology,
    }
  else:
    resources, selector = {'nvidia.com/gpu': str(given.gpus_per_node)}, {}
  selector |= dict(given.node_selector)
  pod = {
    'restartPolicy': 'Never',
    'terminationGracePeriodSeconds': _SAVE,
    **({'nodeSelector': selector} if selector else {}),
    'containers': [
      {
        'name': 'run',
        'image': given.image,
        'command': _command(experiment, name, given.nodes, tpu=bool(given.tpu)),
        'env': [
          {'name': 'PROCESS_ID', 'valueFrom': {'fieldRef': {'fieldPath': _INDEX}}},
          *({'name': key, 'value': value.replace('$', '$$')} for key, value in given.env),
        ],
        'ports': [{'containerPort': _PORT}],
        'resources': {'requests': resources, 'limits': resources},
        'volumeMounts': _mounts(given.volume),
      }
    ],
    'volumes': _volumes(given.volume),
  }
  print(json.dumps(jobset(name, given.nodes, given.restarts, pod), indent=2))
  return 0


def jobset(name: str, nodes: int, restarts: int, pod: dict[str, Any]) -> dict[str, Any]:
  """The JobSet: one pod a node; all of them start again together where one fails.

  Args:
    name: of the set.
    nodes: how many pods.
    restarts: how many failures are tried again. A run that was asked to end and saved (75), or
      whose node was taken away, does not count.
    pod: the pod's spec.
  """
  interrupted = [
    {'action': 'FailJob', 'onExitCodes': {'operator': 'In', 'values': [_PREEMPTED]}},
    {'action': 'FailJob', 'onPodConditions': [{'type': 'DisruptionTarget', 'status': 'True'}]},
  ]
  job = {
    'completionMode': 'Indexed',
    'completions': nodes,
    'parallelism': nodes,
    'backoffLimit': 0,
    'podFailurePolicy': {'rules': interrupted},
    'template': {'spec': pod},
  }
  rule = {
    'name': 'interrupted',
    'action': 'RestartJobSetAndIgnoreMaxRestarts',
    'onJobFailureReasons': ['PodFailurePolicy'],
  }
  return {
    'apiVersion': 'jobset.x-k8s.io/v1alpha2',
    'kind': 'JobSet',
    'metadata': {'name': name},
    'spec': {
      'network': {'enableDNSHostnames': True, 'publishNotReadyAddresses': True},
      'failurePolicy': {'maxRestarts': restarts, 'rules': [rule]},
      'replicatedJobs': [{'name': _HOSTS, 'replicas': 1, 'template': {'spec': job}}],
    },
  }


def _command(experiment: command.Experiment, name: str, nodes: int, *, tpu: bool) -> list[str]:
  """What the container runs; Kubernetes fills in $(NAME), and takes $$ for a dollar."""
  line = ['python', '-m', experiment.module, *experiment.arguments]
  line = [word.replace('$', '$$') for word in line]
  if tpu:
    return [*line, '--coordinator=auto']  # GKE tells each pod of a slice about the others
  return [
    *line,
    f'--coordinator={name}-{_HOSTS}-0-0.{name}:{_PORT}',
    f'--num_processes={nodes}',
    '--process_id=$(PROCESS_ID)',
  ]


def _mounts(volumes: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
  return [{'name': f'volume-{n}', 'mountPath': path} for n, (_, path) in enumerate(volumes)]


def _volumes(volumes: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
  return [
    {'name': f'volume-{number}', 'persistentVolumeClaim': {'claimName': claim}}
    for number, (claim, _) in enumerate(volumes)
  ]


def _check_topology(topology: str, nodes: int, chips: int) -> None:
  """Sees that the nodes have as many chips as the topology.

  Raises:
    UserError: they have not, or it is none.
  """
  if not re.fullmatch(r'[1-9]\d*(x[1-9]\d*){1,2}', topology):
    raise UserError(f'--topology={topology}: expected such as 4x4 or 2x2x2')
  count = 1
  for side in topology.split('x'):
    count *= int(side)
  if count != nodes * chips:
    raise UserError(
      f'--topology={topology}: has {count} chips, and --nodes={nodes} with '
      f'--tpus-per-node={chips} have {nodes * chips}'
    )


def _parser() -> command.Parser:
  parser = command.Parser(
    'launch.kubernetes', 'Prints a JobSet that runs one experiment, for kubectl apply -f -.'
  )
  one = command.at_least_one
  add = parser.add_argument
  add('--image', required=True, metavar='IMAGE', help='container image with this code in it')
  add('--nodes', type=one, default=1, metavar='N', help='one process on each; 1 by default')
  add('--gpus-per-node', type=one, metavar='N', help='NVIDIA GPUs of each node')
  add('--tpu', metavar='TYPE', help='kind of TPU nodes on GKE, such as tpu-v6e-slice')
  add('--topology', metavar='AxB', help='topology of the slice, such as 4x4')
  add('--tpus-per-node', type=one, metavar='N', help='chips of each node, such as 4')
  add('--name', metavar='NAME', help="of the JobSet; the experiment's by default")
  add(
    '--volume', type=_volume, action='append', default=[], metavar='CLAIM:/PATH',
    help='a claim of a shared volume and where it is mounted; may be repeated',
  )  # fmt: skip
  add(
    '--env', type=_pair, action='append', default=[], metavar='NAME=VALUE',
    help='an environment variable, such as MEDJAX_CACHE=/data/cache; may be repeated',
  )  # fmt: skip
  add(
    '--node-selector', type=_pair, action='append', default=[], metavar='LABEL=VALUE',
    help='a label that the nodes must have; may be repeated',
  )  # fmt: skip
  add('--restarts', type=one, default=3, metavar='N', help='failures to survive; 3 by default')
  return parser


def _volume(text: str) -> tuple[str, str]:
  claim, _, path = text.partition(':')
  if not claim or not pathlib.PurePosixPath(path).is_absolute():
    raise argparse.ArgumentTypeError(f'{text!r}: expected CLAIM:/PATH')
  return claim, path


def _pair(text: str) -> tuple[str, str]:
  key, equals, value = text.partition('=')
  if not key or not equals:
    raise argparse.ArgumentTypeError(f'{text!r}: expected NAME=VALUE')
  return key, value


if __name__ == '__main__':
  command.run(main)
