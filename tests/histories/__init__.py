"""Hand-written histories: a small builder that writes tables through the real writer."""
