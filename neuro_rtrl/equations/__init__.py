"""Text to expressions: reading models, checking units, deriving Jacobians; nothing is compiled."""
