"""Tissue of colorectal cancer: eight kinds of tile with a small convolutional network.

Data: 640 simulated tiles to train on, whose kinds differ in structure and not in mean colour
(medjax.data.simulate.histology).
Result: test AUROC, mean over kinds, 0.987 (95% interval 0.981 to 0.992), accuracy 0.869 (0.827 to
0.901), with seed 0. Time: 212 s on 2 cores of an AMD EPYC (AVX2), of which 85 to draw the tiles.

    python -m experiments.gi_histology
    python -m experiments.gi_histology --config.data.source=tfds:colorectal_histology
    python -m experiments.gi_histology --config.data.source=FOLDER      # a sub-folder a kind

Kinds after Kather et al. (2016), Multi-class texture analysis in colorectal cancer histology,
Scientific Reports 6:27988.
"""

import medjax
from medjax import imaging, optimizers
from medjax.data import images
from medjax.data.simulate import histology


def config() -> imaging.Config:
  """Defaults for small tiles without an up and a left."""
  return imaging.Config(
    data=images.Config(image_size=96, simulated_train=640, simulated_val=160, simulated_test=320),
    hidden=128,
    dropout=0.3,
    num_epochs=20,
    optimizer=optimizers.Settings('cosine', warmup_epochs=1.0),
    augment='histology',
  )


def build(config: imaging.Config) -> medjax.Experiment:
  data = images.load(config.data, simulator=histology.simulate, classes=histology.CLASSES)
  return imaging.experiment(config, data)


if __name__ == '__main__':
  medjax.main(config(), build)
