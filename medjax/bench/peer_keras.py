"""The same networks in Keras on TensorFlow, as its users write and train them."""

import importlib.metadata
import os
from collections.abc import Callable
from typing import Any

os.environ['KERAS_BACKEND'] = 'tensorflow'
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import keras
import numpy as np
from keras import layers

from medjax.bench import network

_STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def build(
  spec: dict[str, Any], *, compiled: bool
) -> tuple[dict[str, Any], Callable[[], None], Callable[[], None]]:
  """What it is, one step, and a wait until all steps are done."""
  del compiled  # train_on_batch runs a compiled tf.function
  wanted = network.Spec(**spec)
  if wanted.network == 'unet':
    raise ValueError('there is no U-Net of Keras here')
  weights, inputs = network.read(wanted)
  if wanted.precision == 'bfloat16':
    keras.mixed_precision.set_global_policy('mixed_bfloat16')
  model = _cnn(wanted) if wanted.network == 'cnn' else _resnet(wanted)
  for layer in model.layers:
    _load(layer, weights)
  model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
  )
  image = inputs['image'].astype(np.float32) / 255
  outputs = np.asarray(model.predict_on_batch(image[:2]), np.float32)
  x = keras.ops.convert_to_tensor(image)
  y = keras.ops.convert_to_tensor(inputs['label'].astype(np.float32)[:, None])
  about = {
    'device': keras.distribution.list_devices()[0],
    'versions': {'keras': keras.__version__, 'tensorflow': _version()},
    'difference': float(np.abs(outputs - inputs['expected']).max()),
  }
  # train_on_batch returns numbers, so it has waited.
  return about, lambda: model.train_on_batch(x, y) and None, lambda: None


def _version() -> str:
  """TensorFlow's, which comes in packages of several names."""
  names = importlib.metadata.packages_distributions()['tensorflow']
  return importlib.metadata.version(names[0])


def _cnn(spec: network.Spec) -> keras.Model:
  parts: list[Any] = [keras.Input((spec.image_size, spec.image_size, 3))]
  for i, features in enumerate((32, 64, 128)):
    parts += [
      layers.Conv2D(features, 3, activation='relu', name=f'Conv_{i}'),
      layers.MaxPooling2D(2),
    ]
  parts += [
    layers.Flatten(),
    layers.Dense(512, activation='relu', name='Dense_0'),
    layers.Dense(1, dtype='float32', name='Dense_1'),
  ]
  return keras.Sequential(parts)


def _resnet(spec: network.Spec) -> keras.Model:
  depth = int(spec.network[6:])
  start = keras.Input((spec.image_size, spec.image_size, 3))
  kernel, stride = (3, 1) if spec.small_images else (7, 2)
  x = _conv(start, 64, kernel, stride, 'Conv_0')
  x = layers.ReLU()(_norm(x, 'BatchNorm_0'))
  if not spec.small_images:
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
  kind, number = ('_Bottleneck' if depth >= 50 else '_Basic'), 0
  for stage, blocks in enumerate(_STAGES[depth]):
    for i in range(blocks):
      stride, width, name = (2 if stage and not i else 1), 64 * 2**stage, f'{kind}_{number}'
      x = (_bottleneck if depth >= 50 else _basic)(x, width, stride, name)
      number += 1
  x = layers.GlobalAveragePooling2D()(x)
  return keras.Model(start, layers.Dense(1, dtype='float32', name='Dense_0')(x))


def _basic(x: Any, width: int, stride: int, name: str) -> Any:
  y = layers.ReLU()(_norm(_conv(x, width, 3, stride, f'{name}.Conv_0'), f'{name}.BatchNorm_0'))
  y = _norm(_conv(y, width, 3, 1, f'{name}.Conv_1'), f'{name}.BatchNorm_1')
  return _join(x, y, stride, name, 2)


def _bottleneck(x: Any, width: int, stride: int, name: str) -> Any:
  y = layers.ReLU()(_norm(_conv(x, width, 1, 1, f'{name}.Conv_0'), f'{name}.BatchNorm_0'))
  y = layers.ReLU()(_norm(_conv(y, width, 3, stride, f'{name}.Conv_1'), f'{name}.BatchNorm_1'))
  y = _norm(_conv(y, 4 * width, 1, 1, f'{name}.Conv_2'), f'{name}.BatchNorm_2')
  return _join(x, y, stride, name, 3)


def _join(x: Any, y: Any, stride: int, name: str, number: int) -> Any:
  if x.shape != y.shape:
    x = _conv(x, y.shape[-1], 1, stride, f'{name}.Conv_{number}')
    x = _norm(x, f'{name}.BatchNorm_{number}')
  return layers.ReLU()(layers.Add()([x, y]))


def _conv(x: Any, features: int, kernel: int, stride: int, name: str) -> Any:
  if kernel > 1 and stride > 1:  # 'same' would pad one side more
    x = layers.ZeroPadding2D(kernel // 2)(x)
    return layers.Conv2D(features, kernel, stride, use_bias=False, name=name)(x)
  return layers.Conv2D(features, kernel, stride, 'same', use_bias=False, name=name)(x)


def _norm(x: Any, name: str) -> Any:
  return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def _load(layer: Any, weights: dict[str, np.ndarray]) -> None:
  name = layer.name
  if isinstance(layer, (layers.Conv2D, layers.Dense)):
    given = [weights[f'params.{name}.kernel']]
    layer.set_weights(given + ([weights[f'params.{name}.bias']] if layer.use_bias else []))
  elif isinstance(layer, layers.BatchNormalization):
    layer.set_weights(
      [weights[f'params.{name}.{k}'] for k in ('scale', 'bias')]
      + [weights[f'batch_stats.{name}.{k}'] for k in ('mean', 'var')]
    )
