"""Files of weights."""

import pathlib
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np

from medjax.errors import UserError
from medjax.transfer import names, pth
from medjax.transfer.settings import FILES

_DTYPES = {
  'BF16': jnp.bfloat16,
  'F16': np.float16,
  'F32': np.float32,
  'F64': np.float64,
  'I64': np.int64,
}


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
  """The tensors of a file of weights, by name; see ``names.cleaned``.

  Args:
    path: of a .safetensors file, or of one of PyTorch.

  Raises:
    UserError: it cannot be read, or is no such file.
  """
  if path.suffix not in FILES:
    raise UserError(f'{path}: expected a run folder, or a file whose name ends in {_spelled()}')
  found = _safetensors(path) if path.suffix == '.safetensors' else pth.read(path)
  short = names.cleaned([*found])
  return {short[name]: array for name, array in found.items()}


def of_xrayvision(found: Mapping[str, np.ndarray]) -> bool:
  """Whether these are TorchXRayVision's: a DenseNet for grey images and 18 findings."""
  first, last = (found.get(f'{name}.weight') for name in ('features.conv0', 'classifier'))
  if first is None or first.ndim != 4 or first.shape[1] != 1:
    return False
  return 'op_threshs' in found or (last is not None and last.shape[0] == 18)


def _spelled() -> str:
  return f'{", ".join(FILES[:-1])} or {FILES[-1]}'


def _safetensors(path: pathlib.Path) -> dict[str, np.ndarray]:
  try:
    import safetensors  # an optional package
  except ImportError:
    raise UserError(
      f"{path}: needs the package safetensors: pip install 'medjax[transfer]'"
    ) from None
  try:
    content = safetensors.deserialize(path.read_bytes())
  except OSError as error:
    raise UserError(f'{path}: cannot be read: {error.strerror or error}') from None
  except safetensors.SafetensorError as error:
    raise UserError(f'{path}: is no file of safetensors, or is damaged ({error})') from None
  return {
    name: np.frombuffer(part['data'], _DTYPES[part['dtype']]).reshape(part['shape'])
    for name, part in content
    if part['dtype'] in _DTYPES
  }
