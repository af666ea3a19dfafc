"""Methods that the models must beat and that are not served, a module each."""
