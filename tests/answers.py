"""What several tests do with the answers of queries."""


def concatenated(batches):
    """The columns of an answer, its batches put together."""
    columns = {}
    for batch in batches:
        for name, values in batch.items():
            columns.setdefault(name, []).extend(values)
    return columns
