"""Data: sources become data sets with splits, and those become batches on devices.

A package for each kind of data reads its sources: ``images``, ``tabular``, ``sequences``,
``residues``, ``signals`` and ``molecules``. What they share is written once: ``settings`` and
``examples``, with ``split``, ``labels``, ``tables`` and ``memory`` below them. ``feed`` makes the
batches.

Images are stored: decoded to one size and written by TFDS to ArrayRecord files under the cache
folder, once for a content and size, and read from there by number, so that a set need not fit in
memory. Splits and folds select from what is stored. Tables, sequences, residues, signals and
molecules are not stored: they are read once, at the start of each command, into arrays in memory.
They are small (a float a column, a byte a letter, a few hundred samples a beat, a byte a place of a
fingerprint), and what is read depends on the
training split: tables are standardised by it, and sequences may keep only the places at which it
varies.
"""
