"""The guards around the ORM: what was measured to go wrong with it, put right in one place.

Engines (one per database), schema editors and migration operations, and the batcher. Nothing here
knows a child: this package would serve any programme.
"""
