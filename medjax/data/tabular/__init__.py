"""Rows of a table as examples."""

from medjax.data.tabular.loader import Config, column_of, fitted_preprocessing, load, typical

__all__ = ['Config', 'column_of', 'fitted_preprocessing', 'load', 'typical']
