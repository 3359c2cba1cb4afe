"""Codecs generated from `schema/`; `protocol/generate.py` writes them."""
