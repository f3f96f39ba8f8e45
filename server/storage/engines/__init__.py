"""The guards around the ORM: they correct in one place what our measurements showed to go wrong.

Engines (one per database), schema editors and migration operations, and the batcher. Nothing here
knows a child: this package would serve any program.
"""
