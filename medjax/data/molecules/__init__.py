"""Molecules: read from SMILES, as graphs of atoms and bonds."""
