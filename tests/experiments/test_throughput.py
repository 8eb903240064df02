"""The sweep and the comparison from the command line."""

import json

import pytest

from experiments import throughput
from medjax.bench import compare


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
  """Runs it in this process; returns (exit code, output, errors)."""
  monkeypatch.chdir(tmp_path)

  def run(*arguments):
    with pytest.raises(SystemExit) as stop:
      throughput.main(arguments)
    out, err = capsys.readouterr()
    return stop.value.code or 0, out, err

  return run


def test_a_sweep_measures_every_combination(command, tmp_path):
  code, out, err = command(
    '--config.image_sizes=48',
    '--config.batch_sizes=4,8',
    '--config.precisions=float32',
    '--config.device_counts=1',
    '--config.data.simulated_train=24',
    '--config.data.simulated_val=4',
    '--config.data.simulated_test=4',
    '--output=found.json',
  )
  assert code == 0, err
  found = json.loads((tmp_path / 'found.json').read_text())
  assert [(r['model'], r['batch_size'], r['image_size']) for r in found['sweep']] == [
    ('cnn', 4, 48),
    ('cnn', 8, 48),
  ]
  assert found['environment']['versions']['jax']
  assert 'cnn at 48 px' in out


def test_a_comparison_is_printed_and_written(command, monkeypatch, tmp_path):
  def compared(spec, peers, rounds):
    about = {'device': 'd', 'versions': {}, 'difference': 0.0}
    rate = {'median': 2.0, 'low': 1.0, 'high': 3.0}
    return {
      'spec': {
        'title': spec.title,
        'image_size': spec.image_size,
        'batch_size': spec.batch_size,
        'precision': spec.precision,
      },
      'rounds': rounds,
      'processor': 'a processor, 2 cores',
      'kernels': 'used',
      'entrants': {
        'medjax': about | {'examples_per_s': rate, 'peak_gib': 1.5},
        peers[0]: {'error': 'missing'},
      },
    }

  monkeypatch.setattr(compare, 'compare', compared)
  code, out, _ = command('--peers=keras', '--config.sweep=false', '--config.rounds=7')
  assert code == 0
  found = json.loads((tmp_path / 'throughput.json').read_text())
  assert found['comparison'][0]['spec']['precision'] == 'float32'
  assert 'sweep' not in found
  assert 'could not run: missing' in out
  assert 'on a processor, 2 cores' in out
  assert '1.50' in out


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (['--peers=jax'], '--peers=jax: expected some of jit, keras, torch, torch_compile'),
    (['--peers=chemprop'], 'config.molecules: expected a file of molecules to train on'),
    (['--config.models=vgg'], 'config.models=vgg: expected some of cnn, resnet18'),
    (['--config.precisions=half'], 'config.precisions=half: expected some of auto, float32'),
    (['--config.batch_sizes=0'], 'config.batch_sizes=0: expected comma-separated int values'),
    (['now'], 'now: expected only flags'),
  ],
)
def test_mistakes_are_one_line(command, arguments, message):
  code, _, err = command(*arguments)
  assert code == 2
  assert err.startswith(f'error: {message}')
  assert len(err.splitlines()) == 1


def test_peers_see_what_they_are_made_for(command, monkeypatch, tmp_path):
  seen = []

  def compared(spec, peers, rounds):
    seen.append((spec.title, peers))
    return {}

  monkeypatch.setattr(compare, 'compare', compared)
  monkeypatch.setattr(compare, 'table', lambda found: None)
  command('--peers=chemprop,torch', '--config.sweep=false', '--config.molecules=a/b.csv')
  assert seen == [
    ('cnn at 224 px', ['torch']),
    ('D-MPNN, 300 units, depth 3, b.csv', ['chemprop']),
  ]
  assert json.loads((tmp_path / 'throughput.json').read_text())['comparison'] == [{}, {}]


def test_help_lists_flags_and_settings(command):
  code, out, _ = command('--help')
  assert code == 0
  assert '--peers=NAMES' in out
  assert '--config.batch_sizes=32' in out
