"""The JobSet, against models that are generated from the published schema."""

import json
import re

import pytest

from launch import kubernetes
from medjax.errors import UserError

EXPERIMENT = ['--', 'experiments.lung_cnn', '--workdir=/data/a']
GPU = ['--image=me/medjax:1', '--nodes=2', '--gpus-per-node=8']
TPU = [
  '--image=me/medjax:1', '--nodes=4', '--tpu=tpu-v6e-slice', '--topology=4x4', '--tpus-per-node=4',
]  # fmt: skip
ALL = ['--name=one', '--volume=data:/data', '--volume=cache:/cache', '--env=MEDJAX_CACHE=/cache',
       '--node-selector=cloud.google.com/gke-nodepool=a', '--restarts=9']  # fmt: skip


def printed(capsys, *arguments):
  assert kubernetes.main(arguments) == 0
  return json.loads(capsys.readouterr().out)


def job(jobset):
  return jobset['spec']['replicatedJobs'][0]['template']['spec']


def pod(jobset):
  return job(jobset)['template']['spec']


def left_out(ours, theirs, where=''):
  """What the published schema does not know: it is dropped by its models."""
  if isinstance(ours, dict):
    lost = [f'{where}.{key}' for key in ours if key not in theirs]
    kept = [key for key in ours if key in theirs]
    return lost + [x for key in kept for x in left_out(ours[key], theirs[key], f'{where}.{key}')]
  if isinstance(ours, list):
    assert len(ours) == len(theirs)
    return [x for n, one in enumerate(ours) for x in left_out(one, theirs[n], f'{where}.{n}')]
  return [] if ours == theirs else [where]


@pytest.fixture(scope='module')
def schema():
  reason = "the published schema of JobSet is not here: pip install -e '.[test]'"
  return pytest.importorskip('kubeflow_trainer_api.models', reason=reason).JobsetV1alpha2JobSet


@pytest.mark.parametrize('arguments', [GPU, TPU, [*GPU, *ALL], [*TPU, *ALL]])
def test_the_published_schema_takes_every_field(capsys, schema, arguments):
  ours = printed(capsys, *arguments, *EXPERIMENT)
  assert left_out(ours, schema.from_dict(ours).to_dict()) == []


def test_the_published_schema_refuses_what_is_wrong(capsys, schema):
  ours = printed(capsys, *GPU, *EXPERIMENT)
  job(ours)['backoffLimt'] = 0
  assert left_out(ours, schema.from_dict(ours).to_dict()) == [
    '.spec.replicatedJobs.0.template.spec.backoffLimt'
  ]
  job(ours)['completions'] = '2'
  with pytest.raises(ValueError, match='completions'):
    schema.from_dict(ours)


def test_a_gpu_pod_joins_pod_0_by_its_host_name(capsys):
  ours = printed(capsys, *GPU, *EXPERIMENT)
  # <jobSet.name>-<replicatedJob.name>-<job-index>-<pod-index>.<subdomain>, which is its name.
  name, hosts = ours['metadata']['name'], ours['spec']['replicatedJobs'][0]['name']
  assert ours['spec']['network']['enableDNSHostnames'] is True
  container = pod(ours)['containers'][0]
  port = container['ports'][0]['containerPort']
  assert f'--coordinator={name}-{hosts}-0-0.{name}:{port}' in container['command']
  assert '--num_processes=2' in container['command']
  assert (job(ours)['completions'], job(ours)['parallelism']) == (2, 2)
  assert job(ours)['completionMode'] == 'Indexed'
  assert container['resources']['limits'] == {'nvidia.com/gpu': '8'}
  assert 'nodeSelector' not in pod(ours)


def test_a_tpu_pod_asks_its_slice(capsys):
  ours = printed(capsys, *TPU, *ALL, *EXPERIMENT)
  assert pod(ours)['nodeSelector'] == {
    'cloud.google.com/gke-tpu-accelerator': 'tpu-v6e-slice',
    'cloud.google.com/gke-tpu-topology': '4x4',
    'cloud.google.com/gke-nodepool': 'a',
  }
  container = pod(ours)['containers'][0]
  assert container['command'][-1] == '--coordinator=auto'
  assert container['resources']['limits'] == {'google.com/tpu': '4'}


