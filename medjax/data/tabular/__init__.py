"""Rows of a table as examples."""

from medjax.data.tabular.config import Config, SurvivalConfig
from medjax.data.tabular.loader import load
from medjax.data.tabular.modality import Table

__all__ = ['Config', 'SurvivalConfig', 'Table', 'load']
