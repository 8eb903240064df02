"""Three sites with tables of their own, and a network between them and a server in one process."""

import csv
import types

import numpy as np
from flwr.app import Context, Message, RecordDict
from flwr.supercore.task_identity import TaskIdentity

from medjax.federated import app

NAMES = ('north', 'south', 'west')
SIZES = (90, 120, 150)
CONFIG = {
  'num_epochs': '3',
  'batch_size': '16',
  'learning_rate': '0.03',
  'features': '8',
  'dropout': '0.0',
  'num_devices': '1',
  'select': 'last',
  'validate_epochs': '3',
  'data.label_column': 'ill',
  'data.group_column': '',
  'explanation': 'none',
}


def write_tables(folder):
  """A table for each site, whose columns differ in mean and spread; returns their paths."""
  paths = []
  for number, (name, size) in enumerate(zip(NAMES, SIZES, strict=True)):
    random = np.random.default_rng(number)
    path = folder / f'{name}.csv'
    with open(path, 'w', newline='') as file:
      writer = csv.writer(file)
      writer.writerow(['id', 'age', 'marker', 'ward', 'ill'])
      for i in range(size):
        age = random.normal(50 + 5 * number, 10)
        marker = random.normal(number, 1 + number)
        risk = 1 / (1 + np.exp(-(0.1 * (age - 55) + marker)))
        ward = random.choice(['a', 'b', 'c'])
        writer.writerow(
          [f'{name}-{i}', f'{age:.2f}', f'{marker:.3f}', ward, int(random.random() < risk)]
        )
    paths.append(path)
  return paths


def run_config(workdir, **changed):
  """The configuration of a run, as Flower gives it to the server and the sites."""
  found = {
    f'{app.SERVER}.workdir': str(workdir),
    f'{app.SERVER}.fewest': 2,
    f'{app.SERVER}.round_seconds': 60.0,
    **{f'{app.FEDERATION}.{name}': value for name, value in _SETTINGS.items()},
    **{f'{app.CONFIG}.{name}': value for name, value in CONFIG.items()},
  }
  return found | changed


_SETTINGS = {
  'strategy': 'fedavg',
  'local_epochs': 1,
  'local_steps': 0,
  'proximal': 0.01,
  'server_rate': 0.0,
  'combine': 'mean',
  'clip': 0.0,
}


def context_of(node, given):
  """What Flower tells a site's app beside the message."""
  return Context(1, 1, node, RecordDict(), given)


class Network:
  """Flower's grid, in one process: messages are answered at once.

  Args:
    client_app: of the sites.
    given: configuration of the run.
    nodes: of each site its configuration.
    line: (site, message, its answer) -> what arrives; None for nothing.
  """

  def __init__(self, client_app, given, nodes, line=None):
    self._app, self._given, self.nodes = client_app, given, dict(nodes)
    self._line = line or (lambda name, message, answer: answer)
    self._names = {100 + i: name for i, name in enumerate(nodes)}
    self.sent = []
    TaskIdentity.task_id = TaskIdentity.run_id = TaskIdentity.node_id = 1  # as Flower's processes

  def get_nodes(self):
    return [
      types.SimpleNamespace(node_id=number, name=name)
      for number, name in self._names.items()
      if name in self.nodes
    ]

  def send_and_receive(self, messages, *, timeout=None):
    answers = []
    for message in messages:
      name = self._names[message.metadata.dst_node_id]
      self.sent.append((name, message))
      if name not in self.nodes:
        continue
      context = context_of(self.nodes[name], self._given)
      message.metadata.__dict__['_message_id'] = f'm{len(self.sent)}'
      answer = self._line(name, message, self._app(message=message, context=context))
      if answer is not None:
        answers.append(answer)
    return answers


def replied(answer: Message, about, tree):
  """An answer with another content."""
  from medjax.flower import wire

  answer.content = wire.packed(about, tree)
  return answer
