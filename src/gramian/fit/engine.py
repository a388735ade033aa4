"""What a fit asks of an engine."""

from gramian.engines.choice import Engine as Engine
