"""What many accelerators would make of a step that is measured on one: a model, not a measurement.

Every device does the same step on its own share of a batch that grows with their number, and then
sums gradients with all others. Sums are by rings: within a host first, each device then sums its
part with those at the same place of other hosts, and at last parts are exchanged within the host.
With a state in parts, the parameters are gathered twice within the host besides, for the pass
forward and for the one back. The bytes that each device sends follow from the number of parameters
alone; the seconds from the bandwidth and latency that are given. A library that sums by trees, or
in the switch, needs fewer messages than a ring.

What is computed while bytes travel is not known, so two bounds are given: nothing, and all.

Sources:
  Patarasuk and Yuan (2009), Bandwidth optimal all-reduce algorithms for clusters of workstations,
  Journal of Parallel and Distributed Computing 69:117-124.
  Rajbhandari et al. (2020), ZeRO: memory optimizations toward training trillion parameter models,
  section 7, for the three passes of parameters in parts.
"""

import dataclasses
from collections.abc import Sequence

from medjax.errors import UserError

COUNTS = (8, 64, 512)


@dataclasses.dataclass(frozen=True)
class Cluster:
  """Accelerators and what connects them.

  Attributes:
    per_host: devices of a host.
    within: bytes a second that a device sends to others of its host.
    between: bytes a second that a device sends to other hosts.
    latency: seconds of a message.
  """

  per_host: int
  within: float
  between: float
  latency: float = 5e-6


# Data sheets: NVLink 4 has 450 GB/s each way, ConnectX-7 400 Gbit/s for every GPU.
CLUSTERS = {'h100': Cluster(8, 450e9, 50e9)}


@dataclasses.dataclass(frozen=True)
class Scaled:
  """A step on a number of devices.

  Attributes:
    devices: how many.
    within: bytes that each sends within its host.
    between: bytes that each sends to other hosts.
    seconds: that the sending takes.
    slowest: share of the time that is computing, where nothing is computed meanwhile.
    fastest: the same where all of the sending is hidden that can be.
  """

  devices: int
  within: float
  between: float
  seconds: float
  slowest: float
  fastest: float


def parse(text: str) -> Cluster:
  """A name of ``CLUSTERS``, or 'devices of a host,GB/s within,GB/s between[,microseconds]'.

  Raises:
    UserError: it is neither.

  Example:
    >>> parse('8,450,50')
    Cluster(per_host=8, within=450000000000.0, between=50000000000.0, latency=5e-06)
  """
  if text in CLUSTERS:
    return CLUSTERS[text]
  try:
    per_host, within, between, *latency = [float(part) for part in text.split(',')]
    found = Cluster(int(per_host), 1e9 * within, 1e9 * between, *[1e-6 * one for one in latency])
    if per_host != int(per_host) or min(per_host, within, between) <= 0 or found.latency < 0:
      raise ValueError
  except (TypeError, ValueError, OverflowError):
    raise UserError(
      f'--scale={text}: expected {", ".join(CLUSTERS)}, or the devices of a host, GB/s within it '
      'and GB/s between hosts of each device, such as 8,450,50'
    ) from None
  return found


def scaled(
  step: float, parameters: int, cluster: Cluster, devices: int, *, shards: bool = False
) -> Scaled:
  """A step of one device on many.

  Args:
    step: seconds of it on one device, with its share of the batch.
    parameters: bytes of the parameters.
    cluster: where it runs.
    devices: how many, of whole hosts where there are several.
    shards: whether the state is in parts within a host.

  Example:
    >>> scaled(0.1, 10**9, Cluster(8, 400e9, 50e9, 0.0), 8).seconds
    0.004375
  """
  local = min(devices, cluster.per_host)
  hosts = devices // local
  around = parameters * (local - 1) / local
  # Scatter the sum and gather what follows from it; parameters in parts once more.
  passes = 3 if shards else 2
  within = passes * around
  between = 2 * parameters / local * (hosts - 1) / hosts
  messages = passes * (local - 1) + 2 * (hosts - 1)
  seconds = within / cluster.within + between / cluster.between + messages * cluster.latency
  return Scaled(
    devices, within, between, seconds, step / (step + seconds), step / max(step, seconds)
  )


def lines(
  step: float, parameters: int, cluster: Cluster, counts: Sequence[int] = COUNTS
) -> list[list[str]]:
  """Rows of a table: devices, MB sent within and between hosts, milliseconds, bounds, by layout."""
  rows = []
  for shards in (False, True):
    for devices in counts:
      one = scaled(step, parameters, cluster, devices, shards=shards)
      rows.append(
        [
          'in parts' if shards else 'a copy each',
          str(devices),
          f'{one.within / 1e6:.3g}',
          f'{one.between / 1e6:.3g}',
          f'{one.seconds * 1e3:.2f}',
          f'{one.slowest:.0%} to {one.fastest:.0%}',
        ]
      )
  return rows
