"""Engines: how a pass is run over the units of a source. An engine is a class with one method, `fold`."""
