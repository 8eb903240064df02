"""Any labelled folder of chest X-rays with a residual network: one finding, or several at once.

What usually helps with few radiographs: mild changes of pose and exposure, a step size that falls
along a cosine, a moving average of the weights, and outputs averaged with the mirror image.

Data: 544 simulated radiographs to train on; yours with --config.data.source=FOLDER.

    python -m experiments.chest_xray
    python -m experiments.chest_xray --config.data.source=FOLDER --config.network=densenet121 \
        --config.model.weights=WEIGHTS.safetensors --config.model.layer_decay=0.7
    python -m experiments.chest_xray --config.data.source=FOLDER --config.data.labels=several

With several findings cells join their names ('Effusion|Mass'), or --config.data.findings names
columns of 1, 0 and -1 for not known.
"""

import medjax
from medjax import imaging, optimizers
from medjax.data import images
from medjax.data.simulate import radiograph


def config() -> imaging.Config:
  """Defaults for few radiographs."""
  return imaging.Config(
    data=images.Config(image_size=128),
    network='resnet18',
    optimizer=optimizers.Settings('cosine', warmup_epochs=0.5, weight_decay=0.05),
    augment='radiograph',
    average=0.99,
    views='flip',
  )


def build(config: imaging.Config) -> medjax.Experiment:
  data = images.load(config.data, simulator=radiograph.simulate, classes=('no cancer', 'cancer'))
  return imaging.experiment(config, data)


if __name__ == '__main__':
  medjax.main(config(), build)
