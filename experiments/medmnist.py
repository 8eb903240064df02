"""Any MedMNIST file by its authors' protocol: ResNet-18, Adam 1e-3, batches of 128, 100 epochs.

The step size falls to a tenth after 50 and 75 epochs, pixels are in -1..1, and the best epoch on
validation is tested. Two classes, many, or several at once: as the file has it.

Data: without a file 160 simulated tiles of tissue to train on, to see that it runs.

    python -m experiments.medmnist --config.data.source=pneumoniamnist.npz

Yang, J. et al. (2023), MedMNIST v2, Scientific Data 10:41; files: https://medmnist.com.
"""

import medjax
from medjax import imaging, optimizers, transfer
from medjax.data import images
from medjax.data.simulate import histology


def config() -> imaging.Config:
  """The protocol; sizes of 64, 128 and 224 pixels too, with --config.data.image_size."""
  return imaging.Config(
    data=images.Config(image_size=28, simulated_train=160, simulated_val=80, simulated_test=80),
    network='resnet18',
    model=transfer.WeightSettings(pixels='centred'),
    optimizer=optimizers.Settings('steps'),
    batch_size=128,
    num_epochs=100,
  )


def build(config: imaging.Config) -> medjax.Experiment:
  data = images.load(config.data, simulator=histology.simulate, classes=histology.CLASSES)
  return imaging.experiment(config, data)


if __name__ == '__main__':
  medjax.main(config(), build)
