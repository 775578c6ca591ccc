"""The readable twin: what the engine must equal, written for the eye and not for speed."""
