"""Models at work on labelled data: lazily, chunk by chunk, on dask."""
