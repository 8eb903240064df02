"""Networks as linen modules: ``model.apply(variables, inputs, train=...)`` gives outputs."""

from medjax.models.cnn import CNN

__all__ = ['CNN']
