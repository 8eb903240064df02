"""The README's example of an experiment runs as it is printed."""

import pathlib
import re
import subprocess
import sys

import pytest

README = pathlib.Path(__file__).resolve().parents[1] / 'README.md'


def test_the_first_block_is_two_lines():
  block = re.search(r'```sh\n(.*?)```', README.read_text(), re.DOTALL).group(1).splitlines()
  assert len(block) == 2
  assert block[0].endswith('-m experiments.lung_cnn')
  assert block[1].endswith('-m pytest')


def test_every_file_that_it_names_exists():
  text = re.sub(r'```.*?```', '', README.read_text(), flags=re.DOTALL)
  for name in re.findall(r'\]\(((?!http)[^)#]+)(?:#[^)]*)?\)', text):
    assert (README.parent / name).exists(), name


@pytest.mark.slow
def test_the_example_experiment_runs(tmp_path, cache):
  import os

  code = re.search(r'```python\n(.*?)```', README.read_text(), re.DOTALL).group(1)
  assert len(code.splitlines()) < 60
  (tmp_path / 'my_study.py').write_text(code)
  environment = os.environ | {
    'MEDJAX_CACHE': str(cache),
    'PYTHONPATH': os.pathsep.join([str(README.parent), str(tmp_path)]),
    'XLA_FLAGS': '',
  }
  done = subprocess.run(
    [
      sys.executable, '-m', 'my_study', '--config.data.image_size=64', '--config.num_epochs=1',
      '--config.data.simulated_train=40', '--config.data.simulated_val=30',
      '--config.data.simulated_test=30', '--config.weight_decay=0.001',
    ],
    cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
  )  # fmt: skip
  assert done.returncode == 0, done.stderr[-2000:]
  assert 'test AUROC' in done.stdout
  assert len(list((tmp_path / 'runs').glob('my_study-*'))) == 1
