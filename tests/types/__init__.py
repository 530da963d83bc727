# ruff: noqa: A005  (named as the package it tests, never on the path by itself)
