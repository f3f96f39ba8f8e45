"""The steps of the worker: claiming, envelopes, what came of the attempts."""
