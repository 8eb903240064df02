"""Toy tasks of other shapes than one array and one label: outlines on images, and graphs."""

import dataclasses
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from medjax import outcomes, tasks
from medjax.data import augment, dataset, memory
from medjax.data.modality import Modality
from medjax.evaluation import Numbers
from medjax.experiment import Experiment


class Given(Modality):
  """Inputs that are in memory: the arrays of these names, as a tree, floats as they are."""

  def __init__(self, *names, axes=None):
    self.names, self.axes = names, axes or {}

  def inputs(self, batch):
    if len(self.names) == 1:
      return batch[self.names[0]]
    return {name: batch[name] for name in self.names}

  def open(self, names):
    return []


def data_of(modality, arrays, label, sizes=None, axes=None, parts=('train', 'val', 'test')):
  """A data set whose examples go to train, train, val, test in turn."""
  count = len(next(iter(arrays.values())))
  where = [('train', 'train', 'val', 'test')[i % 4] for i in range(count)]
  names = [f'n{i}' for i in range(count)]
  splits = memory.splits(
    where, arrays, id=names, label=label, group=names, metadata=[{}] * count, sizes=sizes, axes=axes
  )
  return dataset.Dataset('toy', splits, (), 'toy', True, modality)


class Dice(outcomes.Number):
  """The overlap of outlines, of counts of voxels alone."""

  monitor = 'dice'
  metrics: ClassVar = {'dice': outcomes.Metric('Dice', share=True)}

  def table(self, statistics, label, *, classes, sizes, **columns):
    dice = 2 * statistics['both'] / np.maximum(statistics['either'], 1)
    return Numbers(label=dice.astype(float), prediction=dice.astype(float), **columns)

  def score(self, table):
    return float(table.prediction.mean())


@dataclasses.dataclass(frozen=True)
class Outline(tasks.Task):
  """A logit for each pixel; what travels back is two counts an image."""

  outputs: int = 1
  outcome: outcomes.Outcome = Dice()

  def loss(self, outputs, batch):
    target = batch['outline'].astype(jnp.float32)
    return optax.sigmoid_binary_cross_entropy(outputs[..., 0], target).mean(axis=(1, 2))

  def predict(self, outputs):
    return outputs[..., 0] > 0

  def statistics(self, outputs, batch):
    called, true = self.predict(outputs), batch['outline']
    both = (called & true).sum(axis=(1, 2))
    return {'both': both, 'either': called.sum(axis=(1, 2)) + true.sum(axis=(1, 2))}


class Pixels(nn.Module):
  """A convolution for each pixel."""

  @nn.compact
  def __call__(self, image, *, train=False):
    x = nn.relu(nn.Conv(8, (3, 3))(image))
    return nn.Conv(1, (3, 3))(x)


def outlines(count=40, moves=True):
  """Squares in noise; the outline is no label in memory but a target of each image."""
  rng = np.random.default_rng(0)
  image = rng.normal(0, 0.1, (count, 12, 12, 1)).astype(np.float32).clip(0, 1)
  outline = np.zeros((count, 12, 12), bool)
  for i in range(count):
    row, column, size = [*rng.integers(0, 7, 2).tolist(), int(rng.integers(3, 6))]
    outline[i, row : row + size, column : column + size] = True
  image[..., 0] = np.clip(image[..., 0] + 0.6 * outline, 0, 1)
  joint = augment.Joint(
    augment.Affine(flip=0.5, translation=0.1), augment.Brightness(0.1), targets=('outline',)
  )
  return Experiment(
    data=data_of(Given('image'), {'image': image, 'outline': outline}, np.zeros(count, np.int32)),
    model=Pixels(),
    task=Outline(),
    optimizer=optax.adam(1e-2),
    augment=joint if moves else None,
  )


AXES = {'kind': ('nodes',), 'sender': ('edges',), 'receiver': ('edges',)}


class Messages(nn.Module):
  """Two rounds of messages along edges, and the mean over nodes that are there."""

  kinds: int = 600

  @nn.compact
  def __call__(self, graph, *, train=False):
    # Number 0 is padding: of a node no kind, of an edge no end.
    x = nn.Embed(self.kinds, 8)(graph['kind'])
    there = (graph['kind'] > 0)[..., None]
    for _ in range(2):
      along = jax.vmap(lambda nodes, sender: nodes[sender])(x, graph['sender'])
      along = jnp.where((graph['receiver'] > 0)[..., None], nn.Dense(8)(along), 0)
      arrived = jax.vmap(lambda m, to, nodes: jnp.zeros_like(nodes).at[to].add(m))(
        along, graph['receiver'], x
      )
      x = nn.relu(x + arrived)
    mean = jnp.where(there, x, 0).sum(axis=1) / jnp.maximum(there.sum(axis=1), 1)
    return nn.Dense(1)(mean)


class Ragged:
  """Graphs in memory, each as large as it is."""

  def __init__(self, graphs):
    self.graphs = graphs

  def __len__(self):
    return len(self.graphs)

  def __getitems__(self, keys):
    return [self.graphs[key] for key in keys]


def graphs(count=40):
  """Rings and paths of atoms whose kinds are numbers up to 599."""
  rng = np.random.default_rng(0)
  made, label = [], []
  for i in range(count):
    nodes = int(rng.integers(5, 60))
    ring = i % 2
    ends = np.arange(1, nodes)
    sender, receiver = np.append(ends, ends + 1), np.append(ends + 1, ends)
    if ring:
      sender, receiver = np.append(sender, [1, nodes]), np.append(receiver, [nodes, 1])
    kind = np.append(0, rng.integers(257, 600, nodes))  # node 0 stands for padding
    made.append({'kind': kind.astype(np.int32), 'sender': sender.astype(np.int32),
                 'receiver': receiver.astype(np.int32)})  # fmt: skip
    label.append(ring)
  splits = {}
  label = np.array(label, np.int32)
  for name, of in {'train': slice(0, 24), 'val': slice(24, 32), 'test': slice(32, 40)}.items():
    rows, ids = made[of], np.array([f'{name}{i}' for i in range(len(made[of]))])
    sizes = {
      'nodes': np.array([len(row['kind']) for row in rows]),
      'edges': np.array([len(row['sender']) for row in rows]),
    }
    splits[name] = dataset.Split(
      name, Ragged(rows), lambda row: row, ids, label[of], ids, {}, sizes, AXES
    )
  modality = Given('kind', 'sender', 'receiver', axes=AXES)
  return Experiment(
    data=dataset.Dataset('graphs', splits, ('path', 'ring'), 'graphs', True, modality),
    model=Messages(),
    task=tasks.Binary(),
    optimizer=optax.adam(1e-2),
  )
