"""Writes a finished run as a folder in the form of the Hugging Face hub; nothing is uploaded."""

import json
import pathlib
from typing import Any

from medjax.config import Config
from medjax.deploy import export
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.exported import container
from medjax.workdir import Workdir

_USE = """
## How to use it

```python
import medjax  # needs JAX and NumPy

model = medjax.load('FOLDER')
print(model.inputs, model.classes)
said = model(arrays)
```

or `python -m experiments.{experiment} predict FILES --model=FOLDER`.
"""


def write(
  experiment: Experiment, name: str, config: Config, workdir: Workdir, output: pathlib.Path
) -> None:
  """Writes README.md (the model card with the header that the hub reads), config.json,
  model.safetensors, the program, and the manifest by which ``medjax.load`` takes the folder.

  Args:
    experiment: data description, model and task of the run.
    name: of the experiment.
    config: settings of the run.
    workdir: the run folder.
    output: the folder; it is made, or holds an earlier export.

  Raises:
    UserError: as of ``export.write``, or the folder holds other files.
  """
  _check(output)
  network = export.Network.of_run(experiment, workdir)
  manifest, members = export.contents(network, name, config, workdir)
  whole = container.whole(manifest, members)
  card = members[container.CARD].decode()
  use = _USE.format(experiment=name)
  whole['README.md'] = f'{_header(name)}\n{card.rstrip()}\n{use}'.encode()
  whole['config.json'] = (json.dumps(_config(manifest), indent=2) + '\n').encode()
  for file, data in whole.items():
    export.write_bytes(output / file, data)
  size = sum(map(len, whole.values())) / 1e6
  print(f'exported: the checkpoint of step {network.step}, {size:.1f} MB')
  print(
    f'folder: {output}; nothing was uploaded. What the card leaves to you is marked in README.md'
  )


def _check(output: pathlib.Path) -> None:
  """Sees that nothing but an earlier export is overwritten."""
  if not output.exists():
    return
  if not output.is_dir():
    raise UserError(f'--output={output}: is a file; expected the name of a folder')
  if any(output.iterdir()) and not (output / container.MANIFEST).is_file():
    raise UserError(f'--output={output}: holds files that are no export; choose another folder')


def _header(name: str) -> str:
  """The YAML header of README.md; the licence is the author's to choose."""
  lines = ['library_name: jax', 'tags:', '- jax', '- medical', '- medjax', f'- {name}']
  return '\n'.join(['---', *lines, '---', ''])


def _config(manifest: dict[str, Any]) -> dict[str, Any]:
  """What the hub's pages and tools look for: the kind of model, and classes by number."""
  classes = manifest['data']['classes']
  return {
    'model_type': 'medjax',
    'architectures': [manifest['experiment']],
    'id2label': {str(number): one for number, one in enumerate(classes)},
    'label2id': {one: number for number, one in enumerate(classes)},
    'inputs': manifest['program']['inputs'],
    'settings': manifest['config'],
  }