def test_volumes_and_variables(capsys):
  ours = printed(capsys, *GPU, *ALL, '--env=PRICE=5$ $(HOME)', *EXPERIMENT)
  claims = {v['name']: v['persistentVolumeClaim']['claimName'] for v in pod(ours)['volumes']}
  container = pod(ours)['containers'][0]
  mounts = {claims[m['name']]: m['mountPath'] for m in container['volumeMounts']}
  assert mounts == {'data': '/data', 'cache': '/cache'}
  values = {v['name']: expanded(v['value'], {}) for v in container['env'] if 'value' in v}
  assert values == {'MEDJAX_CACHE': '/cache', 'PRICE': '5$ $(HOME)'}


def expanded(text, environment):
  """As Kubernetes documents it: $(NAME) is the variable where there is one, $$ is a dollar."""
  known = {'$$': '$', **{f'$({name})': value for name, value in environment.items()}}
  return re.sub(r'\$\$|\$\(\w+\)', lambda found: known.get(found[0], found[0]), text)


def test_arguments_pass_through_unchanged(capsys):
  odd = ['two words', "it's", '"quoted"', '$HOME $(PROCESS_ID) $$ $', '', 'ä\nb']
  ours = printed(capsys, *GPU, *EXPERIMENT, *odd)
  command = pod(ours)['containers'][0]['command']
  got = [expanded(word, {'PROCESS_ID': '1'}) for word in command]
  assert got[:4] == ['python', '-m', 'experiments.lung_cnn', '--workdir=/data/a']
  assert got[4 : 4 + len(odd)] == odd
  assert got[-1] == '--process_id=1'


def test_a_run_that_saved_starts_again_without_limit(capsys):
  ours = printed(capsys, *GPU, *ALL, *EXPERIMENT)
  assert ours['spec']['failurePolicy']['maxRestarts'] == 9
  rule = ours['spec']['failurePolicy']['rules'][0]
  assert rule['action'] == 'RestartJobSetAndIgnoreMaxRestarts'
  assert rule['onJobFailureReasons'] == ['PodFailurePolicy']
  codes = job(ours)['podFailurePolicy']['rules'][0]
  assert codes == {'action': 'FailJob', 'onExitCodes': {'operator': 'In', 'values': [75]}}
  assert pod(ours)['restartPolicy'] == 'Never'  # podFailurePolicy asks for it


def test_the_name_is_that_of_the_experiment(capsys):
  experiment = ['--', f'experiments.Long_{"name_" * 20}', '--workdir=/data/a']
  name = printed(capsys, *GPU, *experiment)['metadata']['name']
  assert name == 'long-' + '-'.join(['name'] * 7)
  assert len(f'{name}-hosts-0-99999-abcde') <= 63


@pytest.mark.parametrize(
  ('arguments', 'line'),
  [
    (['--gpus-per-node=1'], '--image'),
    (['--image=a'], 'either --gpus-per-node=N, or --tpu'),
    ([*GPU, '--tpu=a'], 'either --gpus-per-node=N, or --tpu'),
    (['--image=a', '--tpu=a'], '--tpu: needs --topology'),
    ([*GPU, '--topology=2x2'], 'go with --tpu=TYPE'),
    ([*TPU, '--topology=4*4'], r'--topology=4\*4: expected such as 4x4'),
    ([*TPU, '--nodes=2'], '--topology=4x4: has 16 chips, and --nodes=2 with .* have 8'),
    ([*GPU, '--volume=data'], "'data': expected CLAIM:/PATH"),
    ([*GPU, '--volume=data:a'], "'data:a': expected CLAIM:/PATH"),
    ([*GPU, '--env=A'], "'A': expected NAME=VALUE"),
    ([*GPU, '--name=Two_words'], '--name=Two_words: expected small letters'),
    ([*GPU, '--name=' + 'a' * 41], 'expected small letters, digits and -, from a letter, 40'),
    ([*GPU, '--restarts=0'], "'0': expected a whole number"),
  ],
)
def test_mistakes_are_named(arguments, line):
  with pytest.raises(UserError, match=line):
    kubernetes.main([*arguments, *EXPERIMENT])


def test_a_run_folder_must_be_named():
  with pytest.raises(UserError, match='--workdir=FOLDER: is missing'):
    kubernetes.main([*GPU, '--', 'experiments.lung_cnn'])
