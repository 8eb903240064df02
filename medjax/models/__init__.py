"""Networks as linen modules: ``model.apply(variables, inputs, train=...)`` gives outputs."""

from medjax.models.base import Model, mask_argument, members
from medjax.models.cnn import CNN
from medjax.models.dilated_cnn import DilatedCNN
from medjax.models.ensemble import Ensemble
from medjax.models.mlp import MLP, l2
from medjax.models.norm import BatchNorm
from medjax.models.pooling import AttentionPool
from medjax.models.recurrent import Recurrent
from medjax.models.resnet import ResNet
from medjax.models.sequence_cnn import SequenceCNN
from medjax.models.transformer import Transformer

__all__ = [
  'CNN',
  'MLP',
  'AttentionPool',
  'BatchNorm',
  'DilatedCNN',
  'Ensemble',
  'Model',
  'Recurrent',
  'ResNet',
  'SequenceCNN',
  'Transformer',
  'l2',
  'mask_argument',
  'members',
]
