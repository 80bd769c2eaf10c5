"""Tools of the project: they read the code and write its pages. Not part of the product."""
