"""What `make machine` is made of: the blocks of the documents, booted Debians, the steps."""
