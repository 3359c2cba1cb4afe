"""Breaking things. Each fault gives evidence that it bit: a survivor of a fault that missed proves nothing."""
