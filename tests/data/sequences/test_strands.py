"""Random strands: about as often either, and never anything else."""

import jax
import jax.numpy as jnp
import numpy as np

from medjax.data import augment
from medjax.data.sequences import strands
from medjax.ops.strand import reverse_complement


def test_either_strand_about_as_often():
  complement = (3, 2, 1, 0)
  x = jnp.tile(jnp.eye(4)[jnp.array([0, 0, 1, 2, 0])], (400, 1, 1))
  found = augment.augment_batch(
    strands.RandomStrand(complement), jax.random.key(0), x, jnp.arange(400)
  )
  other = reverse_complement(x[0], complement)
  same = np.array([(row == x[0]).all() for row in np.asarray(found)])
  turned = np.array([(row == other).all() for row in np.asarray(found)])
  assert (same ^ turned).all()
  assert 160 < same.sum() < 240
