"""Writes the network of a finished run as an ONNX graph, by jax2onnx, checked with ONNX Runtime."""

import contextlib
import io
import json
import logging
import pathlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from medjax.config import Config
from medjax.deploy import export
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.exported import program
from medjax.workdir import Workdir

_CASES = 3  # that the graph is checked with
_TOLERANCE = 1e-4
_LETTERS = 4  # numbers that every network of tokens, or of counts, takes
_OF_PIXELS = 3  # axes of one image


def write(
  experiment: Experiment, name: str, config: Config, workdir: Workdir, output: pathlib.Path
) -> None:
  """Writes the graph, once it was seen to give what the network gives.

  The graph holds network and weights. What it takes, and what is decided of what it gives (classes,
  calibration, threshold and conformal sets), stands as JSON in its metadata under 'medjax'.

  Args:
    experiment: data description, model and task of the run.
    name: of the experiment.
    config: settings of the run.
    workdir: the run folder.
    output: the file to write.

  Raises:
    UserError: jax2onnx or ONNX Runtime is not installed, cannot take this network, or gives other
      numbers; or the run was not evaluated.
  """
  try:
    import jax2onnx
    import onnx
    import onnxruntime
  except ImportError as error:
    raise UserError(
      f"--format=onnx: needs a package that is not installed ({error}); pip install -e '.[onnx]'"
    ) from None
  network = export.Network.of_run(experiment, workdir)
  if network.axes:
    raise UserError(
      f'--format=onnx: cases of this run differ in size ({", ".join(network.axes)}), which this '
      'format is not written for; expected --format=stablehlo'
    )
  outputs = list(jax.eval_shape(network, network.weights, _batch(network, 1)))

  def function(*arrays: Any) -> tuple[Any, ...]:
    batch = dict(zip(network.inputs, arrays, strict=True))
    found = network(network.weights, batch)
    return tuple(found[name] for name in outputs)

  try:
    with _quiet():
      graph = jax2onnx.to_onnx(
        function,
        inputs=list(program.abstract(network.inputs).values()),
        model_name=name,
        input_names=list(network.inputs),
        output_names=outputs,
      )
      onnx.helper.set_model_props(graph, {'medjax': _about(network, name)})
      data = graph.SerializeToString()
      options = onnxruntime.SessionOptions()
      options.log_severity_level = 4  # what fails is an exception, and said once
      session = onnxruntime.InferenceSession(data, options, providers=['CPUExecutionProvider'])
      batch = _batch(network, _CASES)
      found = dict(zip(outputs, session.run(outputs, batch), strict=True))
  except Exception as error:  # whatever two converters say of an operation that they do not know
    why = next(iter(str(error).strip().splitlines()), '')[:300]
    raise UserError(
      f'--format=onnx: jax2onnx does not convert this network ({type(error).__name__}: {why})'
    ) from None
  apart = _apart(found, jax.device_get(jax.jit(network)(network.weights, batch)))
  if not apart <= _TOLERANCE:
    raise UserError(
      f'--format=onnx: the graph gives other numbers than the network, {apart:.1g} apart; expected '
      f'at most {_TOLERANCE:g}'
    )
  export.write_bytes(output, data)
  print(f'exported: the checkpoint of step {network.step}, {len(data) / 1e6:.1f} MB')
  print(f'ONNX Runtime gives the same to {apart:.1g}, on {_CASES} cases of noise')
  print(f'model: {output}')


def _about(network: export.Network, name: str) -> str:
  """What stands beside the graph."""
  return json.dumps(
    {
      'experiment': name,
      'classes': list(network.experiment.data.classes),
      'inputs': network.inputs,
      'decision': network.decision.to_json(),
    }
  )


def _batch(network: export.Network, cases: int) -> dict[str, np.ndarray]:
  """Noise as the network takes it: pixels of any value, small whole numbers, or normal numbers."""
  random = np.random.default_rng(0)
  batch = {}
  for name, one in network.inputs.items():
    dtype, shape = np.dtype(one['dtype']), (cases, *one['shape'][1:])
    if np.issubdtype(dtype, np.floating):
      batch[name] = random.normal(size=shape).astype(dtype)
    else:
      pixels = dtype == np.uint8 and len(shape) > _OF_PIXELS
      batch[name] = random.integers(0, 256 if pixels else _LETTERS, shape).astype(dtype)
  return batch


def _apart(found: dict[str, Any], expected: dict[str, Any]) -> float:
  """The largest difference, relative to numbers above 1; NaN where one of them is no number."""
  gaps = [
    np.abs(found[name] - expected[name]) / np.maximum(1, np.abs(expected[name]))
    for name in expected
  ]
  return float(np.max([gap.max() for gap in gaps]))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
  """Keeps what the converter says while it works off the terminal."""
  logging.disable(logging.WARNING)
  try:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
      yield
  finally:
    logging.disable(logging.NOTSET)
