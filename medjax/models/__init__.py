"""Networks as linen modules: ``model.apply(variables, inputs, train=...)`` gives outputs."""

from medjax.models.cnn import CNN
from medjax.models.dilated_cnn import DilatedCNN
from medjax.models.ensemble import Ensemble
from medjax.models.mlp import MLP, l2
from medjax.models.norm import BatchNorm
from medjax.models.resnet import ResNet
from medjax.models.sequence_cnn import SequenceCNN

__all__ = ['CNN', 'MLP', 'BatchNorm', 'DilatedCNN', 'Ensemble', 'ResNet', 'SequenceCNN', 'l2']
